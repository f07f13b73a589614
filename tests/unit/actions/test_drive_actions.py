"""Actions on entries: rights first, nothing done twice by a replay, and another person's tokens and records mean nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from telpher.access import Access, EntryRefs, Role
from telpher.actions.bot_limits import PUBLIC_LIMITS, BotLimits
from telpher.actions.browse import Browse
from telpher.actions.cards import Cards
from telpher.actions.drive_choice import OneDrive
from telpher.actions.entry_card import EntryCard
from telpher.actions.follow_jobs import FollowJobs
from telpher.actions.get_back import EmptyToSendError, GetBack, NothingToSendError, TooBigToSendError
from telpher.actions.paging import Pager
from telpher.actions.personal import Personal
from telpher.actions.personal_drives import LinkedDrive
from telpher.actions.rename import Rename
from telpher.actions.sent_files import SentFiles
from telpher.actions.settle_share import SettleShare
from telpher.actions.share_book import ShareBook, ShareRecord
from telpher.actions.trail import Trails
from telpher.actions.trash import Trash
from telpher.actions.undo import KEPT_FOR, Undo, UndoLog
from telpher.drives.folder import FolderDrive
from telpher.drives.port import Entry
from telpher.errors import AccessDeniedError, BadInputError, EntryNotFoundError, NameInvalidError, StaleButtonError
from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import Job, JobState
from telpher.store import Store, open_store

ANNA, BORIS, GUEST, STRANGER = 1001, 1002, 1003, 1004
BOT_ID = 42


class Courier:
    """Keeps what came into the chat; `known` are the files that Telegram still has."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.sent_again: list[str] = []
        self.known: set[str] = set()

    async def send_file(
        self,
        chat_id: int,
        *,
        name: str,
        mime_type: str,
        size_bytes: int,
        chunks: AsyncIterator[bytes],
        as_kind: str = "document",
        reply_to: int | None = None,
    ) -> str:
        content = b"".join([chunk async for chunk in chunks])
        assert len(content) == size_bytes
        self.sent.append((name, content))
        file_id = f"file-{len(self.sent)}"
        self.known.add(file_id)
        return file_id

    async def send_again(
        self, chat_id: int, file_id: str, *, as_kind: str = "document", reply_to: int | None = None
    ) -> bool:
        if file_id in self.known:
            self.sent_again.append(file_id)
        return file_id in self.known


class NobodyToTell:
    async def left_open(self, _link: LinkedDrive, _records: Sequence[ShareRecord]) -> None:
        raise AssertionError("nothing was shared")


class House:
    """All actions over one folder drive."""

    def __init__(self, store: Store, root: Path) -> None:
        self.root = root
        self.now_ms = int(dt.datetime(2026, 11, 22, tzinfo=dt.UTC).timestamp() * 1000)
        self.access = Access(store, [ANNA, BORIS])
        self.drive = FolderDrive(root)
        self.cards = Cards(self.access, EntryRefs(store), OneDrive(self.drive))
        self.log = UndoLog(store, lambda: self.now_ms)
        self.queue = EmbeddedQueue(store)
        self.courier = Courier()
        trails = Trails()
        self.browse = Browse(self.cards, Pager(store), Personal(store), trails)
        self.entry_card = EntryCard(self.cards)
        self.rename = Rename(self.cards, trails, self.log)
        self.trash = Trash(self.cards, trails, self.log)
        settling = SettleShare(
            book=ShareBook(store),
            drives=OneDrive(self.drive),
            drive_of_holder=lambda _name: OneDrive(self.drive).of(0),
            queue=self.queue,
            tell=NobodyToTell(),
        )
        self.undo = Undo(self.cards, trails, self.log, settling.take_back)
        self.follow = FollowJobs(self.access, self.queue)
        self.get_back = self._get_back(store, PUBLIC_LIMITS)
        self.queue.register("get_back", self.get_back.work)

    def _get_back(self, store: Store, limits: BotLimits) -> GetBack:
        return GetBack(
            cards=self.cards,
            sent=SentFiles(store, BOT_ID),
            queue=self.queue,
            courier=self.courier,
            limits=limits,
            scratch_dir=self.root.parent / "spool",
        )

    async def token(self, name: str, person_id: int = ANNA) -> str:
        """The token of the entry of this name in the root."""
        listing = await self.browse.page(person_id)
        return next(card.token for card in listing.cards if card.entry.name == name)

    async def ended(self, job: Job) -> Job:
        async with asyncio.timeout(10):
            while not ((now := await self.queue.get(job.id)) and now.state.is_final):
                await asyncio.sleep(0.01)
        return now


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = open_store(tmp_path / "telpher.db")
    (tmp_path / "drive").mkdir()
    (tmp_path / "drive" / "note.txt").write_bytes(b"note")
    house = House(store, tmp_path / "drive")
    await house.access.let_in(GUEST, Role.GUEST)
    await house.queue.start()
    yield house
    await house.queue.stop(0)
    await house.drive.close()
    await store.close()


