"""Many files sent at once: a few messages tell of all of them."""

from __future__ import annotations

import asyncio
import os
import re

import pytest
import sqlalchemy as sa
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import eventually, from_bot, kept_files

from telpher.store.schema import transfers

COUNT = 24
_MANY = 100
_COUNT = re.compile(r"(\d+) files")


async def test_many_files_have_few_messages_and_are_found_by_number(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    contents = {f"note {number:02}.txt": b"%d" % number for number in range(COUNT)}
    sending = [anna.send_file(content, name=name, kind="document") for name, content in contents.items()]
    await asyncio.gather(*sending)
    shared = await anna.wait_for(has_text("files in the drive, verified"))
    counted = int(text_of(shared).split()[1])
    alone = COUNT - counted
    await anna.wait_until(
        lambda: sum("In the drive, verified" in text_of(message) for message in from_bot(anna)) == alone or None
    )
    assert len(from_bot(anna)) == alone + 1 <= 5
    assert kept_files(telpher_running) == contents

    await anna.press(shared, "Show the files")
    listed = text_of(anna.message(shared))
    assert "1. note" in listed
    await anna.press(anna.message(shared), "Next ›")
    await anna.press(anna.message(shared), "11")
    assert "note" in text_of(anna.message(shared))
    assert any("Get back" in one["text"] for one in buttons_of(anna.message(shared)))
    await anna.press(anna.message(shared), "‹ Back")
    assert "11. note" in text_of(anna.message(shared))
    await anna.press(anna.message(shared), "‹ Back")
    assert text_of(anna.message(shared)).startswith(f"✅ {counted} files in the drive, verified")


@pytest.mark.timeout(200)
async def test_a_hundred_files_are_cancelled_at_once_and_leave_nothing(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    # Some are in the middle of their way, and none arrives.
    await telpher_running.add_fault(match="GET /file/", kind="bandwidth", bytes_per_s=50_000, direction="down")
    contents = [(os.urandom(1_000_000), f"file {number:03}.bin") for number in range(_MANY)]
    sending = [anna.send_file(content, name=name, kind="document") for content, name in contents]
    await asyncio.gather(*sending)
    receipts = await anna.wait_until(lambda: _telling_of(anna, _MANY))

    for receipt in receipts:
        toast = await anna.press(receipt, "Cancel")
        assert "ancelled" in toast.text
    await anna.wait_until(lambda: all("Cancel" not in _labels(anna, receipt) for receipt in receipts) or None)

    assert kept_files(telpher_running) == {}
    assert await telpher_running.app.desk.follow_jobs.unfinished(anna.user_id) == ()
    await eventually(lambda: _no_trace(telpher_running))
    assert list((telpher_running.settings.data_dir / "spool").iterdir()) == []

    # Twice at the same time, from both ends of an impatient thumb: each file comes once.
    await telpher_running.clear_faults()
    for receipt in receipts:
        toasts = await asyncio.gather(anna.press(receipt, "Retry"), anna.press(receipt, "Retry"))
        assert len({toast.text for toast in toasts}) == 2
    await anna.wait_until(
        lambda: all("verified" in text_of(anna.message(receipt)) for receipt in receipts) or None, timeout_s=120
    )
    assert sorted(kept_files(telpher_running)) == sorted(name for _, name in contents)


def _telling_of(anna: Person, count: int) -> list[Message] | None:
    """The receipts, when they tell of so many files."""
    receipts = from_bot(anna)
    told = [_COUNT.search(text_of(receipt)) for receipt in receipts]
    return receipts if sum(int(one[1]) if one else 1 for one in told) == count else None


def _labels(anna: Person, receipt: Message) -> str:
    return " ".join(one["text"] for one in buttons_of(anna.message(receipt)))


async def _no_trace(running: TelpherRunning) -> bool:
    ids = await running.app.store.read(lambda connection: connection.scalars(sa.select(transfers.c.id)).all())
    return not ids
