"""Receipts: paced, always ending with the last state, one message each, and taken up again after a restart."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from telegram import InlineKeyboardMarkup

from telpher.access import Access, EntryRefs
from telpher.actions.cards import Cards, entry_to_payload
from telpher.actions.drive_choice import OneDrive
from telpher.actions.entry_card import EntryCard
from telpher.bot.compute_views import Conversation
from telpher.bot.ports import Keyboard
from telpher.bot.receipt_book import ReceiptBook, ReceiptView
from telpher.bot.receipts import Receipts
from telpher.bot.texts import Texts
from telpher.drives.folder import FolderDrive
from telpher.drives.port import Drive, Entry, EntryId
from telpher.errors import ChatUnreachableError, SourceGoneError, SourceUnreachableError
from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import Job, JobRun, NewJob
from telpher.store import Store, open_store
from telpher.transfers.port import Progress

OWNER = CHAT = 1001
PACE_S = 0.2


class Chat:
    """An `Outbox` that keeps what the person would see, and when each edit was made."""

    def __init__(self) -> None:
        self.messages: dict[int, str] = {}
        self.history: list[str] = []
        self.edited_at: list[float] = []
        self.failures: list[Exception] = []
        self.changed = asyncio.Event()
        self._last_id = 0

    def _maybe_fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    def _show(self, message_id: int, text: str) -> None:
        self.messages[message_id] = text
        self.history.append(text)
        self.changed.set()

    async def send_message(
        self, chat_id: int, text: str, keyboard: Keyboard | None = None, reply_to: int | None = None
    ) -> int:
        self._maybe_fail()
        await asyncio.sleep(0.01)
        self._last_id += 1
        self._show(self._last_id, text)
        return self._last_id

    async def edit_message(
        self, chat_id: int, message_id: int, text: str, keyboard: InlineKeyboardMarkup | None = None
    ) -> bool:
        self._maybe_fail()
        self.edited_at.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.01)
        if message_id not in self.messages:
            return False
        self._show(message_id, text)
        return True

    async def until_calm(self, chat_id: int) -> None: ...

    async def answer_callback(self, callback_id: str, text: str = "", show_alert: bool = False) -> None: ...

    async def set_commands(self, commands: Any, language_code: str = "", scope: Any = None) -> None: ...

    async def delete_commands(self, language_code: str, scope: Any) -> None: ...

    async def delete_message(self, chat_id: int, message_id: int) -> None:
        self.messages.pop(message_id, None)
        self.changed.set()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


class House:
    """A queue whose jobs do as they are told, and receipts over it."""

    def __init__(self, store: Store, drive: Drive, chat: Chat) -> None:
        self.store, self.drive, self.chat = store, drive, chat
        self.book = ReceiptBook(store)
        self.finish = asyncio.Event()
        self.tell: Callable[[object], None] = lambda _: None
        self.failure: Exception | None = None

    async def start(self) -> None:
        access = Access(self.store, [OWNER])
        cards = Cards(access, EntryRefs(self.store), OneDrive(self.drive))
        self.queue = EmbeddedQueue(self.store)
        self.queue.register("save_file", self._work)
        self.queue.register("get_back", self._work)
        self.receipts = Receipts(
            book=self.book,
            queue=self.queue,
            outbox=self.chat,
            cards=cards,
            entry_card=EntryCard(cards),
            texts_for=lambda _: Texts.for_language("en"),
            show_computation=Conversation([], "").show,
            edit_every_s=PACE_S,
        )
        await self.receipts.start()
        await self.queue.start()

    async def stop(self) -> None:
        await self.queue.stop(0)
        await self.receipts.stop()

    async def _work(self, run: JobRun) -> dict[str, Any]:
        self.tell = run.tell
        await self.finish.wait()
        if self.failure is not None:
            raise self.failure
        entry = Entry(
            id=EntryId(run.job.key),
            name=run.job.payload["name"],
            parent_id=None,
            is_folder=False,
            size_bytes=1000,
            mime_type="text/plain",
            modified_at=dt.datetime(2026, 11, 22, tzinfo=dt.UTC),
        )
        return entry_to_payload("folder", entry)

    async def job(self, name: str, kind: str = "save_file") -> Job:
        payload = {"name": name, "size_bytes": 1000}
        job, _ = await self.queue.enqueue(
            NewJob(key=name, kind=kind, person_id=OWNER, payload=payload, lane="transfer")
        )
        return job

    async def save(self, name: str, key: str | None = None, *, may_join_burst: bool = False) -> Job:
        job = await self.job(name)
        await self.receipts.open(
            key or name, ReceiptView.SAVE, job, chat_id=CHAT, reply_to=1, may_join_burst=may_join_burst
        )
        return job


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


def shows(house: House, *words: str) -> Callable[[], bool]:
    return lambda: any(all(word in text for word in words) for text in house.chat.messages.values())


async def test_a_receipt_ends_with_the_last_state(house: House) -> None:
    house.finish.set()
    await house.save("a.txt")
    await house.chat.until(shows(house, "a.txt", "verified"))
    assert len(house.chat.messages) == 1


async def test_edits_keep_their_distance_however_much_is_told(house: House) -> None:
    await house.save("a.txt")
    await house.chat.until(shows(house, "on its way"))
    for done in range(0, 1000, 10):
        house.tell(Progress(done_bytes=done, total_bytes=1000))
        await asyncio.sleep(0.01)
    house.finish.set()
    await house.chat.until(shows(house, "verified"))
    edits = house.chat.edited_at
    assert len(edits) >= 3
    assert min(later - earlier for earlier, later in itertools.pairwise(edits)) >= PACE_S * 0.95


async def test_several_receipts_share_a_chats_pace_and_all_end(house: House) -> None:
    house.finish.set()
    for number in range(5):
        await house.save(f"{number}.txt")
    await house.chat.until(lambda: sum("verified" in text for text in house.chat.messages.values()) == 5)
    edits = house.chat.edited_at
    assert all(later - earlier >= PACE_S * 0.95 for earlier, later in itertools.pairwise(edits))


async def test_an_album_is_one_message_however_late_its_files_come(house: House) -> None:
    house.finish.set()
    for number in range(8):
        await house.save(f"{number}.txt", key="album")
        await asyncio.sleep(0.03 * number)
    await house.chat.until(shows(house, "8 files", "All in the drive"))
    assert len(house.chat.messages) == 1


async def test_a_failed_edit_is_made_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telpher.bot.receipts._TRY_AGAIN_S", (0.05,))
    await house.save("a.txt")
    house.chat.failures = [SourceUnreachableError("down"), RuntimeError("a bug")]
    house.finish.set()
    await house.chat.until(shows(house, "verified"))


async def test_a_first_message_that_fails_is_sent_later_and_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telpher.bot.receipts._TRY_AGAIN_S", (0.05,))
    house.chat.failures = [SourceUnreachableError("down")]
    await house.save("a.txt")
    assert not house.chat.messages
    house.finish.set()
    await house.chat.until(shows(house, "verified"))
    assert len(house.chat.messages) == 1


async def test_nobody_reads_a_closed_chat(house: House) -> None:
    house.chat.failures = [ChatUnreachableError("blocked")]
    await house.save("a.txt")
    assert not house.chat.messages


async def test_after_a_restart_the_same_message_goes_on(house: House, store: Store) -> None:
    await house.save("a.txt")
    await house.chat.until(shows(house, "on its way"))
    await house.stop()
    house.finish.set()
    again = House(store, house.drive, house.chat)
    again.finish.set()
    await again.start()
    try:
        await again.chat.until(shows(again, "verified"))
        assert len(again.chat.messages) == 1
        (receipt,) = await again.book.of_job((await again.job("a.txt")).id)
        async with asyncio.timeout(5):
            while not receipt.is_settled:
                await asyncio.sleep(0.01)
                receipt = await again.book.get(receipt.id) or receipt
    finally:
        await again.stop()
    await house.start()


async def test_a_message_whose_id_was_lost_says_what_stays_true(house: House, store: Store) -> None:
    job = await house.save("a.txt")
    await house.stop()
    (receipt,) = await house.book.of_job(job.id)
    await house.book._update(receipt.id, message_id=None)  # as if we had ended before it was noted
    again = House(store, house.drive, house.chat)
    again.finish.set()
    await again.start()
    try:
        await again.chat.until(shows(again, "verified"))
        lost, found = again.chat.messages.values()
        assert "Accepted" in lost
        assert not any(word in lost for word in ("queued", "on its way", "verified"))
        assert "verified" in found
    finally:
        await again.stop()
    await house.start()


async def test_what_ended_while_we_were_away_is_shown(house: House, store: Store) -> None:
    house.finish.set()
    job = await house.job("quick.txt")
    async with asyncio.timeout(5):
        while not ((now := await house.queue.get(job.id)) and now.state.is_final):
            await asyncio.sleep(0.01)
    await house.receipts.open("quick.txt", ReceiptView.SAVE, job, chat_id=CHAT)
    await house.chat.until(shows(house, "verified"))
    assert "verified" not in house.chat.history[0], "a message whose id may be lost says only what stays true"
    assert len(house.chat.messages) == 1


async def test_a_failure_is_shown_with_why_and_retry_begins_again(house: House) -> None:
    house.failure = SourceGoneError("gone")
    house.finish.set()
    job = await house.save("a.txt")
    await house.chat.until(shows(house, "no longer has this file"))
    house.failure = None
    async with asyncio.timeout(5):
        while not await house.queue.retry(job.id):
            await asyncio.sleep(0.01)
    await house.receipts.reopen([job.id])
    await house.chat.until(shows(house, "verified"))
    assert len(house.chat.messages) == 1


async def test_what_came_into_the_chat_leaves_no_receipt(house: House) -> None:
    job = await house.job("back.txt", kind="get_back")
    await house.receipts.open("send", ReceiptView.SEND, job, chat_id=CHAT)
    assert shows(house, "back.txt")()
    house.finish.set()
    await house.chat.until(lambda: not house.chat.messages)


async def test_a_deleted_receipt_is_let_go(house: House) -> None:
    job = await house.save("a.txt")
    house.chat.messages.clear()
    house.finish.set()
    async with asyncio.timeout(5):
        while not all(receipt.is_settled for receipt in await house.book.of_job(job.id)):
            await asyncio.sleep(0.01)
    assert not house.chat.messages


async def test_a_receipt_is_found_by_its_person_alone(house: House) -> None:
    house.finish.set()
    job = await house.save("a.txt")
    (receipt,) = await house.book.of_job(job.id)
    assert await house.receipts.find(OWNER, receipt.id) is not None
    assert await house.receipts.find(1002, receipt.id) is None