def names(house: House) -> list[str]:
    return sorted(path.name for path in house.root.iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize("person_id", [GUEST, STRANGER])
async def test_who_may_not_is_refused_before_anything_is_looked_up(house: House, person_id: int) -> None:
    token = await house.token("note.txt")
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: house.browse.page(person_id),
        lambda: house.entry_card.show(person_id, token),
        lambda: house.rename.request(person_id, token, "x", key="k"),
        lambda: house.trash.request(person_id, token, key="k"),
        lambda: house.undo.request(person_id, 1),
        lambda: house.get_back.request(person_id, token, chat_id=person_id, reply_to=None, key="k"),
    ]
    for attempt in attempts:
        with pytest.raises(AccessDeniedError):
            await attempt()
    assert names(house) == ["note.txt"]


async def test_another_persons_token_means_nothing(house: House) -> None:
    token = await house.token("note.txt", ANNA)
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: house.browse.page(BORIS, token),
        lambda: house.entry_card.show(BORIS, token),
        lambda: house.rename.request(BORIS, token, "x", key="k"),
        lambda: house.trash.request(BORIS, token, key="k"),
        lambda: house.get_back.request(BORIS, token, chat_id=BORIS, reply_to=None, key="k"),
    ]
    for attempt in attempts:
        with pytest.raises(StaleButtonError):
            await attempt()
    assert names(house) == ["note.txt"]
    assert not house.courier.sent


async def test_another_persons_undo_and_jobs_do_not_exist(house: House) -> None:
    token = await house.token("note.txt")
    trashed = await house.trash.request(ANNA, token, key="k")
    assert trashed.undo_id is not None
    with pytest.raises(StaleButtonError):
        await house.undo.request(BORIS, trashed.undo_id)
    await house.undo.request(ANNA, trashed.undo_id)
    accepted = await house.get_back.request(ANNA, token, chat_id=ANNA, reply_to=None, key="k")
    for attempt in (house.follow.get, house.follow.cancel, house.follow.retry):
        with pytest.raises(StaleButtonError):
            await attempt(BORIS, int(accepted.job.id))
    assert await house.follow.unfinished(BORIS) == ()
    with pytest.raises(AccessDeniedError):
        await house.follow.unfinished(STRANGER)


async def test_a_replayed_rename_is_one_rename(house: House) -> None:
    token = await house.token("note.txt")
    first = await house.rename.request(ANNA, token, "letter", key="same")
    again = await house.rename.request(ANNA, token, "letter", key="same")
    assert (
        (first.card.entry.name, first.old_name) == (again.card.entry.name, again.old_name) == ("letter.txt", "note.txt")
    )
    assert first.undo_id == again.undo_id
    await house.undo.request(ANNA, again.undo_id)
    await house.undo.request(ANNA, again.undo_id)
    assert names(house) == ["note.txt"]


@pytest.mark.parametrize("name", ["", "   ", "\n", "...", "/", "\u202e"])
async def test_a_name_of_nothing_is_refused_and_nothing_recorded(house: House, name: str) -> None:
    token = await house.token("note.txt")
    with pytest.raises(NameInvalidError):
        await house.rename.request(ANNA, token, name, key="k")
    assert names(house) == ["note.txt"]


