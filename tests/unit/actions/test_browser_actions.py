"""Finding, moving, shelves and destinations as actions: rights first, nothing of anybody else's, and time passes."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from telpher.access import Access, EntryRefs
from telpher.actions.browse import Browse
from telpher.actions.cards import Cards
from telpher.actions.destination import AT_HOME, UPLOADS_LAST_S, Base, Destination, Destinations
from telpher.actions.drive_choice import OneDrive
from telpher.actions.errands import ErrandKind, Errands
from telpher.actions.find import Find, FindKind, FindPeriod
from telpher.actions.folder_paths import FolderPaths
from telpher.actions.make_folder import MakeFolder
from telpher.actions.move import IntoItselfError, Move
from telpher.actions.naming import FileKind
from telpher.actions.paging import Pager
from telpher.actions.path_template import FileFacts
from telpher.actions.personal import FilesGo, Personal
from telpher.actions.shelves import Shelf, Shelves
from telpher.actions.trail import Trails
from telpher.actions.trash import Trash
from telpher.actions.undo import Undo, UndoLog
from telpher.drives.folder import FolderDrive
from telpher.drives.port import Drive, EntryId, Order
from telpher.errors import AccessDeniedError, BadInputError, EntryNotFoundError, NameInvalidError, StaleButtonError
from telpher.store import Store, open_store
from telpher.store.schema import errands, person_settings, searches, upload_targets

ANNA, BORIS, STRANGER = 1001, 1002, 1004
FACTS = FileFacts(FileKind.PHOTO, "image/jpeg", dt.datetime(2026, 3, 7, tzinfo=dt.UTC))


async def nothing_to_take_back(_drive: Drive, _key: str) -> None:
    raise AssertionError("nothing was shared")


class House:
    """The browser's actions over one folder drive, with a clock of its own."""

    def __init__(self, store: Store, root: Path) -> None:
        self.root = root
        self.store = store
        self.now_ms = int(dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC).timestamp() * 1000)
        self.access = Access(store, [ANNA, BORIS])
        self.drive = FolderDrive(root)
        self.cards = Cards(self.access, EntryRefs(store), OneDrive(self.drive))
        pager, self.personal, trails = Pager(store), Personal(store), Trails()
        self.errands = Errands(store, self.clock)
        self.log = UndoLog(store, self.clock)
        self.browse = Browse(self.cards, pager, self.personal, trails)
        self.find = Find(self.cards, pager, store, self.clock)
        self.shelves = Shelves(self.cards, pager)
        self.make_folder = MakeFolder(self.cards)
        self.move = Move(self.cards, self.errands, trails, self.log)
        self.trash = Trash(self.cards, trails, self.log)
        self.undo = Undo(self.cards, trails, self.log, nothing_to_take_back)
        self.destinations = Destinations(
            access=self.access,
            cards=self.cards,
            personal=self.personal,
            trails=trails,
            paths=FolderPaths(store),
            store=store,
            now_ms=self.clock,
        )

    def clock(self) -> int:
        return self.now_ms

    def pass_time(self, seconds: float) -> None:
        self.now_ms += int(seconds * 1000)

    async def token(self, name: str, person_id: int = ANNA, folder: str | None = None) -> str:
        listing = await self.browse.page(person_id, folder)
        return next(card.token for card in listing.cards if card.entry.name == name)

    async def top(self, person_id: int = ANNA) -> str:
        return (await self.browse.page(person_id)).folder.token


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    store = open_store(tmp_path / "telpher.db")
    (tmp_path / "drive" / "Docs" / "Deep").mkdir(parents=True)
    (tmp_path / "drive" / "note.txt").write_bytes(b"note")
    house = House(store, tmp_path / "drive")
    yield house
    await house.drive.close()
    await store.close()


async def moved(house: House, name: str = "note.txt", to: str = "Docs") -> int:
    errand, _ = await house.move.begin(ANNA, await house.token(name), key="press", back="")
    return int((await house.move.finish(ANNA, errand, await house.token(to))).undo_id)


async def test_who_may_not_is_refused(house: House) -> None:
    token, top = await house.token("note.txt"), await house.top()
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: house.find.begin(STRANGER, "note"),
        lambda: house.find.page(STRANGER, 1, FindKind.ANY, FindPeriod.ANY),
        lambda: house.shelves.page(STRANGER, Shelf.RECENT),
        lambda: house.shelves.star(STRANGER, token, is_starred=True),
        lambda: house.browse.sort(STRANGER, token, Order.NAME),
        lambda: house.browse.folder(STRANGER, top),
        lambda: house.browse.folders(STRANGER, top),
        lambda: house.make_folder.request(STRANGER, top, "x"),
        lambda: house.move.begin(STRANGER, token, key="k", back=""),
        lambda: house.destinations.settled(STRANGER),
        lambda: house.destinations.settle(STRANGER, FilesGo.ASK),
        lambda: house.destinations.settle_on_folder(STRANGER, top),
        lambda: house.destinations.draft(STRANGER, "{year}"),
        lambda: house.destinations.take_draft(STRANGER),
        lambda: house.destinations.take_next(STRANGER, top),
    ]
    for attempt in attempts:
        with pytest.raises(AccessDeniedError):
            await attempt()


