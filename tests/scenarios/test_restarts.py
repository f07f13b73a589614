"""Nothing that was said is forgotten: receipts go on in the same message after a restart or a kill -9."""

from __future__ import annotations

import os

from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherProcess, TelpherRunning, add_fault, both_databases
from tests.scenarios.waits import from_bot, kept_files

from telpher.sandbox.service import Sandbox


@both_databases
async def test_a_receipt_goes_on_in_the_same_message(telpher_running: TelpherRunning, anna: Person) -> None:
    content = os.urandom(6_000_000)
    await telpher_running.add_fault(
        match="GET /file/", kind="bandwidth", bytes_per_s=1_000_000, direction="down", times=1
    )
    await anna.send_file(content, name="long way.bin", kind="document")
    running = await anna.wait_for(has_text("long way.bin", "%"))
    await telpher_running.restart()
    verified = await anna.wait_for(has_text("long way.bin", "verified"), timeout_s=30)
    assert verified["message_id"] == running["message_id"]
    assert len(from_bot(anna)) == 1
    assert list(kept_files(telpher_running).values()) == [content]


@both_databases
async def test_a_file_sent_while_the_bot_is_away_is_waited_for(telpher_running: TelpherRunning, anna: Person) -> None:
    await telpher_running.app.stop()
    await anna.send_file(b"patience", name="patience.txt", kind="document")
    await telpher_running.restart()
    await anna.wait_for(has_text("patience.txt", "verified"))
    assert list(kept_files(telpher_running).values()) == [b"patience"]


@both_databases
async def test_a_killed_bot_ends_what_it_began(telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person) -> None:
    content = os.urandom(6_000_000)
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=1_000_000, direction="down", times=1)
    await telpher_process.start()
    await anna.send_file(content, name="long way.bin", kind="document")
    running = await anna.wait_for(has_text("long way.bin", "%"))
    await telpher_process.kill()
    await telpher_process.start()
    verified = await anna.wait_for(has_text("long way.bin", "verified"), timeout_s=40)
    assert verified["message_id"] == running["message_id"]
    assert len(from_bot(anna)) == 1
    await telpher_process.stop()
