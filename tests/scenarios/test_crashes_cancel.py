"""kill -9 between Cancel and the last trace of what was cancelled: the next start frees the rest."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.driver import Person, has_text
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherProcess, add_fault
from tests.scenarios.crash_rig import WatchedSandbox, google_settings, kill_at
from tests.scenarios.google_rig import google
from tests.scenarios.waits import eventually

from telpher.settings import Settings

SMALL, BIG = os.urandom(100_000), os.urandom(6_000_000)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[WatchedSandbox]:
    async with WatchedSandbox(state_dir=tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
async def telpher_settings(sandbox: WatchedSandbox, tmp_path: Path) -> Settings:
    return await google_settings(sandbox, tmp_path, database_url="")


async def _alive(sandbox: WatchedSandbox) -> list[str]:
    return [
        one["name"] for one in await google(sandbox, "GET", "files") if not one["is_folder"] and not one["is_trashed"]
    ]


async def _assert_no_trace(sandbox: WatchedSandbox, settings: Settings) -> None:
    async def is_freed() -> bool:
        with contextlib.closing(sqlite3.connect(settings.data_dir / "telpher.db")) as database:
            due = database.execute("SELECT count(*) FROM jobs WHERE is_undo_due").fetchone()[0]
            left = database.execute("SELECT count(*) FROM transfers").fetchone()[0]
        return not due and not left

    await eventually(is_freed)
    assert await _alive(sandbox) == []
    assert await google(sandbox, "GET", "sessions") == []
    assert list((settings.data_dir / "spool").iterdir()) == []


async def _press_cancel(anna: Person, receipt: Message) -> None:
    """And wait for no answer: nobody may be there any more to give one."""
    button = next(
        one
        for row in anna.message(receipt)["reply_markup"]["inline_keyboard"]
        for one in row
        if "Cancel" in one["text"]
    )
    await anna.start_press(receipt, button["callback_data"])


@pytest.mark.parametrize("is_done", [False, True], ids=["about to", "done"])
async def test_a_session_is_ended_by_the_next_start(
    telpher_process: TelpherProcess,
    sandbox: WatchedSandbox,
    telpher_settings: Settings,
    anna: Person,
    is_done: bool,
) -> None:
    await telpher_process.start()
    await add_fault(sandbox, match="PUT /upload/", kind="bandwidth", bytes_per_s=500_000, direction="up")
    await anna.send_file(BIG, name="long.bin", kind="document")
    receipt = await anna.wait_for(has_text("long.bin"))

    async def is_under_way() -> bool:
        return any(one["held_bytes"] for one in await google(sandbox, "GET", "sessions"))

    await eventually(is_under_way)
    kill_at(telpher_process, sandbox, "DELETE /upload/", is_done=is_done)
    sandbox.watch.loses = "" if is_done else "DELETE /upload/"
    await _press_cancel(anna, receipt)
    await telpher_process.wait_killed()
    sandbox.watch.loses = ""
    assert len(await google(sandbox, "GET", "sessions")) == (0 if is_done else 1)

    await telpher_process.start()
    await _assert_no_trace(sandbox, telpher_settings)
    told = await anna.wait_for(has_text("long.bin", "ancelled"))
    await anna.press(told, "Retry")
    await anna.wait_for(has_text("long.bin", "verified"))
    assert await _alive(sandbox) == ["long.bin"]


@pytest.mark.parametrize("is_done", [False, True], ids=["about to", "done"])
@pytest.mark.parametrize("at", [r"GET /drive/v3/files/\w", r"PATCH /drive/v3/files/"], ids=["looked for", "removed"])
async def test_what_had_landed_unnoticed_is_removed_by_the_next_start(
    telpher_process: TelpherProcess,
    sandbox: WatchedSandbox,
    telpher_settings: Settings,
    anna: Person,
    at: str,
    is_done: bool,
) -> None:
    await telpher_process.start()
    with sandbox.watch.hold("POST /upload/.*multipart", is_done=True):
        await anna.send_file(SMALL, name="short.bin", kind="document")
        receipt = await anna.wait_for(has_text("short.bin"))

        async def has_landed() -> bool:
            return await _alive(sandbox) == ["short.bin"]

        await eventually(has_landed)
        kill_at(telpher_process, sandbox, at, is_done=is_done)
        sandbox.watch.loses = "" if is_done else at
        await _press_cancel(anna, receipt)
        await telpher_process.wait_killed()
        sandbox.watch.loses = ""

    await telpher_process.start()
    await _assert_no_trace(sandbox, telpher_settings)
    told = await anna.wait_for(has_text("short.bin", "ancelled"))
    await anna.press(told, "Retry")
    await anna.wait_for(has_text("short.bin", "verified"))
    assert await _alive(sandbox) == ["short.bin"]
