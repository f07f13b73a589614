"""Starting, stopping, being killed, starting again: what a person sees of it, and that nothing of theirs is lost."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherProcess, TelpherRunning, add_fault, environment_of
from tests.scenarios.waits import eventually

from telpher.sandbox.service import Sandbox
from telpher.settings import Secret, Settings

_CONTENT = os.urandom(2_000_000)


def _stored(drive_dir: Path, name: str) -> bytes | None:
    found = [path for path in drive_dir.rglob(name) if path.is_file()]
    assert len(found) <= 1
    return found[0].read_bytes() if found else None


@pytest.fixture
async def alone(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[TelpherProcess]:
    """`telpher run` without a token: it brings its own sandbox."""
    settings = Settings(data_dir=tmp_path / "data", web_port=0)
    process = TelpherProcess(settings, tmp_path / "telpher.log")
    yield process
    await process.end()


def _chat_page(process: TelpherProcess) -> str:
    line = next(line for line in reversed(process.output) if "http://" in line)
    return "http://" + line.partition("http://")[2].rstrip("/")


async def test_without_a_token_it_brings_its_own_telegram(alone: TelpherProcess) -> None:
    await alone.start()
    async with Person(_chat_page(alone)) as anna:
        await anna.ask("/hello", has_text("Anna"))
        await anna.send_file(_CONTENT, name="first.bin")
        await anna.wait_for(has_text("first.bin", "verified"))
    assert _stored(alone.drive_dir, "first.bin") == _CONTENT
    assert await alone.stop() == 0
    await alone.start()
    async with Person(_chat_page(alone)) as anna:
        assert [message for message in anna.messages if "document" in message], "the chat is as it was"
        await anna.send_file(_CONTENT[:10], name="second.bin")
        await anna.wait_for(has_text("second.bin", "verified"))
    assert await alone.stop(signal.SIGTERM) == 0
    assert "Traceback" not in alone.log


async def test_its_telegram_ends_with_it_also_when_it_is_killed(alone: TelpherProcess) -> None:
    await alone.start()
    (beside,) = psutil.Process(alone.pid).children()
    await alone.kill()
    async with asyncio.timeout(10):
        while beside.is_running() and beside.status() != psutil.STATUS_ZOMBIE:
            await asyncio.sleep(0.02)


async def test_a_busy_port_gives_way_to_a_free_one_and_says_so(alone: TelpherProcess) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        await alone.start(SANDBOX_PORT=str(port))
        assert not _chat_page(alone).endswith(f":{port}")
        assert f"Port {port} is busy" in alone.log
        assert await alone.stop() == 0


async def test_a_stop_in_the_middle_of_a_file_loses_nothing(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person
) -> None:
    content = _CONTENT * 5
    await telpher_process.start()
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=2_000_000, direction="down")
    await anna.send_file(content, name="slow.bin")
    await anna.wait_for(has_text("slow.bin", "%"))
    assert await telpher_process.stop() == 0
    assert _stored(telpher_process.drive_dir, "slow.bin") is None
    async with aiohttp.ClientSession() as session, session.delete(f"{sandbox.url}/sandbox/faults") as cleared:
        assert cleared.status == 200
    await anna.send_text("/hello")
    await telpher_process.start()
    await anna.wait_for(has_text("slow.bin", "verified"), timeout_s=40)
    await anna.wait_for(has_text("Anna"))
    assert _stored(telpher_process.drive_dir, "slow.bin") == content
    assert len([message for message in anna.messages if has_text("slow.bin")(message)]) == 1, "one receipt"
    assert await telpher_process.stop() == 0


async def test_updates_that_came_before_a_kill_are_handled_after_it(
    telpher_process: TelpherProcess, anna: Person
) -> None:
    await telpher_process.start()
    for number in range(5):
        await anna.send_file(_CONTENT[number : number + 1000], name=f"file-{number}.bin")
    await telpher_process.kill()
    await telpher_process.start()
    for number in range(5):
        await anna.wait_for(has_text(f"file-{number}.bin", "verified"), timeout_s=40)
        assert _stored(telpher_process.drive_dir, f"file-{number}.bin") == _CONTENT[number : number + 1000]
    assert await telpher_process.stop() == 0


async def test_a_second_one_on_the_same_state_is_refused(
    telpher_process: TelpherProcess, telpher_settings: Settings, tmp_path: Path
) -> None:
    await telpher_process.start()
    second = TelpherProcess(telpher_settings, tmp_path / "second.log")
    await second.start(wait_until_ready=False)
    assert await second.wait() == 2
    assert len(second.log.splitlines()) == 1
    assert "another Telpher" in second.log


async def test_a_token_that_telegram_does_not_know_is_one_line(telpher_process: TelpherProcess) -> None:
    token = "987654321:AAthis-is-a-token-that-nobody-may-see0"
    await telpher_process.start(wait_until_ready=False, TELEGRAM_TOKEN=token)
    assert await telpher_process.wait() == 2
    assert len(telpher_process.log.splitlines()) == 1
    assert "TELEGRAM_TOKEN" in telpher_process.log
    assert token not in telpher_process.log


async def test_it_waits_for_a_network_that_comes_later(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person
) -> None:
    await add_fault(sandbox, match="getMe", kind="drop_answer", times=3)
    await telpher_process.start()
    await anna.ask("/hello", has_text("Anna"))
    assert telpher_process.log.count("Telegram waits") == 1
    assert await telpher_process.stop() == 0


async def test_by_webhook_as_by_polling(telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    await telpher_process.start(WEBHOOK_URL=f"http://127.0.0.1:{port}", WEB_PORT=str(port))
    await anna.ask("/hello", has_text("Anna"))
    await telpher_process.kill()
    await anna.send_file(_CONTENT, name="meanwhile.bin")
    await telpher_process.start(WEBHOOK_URL=f"http://127.0.0.1:{port}", WEB_PORT=str(port))
    await anna.wait_for(has_text("meanwhile.bin", "verified"), timeout_s=60)
    assert _stored(telpher_process.drive_dir, "meanwhile.bin") == _CONTENT
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        async with session.get("/health/ready") as answer:
            assert answer.status == 200
        async with session.get("/metrics") as answer:
            assert re.search(r'telpher_jobs_ended_total\{kind="save_file",state="succeeded"\} 1', await answer.text())
        async with session.post("/telegram/guess", json={"update_id": 1}) as answer:
            assert answer.status == 404
    assert await telpher_process.stop() == 0


async def test_no_secret_is_shown_or_stored(telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person) -> None:
    await add_fault(sandbox, match="sendMessage", kind="status", status=500, times=1)
    await add_fault(sandbox, match="GET /file/", kind="cut_response", after_bytes=1000, times=1)
    await telpher_process.start(LOG_LEVEL="DEBUG")
    await anna.send_file(_CONTENT, name="f.bin")
    await anna.wait_for(has_text("f.bin", "verified"), timeout_s=40)
    assert await telpher_process.stop() == 0
    secret = sandbox.token.partition(":")[2]
    assert "is tried again" in telpher_process.log, "there is something to look at"
    assert secret not in telpher_process.log + "\n".join(telpher_process.output)
    kept = [path for path in telpher_process.drive_dir.parent.rglob("*") if path.is_file()]
    assert len(kept) > 1
    assert not [path for path in kept if secret.encode() in path.read_bytes()]


async def test_updates_that_make_no_sense_harm_nobody(telpher_running: TelpherRunning, anna: Person) -> None:
    broken: list[dict[str, Any]] = [
        {"message": {"message_id": "seven", "chat": 7, "date": []}},
        {
            "message": {
                "message_id": 1,
                "date": 1,
                "chat": {"id": 1001, "type": "private"},
                "from": None,
                "text": "/files",
            }
        },
        {"callback_query": {"id": "1", "from": {"id": 1001, "is_bot": False, "first_name": "Anna"}, "data": "x" * 64}},
        {"callback_query": {"id": 5}},
        {"kind_of_tomorrow": {"chat": {"id": 1001}}},
        {},
    ]
    for update in broken:
        await anna.raw_update(update)
    await anna.ask("/hello", has_text("Anna"))
    assert len([message for message in anna.messages if message["from"]["is_bot"]]) <= 3, "told at most once each"
    await telpher_running.restart()
    sent = await anna.ask("/hello", has_text("Anna"))
    await anna.ask("/whoami")
    assert sent["message_id"] == max(message["message_id"] for message in anna.messages) - 2, "nothing was replayed"


async def test_a_restart_in_the_same_process_leaves_nothing_behind(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    await anna.ask("/hello", has_text("Anna"))
    tasks = len(asyncio.all_tasks())
    for _ in range(3):
        await telpher_running.restart()
        await anna.ask("/hello", has_text("Anna"))

    async def are_all_gone() -> bool:
        # What served the connections of the last round ends when the server has heard that they are closed.
        return len(asyncio.all_tasks()) <= tasks + 1

    await eventually(are_all_gone)


async def test_the_doctor_finds_all_well_and_names_what_is_not(
    telpher_process: TelpherProcess, telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path
) -> None:
    async def doctor(**environment: str) -> tuple[int, dict[str, str]]:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "telpher.cli", "doctor"),
            cwd=tmp_path,
            env=environment_of(telpher_settings) | environment,
            stdout=asyncio.subprocess.PIPE,
        )
        shown = (await asyncio.wait_for(child.communicate(), 60))[0].decode()
        assert sandbox.token.partition(":")[2] not in shown
        assert "Traceback" not in shown
        lines = [re.fullmatch(r"(ok|WRONG|note) +(\w+) +(.+)", line) for line in shown.splitlines()]
        assert child.returncode is not None
        return child.returncode, {found[2]: f"{found[1]} {found[3]}" for found in lines if found}

    code, found = await doctor()
    assert code == 0, found
    assert set(found) == {"token", "owners", "drive", "disk", "database", "ffmpeg", "clock"}
    assert "telpher_sandbox_bot" in found["token"]
    code, found = await doctor(TELEGRAM_TOKEN=Secret("987654321:AAnobody-knows-this-token-anywhere00"), OWNER_IDS=" ")
    assert code == 1
    assert found["token"].startswith("WRONG")
    assert "@BotFather" in found["token"]
    assert found["owners"].startswith("WRONG")
    await telpher_process.start()
    await telpher_process.kill()
    database = telpher_settings.data_dir / "telpher.db"
    code, found = await doctor()
    assert found["database"].startswith("ok")
    for path in database.parent.glob("telpher.db-*"):
        path.unlink()
    database.write_bytes(b"this is no database" * 1000)
    code, found = await doctor(DISK_HEADROOM="1000T")
    assert code == 1
    assert found["database"].startswith("WRONG")
    assert found["disk"].startswith("WRONG")
