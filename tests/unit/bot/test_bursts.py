"""Many files at once: one aggregate receipt, whatever happens on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.unit.bot.test_receipts import CHAT, OWNER, Chat, House, shows

from telpher.bot import receipt_book
from telpher.bot.receipt_book import Receipt, ReceiptView
from telpher.drives.folder import FolderDrive
from telpher.errors import SourceGoneError
from telpher.store import Store, open_store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


@pytest.fixture
async def house(store: Store, tmp_path: Path) -> AsyncIterator[House]:
    drive = FolderDrive(tmp_path / "drive")
    house = House(store, drive, Chat())
    await house.start()
    yield house
    await house.stop()
    await drive.close()


async def send(house: House, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await house.save(f"{number}.txt", may_join_burst=True)


async def bursts(house: House) -> list[Receipt]:
    known = {}
    for job in await house.queue.list_for(OWNER, only_unfinished=False, limit=1000):
        for receipt in await house.book.of_job(job.id):
            known[receipt.id] = receipt
    return [receipt for _, receipt in sorted(known.items()) if receipt.view is ReceiptView.BURST]


async def test_from_the_fourth_on_they_share_a_receipt(house: House) -> None:
    await send(house, 1, 20)
    assert len(house.chat.messages) == 4
    await house.chat.until(shows(house, "17 files", "to go"))
    house.finish.set()
    await house.chat.until(shows(house, "17 files in the drive, verified"))
    await house.chat.until(lambda: sum("verified" in text for text in house.chat.messages.values()) == 4)


async def test_a_replayed_message_stays_where_it_was(house: House) -> None:
    await send(house, 1, 6)
    await send(house, 1, 6)
    (burst,) = await bursts(house)
    assert len(burst.job_ids) == 3
    assert len(house.chat.messages) == 4


async def test_files_that_come_one_by_one_have_receipts_of_their_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipt_book, "_BURST_WITHIN_MS", 0)
    await send(house, 1, 6)
    assert len(house.chat.messages) == 6
    assert await bursts(house) == []


async def test_an_album_keeps_its_receipt_in_the_middle_of_a_burst(house: House) -> None:
    await send(house, 1, 5)
    for number in range(3):
        await house.save(f"album-{number}.jpg", key="album")
    assert len(house.chat.messages) == 5
    (burst,) = await bursts(house)
    assert len(burst.job_ids) == 2


async def test_a_full_burst_is_followed_by_another(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receipt_book, "_BURST_LIMIT", 5)
    await send(house, 1, 15)
    assert [len(burst.job_ids) for burst in await bursts(house)] == [5, 5, 2]


async def test_after_a_restart_a_burst_goes_on_in_its_message(house: House, store: Store) -> None:
    await send(house, 1, 8)
    await house.stop()
    again = House(store, house.drive, house.chat)
    await again.start()
    try:
        await send(again, 5, 9)
        again.finish.set()
        await again.chat.until(shows(again, "6 files", "4.txt", "All in the drive, verified"))
        await again.chat.until(lambda: sum("verified" in text for text in again.chat.messages.values()) == 4)
        assert len(again.chat.messages) == 4
        async with asyncio.timeout(5):
            while await again.book.unsettled():
                await asyncio.sleep(0.01)
    finally:
        await again.stop()
    await house.start()


async def test_failures_are_named_and_retried_together(house: House) -> None:
    house.failure = SourceGoneError("gone")
    await send(house, 1, 14)
    house.finish.set()
    await house.chat.until(shows(house, "11 failed", "4.txt", "no longer has this file", "and 6 more"))
    house.failure = None
    (burst,) = await bursts(house)
    for job_id in burst.job_ids:
        async with asyncio.timeout(5):
            while not await house.queue.retry(job_id):
                await asyncio.sleep(0.01)
        await house.receipts.reopen([job_id])
    await house.chat.until(shows(house, "11 files in the drive, verified"))


async def test_its_files_are_shown_page_by_page(house: House) -> None:
    await send(house, 1, 28)
    house.finish.set()
    await house.chat.until(shows(house, "25 files in the drive, verified"))
    (burst,) = await bursts(house)
    third = await house.receipts.page(burst, 2)
    assert third is not None
    assert third.keyboard is not None
    numbers, steps, back = [[button.text for button in row] for row in third.keyboard.inline_keyboard]
    assert (numbers, len(steps), len(back)) == (["21", "22", "23", "24", "25"], 1, 1)
    assert await house.receipts.page(burst, 3) is None
    assert await house.receipts.find(CHAT + 1, burst.id) is None


async def test_a_burst_of_one_is_shown_as_a_file_is(house: House) -> None:
    await send(house, 1, 4)
    house.finish.set()
    await house.chat.until(lambda: sum("In the drive, verified" in text for text in house.chat.messages.values()) == 4)
    assert shows(house, "4.txt", "In the drive, verified")()
