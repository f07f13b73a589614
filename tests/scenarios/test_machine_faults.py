"""The machine fails under Telpher: each fault gives a clear line, none loses what was accepted, and all goes on when it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherProcess, TelpherRunning, add_fault
from tests.scenarios.google_rig import OWN_FILES, google, over_google
from tests.scenarios.machine import (
    Disk,
    Names,
    few_descriptors,
    locked,
    may_mount,
    no_file_beyond,
    read_only,
    small_disk,
    writes_refused,
)
from tests.scenarios.waits import from_bot

from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import DriveKind, Settings

CONTENT = os.urandom(7_000_000)
_MIB = 1 << 20


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return dataclasses.replace(
        await over_google(telpher_settings, sandbox, tmp_path, (1001,), scope=OWN_FILES),
        data_dir=tmp_path / "disk" / "data",
    )


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    if not may_mount():
        pytest.skip("mounting is not allowed here: run the tests as root to fill and lock a real disk")
    with small_disk(tmp_path / "disk", 40 * _MIB) as disk:
        yield disk


async def _is_well(process: TelpherProcess, sandbox: Sandbox, anna: Person, *names: str) -> None:
    """Everything sent is there, once; the log never showed where in the code it went wrong."""
    for name in names:
        await anna.wait_for(has_text(name, "verified"), timeout_s=60)
    kept = [one for one in await google(sandbox, "GET", "files") if not one["is_folder"]]
    assert sorted((one["name"], one["md5"]) for one in kept) == sorted(
        (name, hashlib.md5(CONTENT).hexdigest()) for name in names
    )
    assert await process.stop() == 0
    assert "Traceback" not in process.log, process.log[process.log.index("Traceback") :][:4000]


def _greetings(anna: Person) -> int:
    return sum(has_text("Hello")(message) for message in from_bot(anna))


async def _said(process: TelpherProcess, line: str) -> None:
    async with asyncio.timeout(40):
        while line not in process.log:
            await asyncio.sleep(0.05)


async def test_the_disk_is_full(telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person, disk: Disk) -> None:
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=4_000_000, direction="down")
    await telpher_process.start(DISK_HEADROOM="0")
    await anna.send_file(CONTENT, name="before.bin", kind="document")
    await anna.wait_for(has_text("before.bin", "%"))
    disk.fill()
    await anna.send_text("/hello")
    await anna.send_file(CONTENT, name="while.bin", kind="document")
    await _said(telpher_process, "the disk is full")
    disk.make_room()

    await anna.wait_for(has_text("Hello"), timeout_s=60)
    await _is_well(telpher_process, sandbox, anna, "before.bin", "while.bin")
    assert _greetings(anna) == 1


async def test_no_file_may_grow(telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person) -> None:
    """The same for one who may not mount."""
    await telpher_process.start()
    with no_file_beyond(telpher_process.pid, 20_000):
        for _ in range(5):
            await anna.send_text("/hello")
        await anna.send_file(CONTENT, name="while.bin", kind="document")
        await _said(telpher_process, "its disk does not work as it should")
    await _is_well(telpher_process, sandbox, anna, "while.bin")
    assert _greetings(anna) == 5


async def test_the_disk_is_read_only_at_the_start(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person, disk: Disk
) -> None:
    await telpher_process.start(DISK_HEADROOM="0")
    assert await telpher_process.stop() == 0
    await anna.send_file(CONTENT, name="while.bin", kind="document")
    with read_only(disk.path):
        await telpher_process.start(wait_until_ready=False)
        assert await telpher_process.wait() != 0, telpher_process.log
    (complaint,) = [line for line in telpher_process.log.splitlines() if line.startswith("telpher:")] or [
        telpher_process.log
    ]
    assert "read-only" in complaint.lower()
    await telpher_process.start(DISK_HEADROOM="0")
    await _is_well(telpher_process, sandbox, anna, "while.bin")


async def test_the_database_turns_read_only(
    telpher_running: TelpherRunning, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the system makes a damaged disk read-only under a running program."""
    store = telpher_running.app._store
    assert store is not None
    await anna.ask("/hello", has_text("Hello"))
    async with writes_refused(store):
        sent = await anna.send_file(CONTENT, name="while.bin", kind="document")
        async with asyncio.timeout(20):
            while "is read-only" not in caplog.text:
                await asyncio.sleep(0.02)
    await anna.wait_for(has_text("while.bin", "verified"), after=sent, timeout_s=60)
    told = [record.getMessage() for record in caplog.records if record.name == "telpher.bot.polling"]
    assert len([line for line in told if "is read-only" in line]) == 1
    assert "Traceback" not in caplog.text


async def test_another_program_locks_the_database(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person, telpher_settings: Settings
) -> None:
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=4_000_000, direction="down")
    await telpher_process.start()
    await anna.send_file(CONTENT, name="before.bin", kind="document")
    await anna.wait_for(has_text("before.bin", "%"))
    with locked(telpher_settings.data_dir / "telpher.db"):
        await anna.send_text("/hello")
        await anna.send_file(CONTENT, name="while.bin", kind="document")
        await _said(telpher_process, "another program has locked it")
    await anna.wait_for(has_text("Hello"), timeout_s=60)
    await _is_well(telpher_process, sandbox, anna, "before.bin", "while.bin")
    assert _greetings(anna) == 1


async def test_descriptors_run_out(telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person) -> None:
    await telpher_process.start()
    await anna.ask("/hello", has_text("Hello"))
    with few_descriptors(telpher_process.pid, spare=0):
        await anna.send_file(CONTENT, name="while.bin", kind="document")
        await _said(telpher_process, "oo many open files")
    await _is_well(telpher_process, sandbox, anna, "while.bin")


async def test_names_are_not_resolved(
    sandbox: Sandbox,
    telpher_settings: Settings,
    anna: Person,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    names = Names(monkeypatch)
    names.are_known = False
    by_name = sandbox.url.replace("127.0.0.1", "localhost")
    settings = dataclasses.replace(
        telpher_settings,
        telegram_api_url=by_name,
        google_api_url=by_name,
        google_oauth_url=by_name,
        drive=DriveKind.FOLDER,
    )
    await anna.send_file(CONTENT, name="early.bin", kind="document")
    app = App(settings)
    starting = asyncio.get_running_loop().create_task(app.start())
    try:
        await names.were_asked()
        await names.were_asked()
        assert not starting.done()
        names.are_known = True
        await starting
        await anna.wait_for(has_text("early.bin", "verified"), timeout_s=60)
    finally:
        await asyncio.wait({starting})
        await app.stop()
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len([line for line in told if "Telegram waits" in line and "trying again" in line]) == 1
    assert "Traceback" not in caplog.text


async def test_the_drives_name_is_not_resolved(
    sandbox: Sandbox, telpher_settings: Settings, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = Names(monkeypatch)
    by_name = sandbox.url.replace("127.0.0.1", "localhost")
    async with App(dataclasses.replace(telpher_settings, google_api_url=by_name, google_oauth_url=by_name)):
        names.are_known = False
        await anna.send_file(CONTENT, name="while.bin", kind="document")
        await anna.wait_for(has_text("while.bin", "drive doesn’t answer"), timeout_s=60)
        await anna.ask("/hello", has_text("Hello"))
        names.are_known = True
        await anna.wait_for(has_text("while.bin", "verified"), timeout_s=60)
    (kept,) = [one for one in await google(sandbox, "GET", "files") if not one["is_folder"]]
    assert kept["md5"] == hashlib.md5(CONTENT).hexdigest()
