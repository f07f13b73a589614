"""kill -9 while a file or a receipt is on its way into the chat: nothing comes twice by itself, and no message tells what is over."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.driver import Person, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherProcess
from tests.scenarios.crash_rig import WatchedSandbox, kill_at
from tests.scenarios.waits import from_bot

CONTENT = os.urandom(3_000_000)


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[WatchedSandbox]:
    async with WatchedSandbox(state_dir=tmp_path / "sandbox") as running:
        yield running


def _sent(anna: Person) -> list[Message]:
    return [message for message in from_bot(anna) if "document" in message]


async def _with_a_file(process: TelpherProcess, anna: Person) -> Message:
    await process.start()
    await anna.send_file(CONTENT, name="plan.bin", kind="document")
    return await anna.wait_for(has_text("plan.bin", "verified"))


async def test_a_file_that_may_have_arrived_is_sent_again_only_when_the_person_says_so(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, anna: Person
) -> None:
    receipt = await _with_a_file(telpher_process, anna)
    kill_at(telpher_process, sandbox, "/sendDocument", is_done=True)
    await anna.press(receipt, "Get back")
    await telpher_process.wait_killed()
    assert len(_sent(anna)) == 1

    await telpher_process.start()
    told = await anna.wait_for(has_text("plan.bin", "if the file has not arrived"))
    assert len(_sent(anna)) == 1
    await anna.press(told, "Retry")
    await anna.wait_until(lambda: len(_sent(anna)) == 2)
    await anna.wait_until(lambda: not anna.has_message(told))
    assert await anna.download(_sent(anna)[1]) == CONTENT

    # Known to Telegram now: it comes by its id, and a kill there doubles nothing either.
    kill_at(telpher_process, sandbox, "/sendDocument", is_done=True)
    await anna.press(receipt, "Get back")
    await telpher_process.wait_killed()
    await telpher_process.start()
    await anna.wait_for(has_text("plan.bin", "if the file has not arrived"))
    assert len(_sent(anna)) == 3


async def test_a_file_that_has_certainly_not_arrived_comes_by_itself(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, anna: Person
) -> None:
    receipt = await _with_a_file(telpher_process, anna)
    kill_at(telpher_process, sandbox, "/sendDocument", is_done=False)
    await anna.press(receipt, "Get back")
    await telpher_process.wait_killed()

    await telpher_process.start()
    await anna.wait_until(lambda: len(_sent(anna)) == 1)
    assert await anna.download(_sent(anna)[0]) == CONTENT


async def test_no_receipt_stays_behind_that_tells_what_is_over(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, anna: Person
) -> None:
    await telpher_process.start()
    for name in ("one.bin", "two.bin"):
        kill_at(telpher_process, sandbox, "/sendMessage", is_done=True)
        await anna.send_file(CONTENT, name=name, kind="document")
        await telpher_process.wait_killed()
        await telpher_process.start()
        await anna.wait_for(has_text(name, "verified"))

        left_behind = [
            message for message in from_bot(anna) if name in text_of(message) and not has_text("verified")(message)
        ]
        assert len(left_behind) == 1
        # What it says was true, and stays so.
        assert "accepted" in text_of(left_behind[0]).lower()
        assert "ended already" in (await anna.press(left_behind[0], "Cancel")).text