async def test_a_replayed_deletion_is_one_deletion(house: House) -> None:
    token = await house.token("note.txt")
    first = await house.trash.request(ANNA, token, key="same")
    again = await house.trash.request(ANNA, token, key="same")
    assert first.undo_id == again.undo_id
    assert names(house) == []
    assert first.undo_id is not None
    undone = await house.undo.request(ANNA, first.undo_id)
    assert not undone.card.entry.is_trashed
    assert (house.root / "note.txt").read_bytes() == b"note"


async def test_the_root_stays(house: House) -> None:
    root = (await house.browse.page(ANNA)).folder
    with pytest.raises(BadInputError):
        await house.trash.request(ANNA, root.token, key="k")


async def test_undo_lasts_a_week(house: House) -> None:
    trashed = await house.trash.request(ANNA, await house.token("note.txt"), key="k")
    assert trashed.undo_id is not None
    house.now_ms += int(KEPT_FOR.total_seconds() * 1000) + 1
    with pytest.raises(StaleButtonError):
        await house.undo.request(ANNA, trashed.undo_id)


async def test_pages_beyond_the_end_and_after_a_change(house: House) -> None:
    for number in range(25):
        (house.root / f"{number}.txt").write_bytes(b"x")
    assert [len((await house.browse.page(ANNA, None, page)).cards) for page in range(3)] == [10, 10, 6]
    beyond = await house.browse.page(ANNA, None, 99)
    assert (beyond.page, len(beyond.cards), beyond.has_more) == (2, 6, False)
    for number in range(20):
        (house.root / f"{number}.txt").unlink()
    found = await house.browse.page(ANNA, None, 2)
    assert found.cards
    assert {card.entry.name for card in found.cards} <= set(names(house))


async def test_a_file_is_no_folder(house: House) -> None:
    with pytest.raises(StaleButtonError):
        await house.browse.page(ANNA, await house.token("note.txt"))


async def test_the_second_time_telegram_has_it_already(house: House) -> None:
    token = await house.token("note.txt")
    for key in ("one", "two"):
        accepted = await house.get_back.request(ANNA, token, chat_id=ANNA, reply_to=None, key=key)
        assert (await house.ended(accepted.job)).state is JobState.SUCCEEDED
    assert house.courier.sent == [("note.txt", b"note")]
    assert house.courier.sent_again == ["file-1"]


async def test_what_telegram_forgot_or_what_was_renamed_is_sent_anew(house: House) -> None:
    token = await house.token("note.txt")
    for key in ("one", "two", "three"):
        accepted = await house.get_back.request(ANNA, token, chat_id=ANNA, reply_to=None, key=key)
        await house.ended(accepted.job)
        house.courier.known.clear() if key == "one" else await house.rename.request(ANNA, token, "b.txt", key="rename")
    assert house.courier.sent == [("note.txt", b"note"), ("note.txt", b"note"), ("b.txt", b"note")]


async def test_what_cannot_come_back_says_why(house: House) -> None:
    (house.root / "empty.txt").touch()
    (house.root / "folder").mkdir()
    with (house.root / "film.mkv").open("wb") as film:
        film.truncate(60 << 20)

    async def ask(name: str) -> None:
        await house.get_back.request(ANNA, await house.token(name), chat_id=ANNA, reply_to=None, key=name)

    with pytest.raises(EmptyToSendError):
        await ask("empty.txt")
    with pytest.raises(NothingToSendError):
        await ask("folder")
    with pytest.raises(TooBigToSendError) as caught:
        await ask("film.mkv")
    assert caught.value.params == {"limit_bytes": 50 << 20, "size_bytes": 60 << 20}
    token = await house.token("note.txt")
    await house.trash.request(ANNA, token, key="k")
    with pytest.raises(EntryNotFoundError):
        await house.get_back.request(ANNA, token, chat_id=ANNA, reply_to=None, key="gone")


async def test_a_card_names_its_folder(house: House) -> None:
    (house.root / "Docs").mkdir()
    (house.root / "Docs" / "a.txt").write_bytes(b"a")
    docs = await house.browse.page(ANNA, await house.token("Docs"))
    (card,) = docs.cards
    assert card.parent == docs.folder.token
    entry: Entry = (await house.entry_card.show(ANNA, card.token)).entry
    assert entry.name == "a.txt"