async def test_another_persons_tokens_and_numbers_mean_nothing(house: House) -> None:
    token, top = await house.token("note.txt"), await house.top()
    found = await house.find.begin(ANNA, "note")
    errand, _ = await house.move.begin(ANNA, token, key="k", back="")
    attempts: list[Callable[[], Awaitable[object]]] = [
        lambda: house.find.page(BORIS, found.search_id, FindKind.ANY, FindPeriod.ANY),
        lambda: house.shelves.star(BORIS, token, is_starred=True),
        lambda: house.browse.sort(BORIS, top, Order.NEWEST),
        lambda: house.browse.folder(BORIS, top),
        lambda: house.browse.folders(BORIS, top),
        lambda: house.make_folder.request(BORIS, top, "x"),
        lambda: house.move.begin(BORIS, token, key="k", back=""),
        lambda: house.errands.get(BORIS, errand.id),
        lambda: house.destinations.settle_on_folder(BORIS, top),
        lambda: house.destinations.take_next(BORIS, top),
        lambda: house.destinations.at_folder(BORIS, top),
        lambda: house.destinations.take_draft(BORIS),
    ]
    for attempt in attempts:
        with pytest.raises(StaleButtonError):
            await attempt()
    assert sorted(path.name for path in house.root.iterdir() if path.name != ".telpher") == ["Docs", "note.txt"]


@pytest.mark.parametrize("hours", [1, 24, 6 * 24])
async def test_a_move_is_taken_back_for_days(house: House, hours: int) -> None:
    undo_id = await moved(house)
    assert (house.root / "Docs" / "note.txt").exists()
    house.pass_time(hours * 3600)
    for _ in range(2):
        await house.undo.request(ANNA, undo_id)
    assert (house.root / "note.txt").read_bytes() == b"note"


@pytest.mark.parametrize("hours", [24, 6 * 24])
async def test_what_was_trashed_is_taken_back_for_days(house: House, hours: int) -> None:
    trashed = await house.trash.request(ANNA, await house.token("Docs"), key="k")
    assert trashed.undo_id is not None
    house.pass_time(hours * 3600)
    await house.undo.request(ANNA, trashed.undo_id)
    assert (house.root / "Docs" / "Deep").is_dir()


async def test_a_replayed_move_is_one_move(house: House) -> None:
    token, docs = await house.token("note.txt"), await house.token("Docs")
    first, _ = await house.move.begin(ANNA, token, key="same", back="r")
    again, _ = await house.move.begin(ANNA, token, key="same", back="r")
    assert first == again
    done = [await house.move.finish(ANNA, first, docs) for _ in range(2)]
    assert done[0].undo_id == done[1].undo_id
    await house.undo.request(ANNA, done[0].undo_id)
    assert (house.root / "note.txt").exists()


async def test_nothing_goes_into_itself(house: House) -> None:
    docs = await house.token("Docs")
    deep = await house.token("Deep", folder=docs)
    errand, _ = await house.move.begin(ANNA, docs, key="k", back="")
    for target in (docs, deep):
        with pytest.raises(IntoItselfError):
            await house.move.finish(ANNA, errand, target)
    with pytest.raises(StaleButtonError):
        await house.move.finish(ANNA, errand, await house.token("note.txt"))


@pytest.mark.parametrize("name", ["", "   ", "\n", "...", "/", "\u202e"])
async def test_a_folder_of_no_name_is_refused(house: House, name: str) -> None:
    with pytest.raises(NameInvalidError):
        await house.make_folder.request(ANNA, await house.top(), name)


async def test_a_folder_that_is_there_is_not_made_again(house: House) -> None:
    made = await house.make_folder.request(ANNA, await house.top(), "docs")
    assert made.entry.name == "Docs"


async def test_words_without_letters_are_no_search(house: House) -> None:
    with pytest.raises(BadInputError):
        await house.find.begin(ANNA, " \n ")


async def test_only_the_last_searches_are_kept(house: House) -> None:
    first = await house.find.begin(ANNA, "first")
    boris = await house.find.begin(BORIS, "first")
    for number in range(200):
        house.pass_time(1)
        await house.find.begin(ANNA, f"word {number}")
    with pytest.raises(StaleButtonError):
        await house.find.page(ANNA, first.search_id, FindKind.ANY, FindPeriod.ANY)
    assert (await house.find.page(BORIS, boris.search_id, FindKind.ANY, FindPeriod.ANY)).words == "first"
    again = await house.find.begin(ANNA, "word  199")
    assert again.words == "word 199"


