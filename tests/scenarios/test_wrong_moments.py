"""What happens just when it should not: nothing is lost, and nothing comes twice."""

from __future__ import annotations

import asyncio
import os

from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import all_is_handled, eventually, kept_files

CONTENT = os.urandom(3_000_000)


async def test_a_message_that_is_edited_later_makes_no_second_file(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    sent = await anna.send_file(CONTENT, name="plan.bin", kind="document")
    await anna.wait_for(has_text("plan.bin", "verified"))
    await anna.raw_update({"edited_message": {**sent, "caption": "the last one", "edit_date": sent["date"] + 5}})
    await all_is_handled(telpher_running, anna)
    assert kept_files(telpher_running) == {"plan.bin": CONTENT}


async def test_one_file_forwarded_several_times_at_once_comes_as_often(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    sent = await anna.send_file(CONTENT, name="plan.bin", kind="document")
    await asyncio.gather(*(anna.forward(sent) for _ in range(2)))

    async def have_all_come() -> bool:
        return len(kept_files(telpher_running)) == 3

    await eventually(have_all_come)
    assert set(kept_files(telpher_running).values()) == {CONTENT}


async def test_a_file_that_telegram_forgets_in_the_middle_can_be_tried_again(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    await telpher_running.add_fault(match="GET /file/", kind="cut_response", after_bytes=1_000_000, times=1)
    await telpher_running.add_fault(match="GET /file/", kind="status", status=404)
    body = {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: wrong file_id or the file is temporarily unavailable",
    }
    await telpher_running.add_fault(match="/getFile", kind="status", status=400, body=body, skip=1)
    await anna.send_file(CONTENT, name="plan.bin", kind="document")
    told = await anna.wait_for(has_text("plan.bin", "send it to me again"))
    assert kept_files(telpher_running) == {}
    assert list((telpher_running.settings.data_dir / "spool").iterdir()) == []

    await telpher_running.clear_faults()
    await anna.press(told, "Retry")
    await anna.wait_for(has_text("plan.bin", "verified"))
    assert kept_files(telpher_running) == {"plan.bin": CONTENT}


async def test_a_file_deleted_as_it_lands_and_brought_back_is_there_once(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    await anna.send_file(CONTENT, name="plan.bin", kind="document")
    receipt = await anna.wait_for(has_text("plan.bin", "verified"))
    await asyncio.gather(anna.press(receipt, "Delete"), anna.press(receipt, "Delete"))
    assert kept_files(telpher_running) == {}
    undone = await anna.wait_until(
        lambda: next((m for m in reversed(anna.messages) if "Undo" in str(m.get("reply_markup"))), None)
    )
    await asyncio.gather(anna.press(undone, "Undo"), anna.press(undone, "Undo"))
    assert kept_files(telpher_running) == {"plan.bin": CONTENT}