async def test_a_day_later_the_pages_of_a_week_are_other_pages(house: House) -> None:
    for number in range(25):
        (house.root / f"page {number}.txt").write_bytes(b"x")
    house.now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    found = await house.find.begin(ANNA, "page")
    pages = [await house.find.page(ANNA, found.search_id, FindKind.ANY, FindPeriod.WEEK, page) for page in range(3)]
    assert [len(page.cards) for page in pages] == [10, 10, 5]
    house.pass_time(86_400)
    assert (await house.find.page(ANNA, found.search_id, FindKind.ANY, FindPeriod.WEEK, 2)).page == 2
    house.pass_time(30 * 86_400)
    assert (await house.find.page(ANNA, found.search_id, FindKind.ANY, FindPeriod.WEEK, 2)).cards == ()


async def test_the_next_files_go_there_for_a_while(house: House) -> None:
    docs = await house.token("Docs")
    target = await house.destinations.take_next(ANNA, docs)
    there = Destination(Base.FOLDER, drive="folder", folder_id=target.folder.entry.id)
    assert await house.destinations.decide(ANNA, FACTS, None, is_forwarded=False) == (there, None)
    assert (await house.destinations.decide(BORIS, FACTS, None, is_forwarded=False))[0] == AT_HOME
    wished, rest = await house.destinations.decide(ANNA, FACTS, "#Trips tram", is_forwarded=False)
    assert wished is not None
    assert (wished.names, rest) == (("Trips",), "tram")
    house.pass_time(UPLOADS_LAST_S - 1)
    assert (await house.destinations.decide(ANNA, FACTS, None, is_forwarded=True))[0] == there
    house.pass_time(2)
    assert (await house.destinations.decide(ANNA, FACTS, None, is_forwarded=False))[0] == AT_HOME


async def test_a_person_who_wants_to_be_asked(house: House) -> None:
    await house.destinations.settle(ANNA, FilesGo.ASK)
    assert await house.destinations.decide(ANNA, FACTS, "Tram", is_forwarded=False) == (None, "Tram")
    await house.destinations.settle(ANNA, FilesGo.HOME)
    assert await house.destinations.decide(ANNA, FACTS, "Tram", is_forwarded=False) == (AT_HOME, "Tram")


async def test_a_destination_survives_as_json(house: House) -> None:
    await house.destinations.draft(ANNA, "{year}/{kind}")
    await house.destinations.take_draft(ANNA)
    destination, _ = await house.destinations.decide(ANNA, FACTS, None, is_forwarded=False)
    assert destination is not None
    folder_id = await house.destinations.folder_for(house.drive, destination.to_payload())
    assert folder_id is not None
    assert (await house.drive.stat(folder_id)).name == "Pictures"
    assert (house.root / "2026" / "Pictures").is_dir()
    assert await house.destinations.folder_for(house.drive, AT_HOME.to_payload()) is None
    gone = Destination(Base.FOLDER, drive="folder", folder_id=EntryId("no-such-folder-1"))
    assert await house.destinations.folder_for(house.drive, gone.to_payload()) is None


async def test_errands_are_forgotten_in_time_but_not_what_waits(house: House) -> None:
    old = await house.errands.begin("old", ANNA, ErrandKind.WHERE, drive="folder")
    waits = await house.errands.begin("waits", ANNA, ErrandKind.HOLD, drive="folder")
    house.pass_time(31 * 86_400)
    await house.errands.begin("new", ANNA, ErrandKind.WHERE, drive="folder")
    assert await house.errands.prune() == 1
    with pytest.raises(StaleButtonError):
        await house.errands.get(ANNA, old.id)
    assert await house.errands.get(ANNA, waits.id) == waits


async def test_nothing_is_kept_of_who_has_gone(house: House) -> None:
    top = await house.top()
    for person_id in (ANNA, BORIS):
        await house.find.begin(person_id, "note")
        await house.destinations.draft(person_id, "{year}")
        await house.errands.begin(f"where {person_id}", person_id, ErrandKind.WHERE, drive="folder")
    await house.destinations.take_next(ANNA, top)
    await house.personal.forget(ANNA)
    tables = (person_settings, searches, errands, upload_targets)
    kept = [
        row.person_id
        for table in tables
        for row in await house.store.read(lambda connection, table=table: connection.execute(sa.select(table)).all())
    ]
    assert kept == [BORIS] * 3


async def test_a_trashed_folder_is_not_browsed(house: House) -> None:
    docs = await house.token("Docs")
    await house.trash.request(ANNA, docs, key="k")
    with pytest.raises(EntryNotFoundError):
        await house.browse.page(ANNA, docs)
    with pytest.raises(EntryNotFoundError):
        await house.destinations.take_next(ANNA, docs)
