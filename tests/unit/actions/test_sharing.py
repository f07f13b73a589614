"""Shares over time, against the offline Google: what holds is the newest share that still stands, and by itself it only ever gets less."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from tests.contracts.google_account import GoogleAccount, google_account

from telpher.access import Access, EntryRefs
from telpher.actions.cards import Cards
from telpher.actions.drive_choice import OneDrive
from telpher.actions.personal_drives import LinkedDrive, LinkKind
from telpher.actions.settle_share import KIND, CannotShareError, SettleShare, sharing
from telpher.actions.share import AddressInvalidError, Share, Shared, Span
from telpher.actions.share_book import ShareBook, ShareRecord
from telpher.actions.shares import ListShares
from telpher.actions.trail import Trails
from telpher.actions.undo import Undo, UndoLog
from telpher.actions.unshare import Unshare
from telpher.drives.folder import FolderDrive
from telpher.drives.google import GoogleDrive
from telpher.drives.port import Drive, Entry, GrantRole, UploadSpec
from telpher.errors import AccessDeniedError, DriveUnreachableError, StaleButtonError
from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import JobState
from telpher.store import Store, open_store

ANNA, BORIS, STRANGER = 1001, 1002, 1004
CLARA = "clara@example.com"
HOUR_S = 3600.0
DAY_S = 24 * HOUR_S
VIEW, EDIT = GrantRole.VIEW, GrantRole.EDIT


class _OneDrive(OneDrive):
    async def of_holder(self, name: str) -> Drive:
        return await self.of(0, name)


def account_called(name: str, kind: LinkKind = LinkKind.GOOGLE) -> LinkedDrive:
    return LinkedDrive(name=name, kind=kind, holder_id=ANNA)


class House:
    """Everything that sharing needs, with a clock of its own."""

    def __init__(self, store: Store, drive: GoogleDrive) -> None:
        self.now_s = 1_800_000_000.0
        self.drive = drive
        self.book = ShareBook(store, lambda: self.now_s)
        self.queue = EmbeddedQueue(store, clock=lambda: self.now_s)
        drives = _OneDrive(drive)
        self.left_open_names: list[str] = []
        self.settle = SettleShare(
            book=self.book, drives=drives, drive_of_holder=drives.of_holder, queue=self.queue, tell=self
        )
        self.queue.register(KIND, self.settle.work)
        self.access, self.refs = Access(store, [ANNA, BORIS]), EntryRefs(store)
        self.cards = Cards(self.access, self.refs, drives)
        log = self.log = UndoLog(store)
        self.share = Share(cards=self.cards, book=self.book, settle=self.settle, log=log)
        self.unshare = Unshare(cards=self.cards, book=self.book, settle=self.settle)
        self.list = ListShares(cards=self.cards, book=self.book)
        self.undo = Undo(self.cards, Trails(), log, self.settle.take_back)
        self._presses = 0

    async def left_open(self, link: LinkedDrive, records: Sequence[ShareRecord]) -> None:
        self.left_open_names += [record.name for record in records]

    async def put(self, name: str = "plan.txt") -> Entry:
        home = await self.drive.home()
        spec = UploadSpec(
            id=await self.drive.new_id(), parent_id=home.id, name=name, mime_type="text/plain", size_bytes=1
        )
        return await self.drive.upload_small(spec, b"x")

    async def let_in(
        self, entry: Entry, who: str | None, role: GrantRole, span: Span, person_id: int = ANNA, key: str = ""
    ) -> Shared:
        card = await self.cards.card(person_id, self.drive, entry)
        others = await self.share.with_others(person_id, card.token, who)
        self._presses += 1
        return await self.share.request(person_id, others.token, role, span, key=key or f"press {self._presses}")

    async def roles(self, entry: Entry) -> dict[str | None, GrantRole]:
        return {grant.who: grant.role for grant in await self.drive.grants(entry.id)}

    async def later(self, seconds: float) -> None:
        """Let time pass, and whatever is due by then be done: each end once more than the queue would."""
        self.now_s += seconds
        for record in await self.book.ending():
            if record.ends_at is not None and record.ends_at <= self.book.now:
                job = await self.settle.promise_end(record)
                for _ in range(2):
                    await self.settle.work(_Run(job))


@dataclasses.dataclass
class _Run:
    """What a work reads of its run."""

    job: object

    def __getattr__(self, name: str) -> object:
        raise AssertionError(f"the end of a share needs no {name}")


@pytest.fixture
async def account(tmp_path: Path) -> AsyncIterator[GoogleAccount]:
    async with google_account(tmp_path) as account:
        yield account


@pytest.fixture
async def house(account: GoogleAccount, tmp_path: Path) -> AsyncIterator[House]:
    store = open_store(tmp_path / "telpher.db")
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        yield House(store, await account.open())


async def test_a_longer_share_outlives_a_shorter_one(house: House) -> None:
    entry = await house.put()
    await house.let_in(entry, None, EDIT, Span.DAY)
    await house.let_in(entry, None, VIEW, Span.WEEK)
    assert await house.roles(entry) == {None: VIEW}
    await house.later(DAY_S)
    assert await house.roles(entry) == {None: VIEW}
    await house.later(6 * DAY_S)
    assert await house.roles(entry) == {}


async def test_after_a_stronger_share_the_weaker_one_holds_again(house: House) -> None:
    entry = await house.put()
    await house.let_in(entry, CLARA, VIEW, Span.FOREVER)
    await house.let_in(entry, CLARA, EDIT, Span.DAY)
    assert await house.roles(entry) == {CLARA: EDIT}
    await house.later(DAY_S)
    assert await house.roles(entry) == {CLARA: VIEW}
    await house.later(400 * DAY_S)
    assert await house.roles(entry) == {CLARA: VIEW}


async def test_what_was_ended_in_the_drive_never_comes_back_by_itself(house: House) -> None:
    entry = await house.put()
    await house.let_in(entry, None, EDIT, Span.DAY)
    await house.let_in(entry, None, VIEW, Span.FOREVER)
    (grant,) = await house.drive.grants(entry.id)
    await house.drive.revoke(entry.id, grant.id)
    await house.later(DAY_S)
    assert await house.roles(entry) == {}


async def test_undo_gives_back_what_held_before(house: House) -> None:
    entry = await house.put()
    await house.drive.grant(entry.id, CLARA, EDIT)
    shared = await house.let_in(entry, CLARA, VIEW, Span.FOREVER)
    assert await house.roles(entry) == {CLARA: VIEW}
    for _ in range(2):
        await house.undo.request(ANNA, shared.undo_id)
        assert await house.roles(entry) == {CLARA: EDIT}
    with pytest.raises(StaleButtonError):
        await house.undo.request(BORIS, shared.undo_id)


async def test_two_people_share_the_same_thing(house: House) -> None:
    entry = await house.put()
    await house.let_in(entry, None, VIEW, Span.DAY, ANNA)
    await house.let_in(entry, None, VIEW, Span.FOREVER, BORIS)
    await house.later(DAY_S)
    assert await house.roles(entry) == {None: VIEW}, "Boris shared it too"
    assert (await house.list.page(ANNA)).total == 0
    assert (await house.list.page(BORIS)).total == 1


async def test_a_replay_shares_nothing_twice(house: House) -> None:
    entry = await house.put()
    first = await house.let_in(entry, None, VIEW, Span.WEEK, key="one press")
    house.now_s += HOUR_S
    again = await house.let_in(entry, None, VIEW, Span.WEEK, key="one press")
    assert (again.ends_at, again.undo_id) == (first.ends_at, first.undo_id)
    await house.undo.request(ANNA, first.undo_id)
    await house.let_in(entry, None, VIEW, Span.WEEK, key="one press")
    assert await house.roles(entry) == {}, "what was taken back is not shared again by a replay"


async def test_the_end_is_promised_before_anybody_is_let_in(house: House, account: GoogleAccount) -> None:
    entry = await house.put()
    await account.fault("POST .*/permissions", "status", status=503, times=30)
    with pytest.raises(DriveUnreachableError):
        await house.let_in(entry, None, VIEW, Span.DAY, key="press")
    job = await house.queue.find(f"{KIND}:press")
    assert job is not None
    assert (job.state, job.person_id) == (JobState.WAITING, 0)
    assert await house.queue.find(f"{KIND}:press:failed") is not None, "whatever landed is looked after"


async def test_woken_too_early_it_waits_on(house: House) -> None:
    entry = await house.put()
    await house.let_in(entry, None, VIEW, Span.DAY, key="press")
    job = await house.queue.find(f"{KIND}:press")
    assert job is not None
    # As after the log-in of an account that had been paused: its jobs are due at once.
    await house.queue.pause_account(house.drive.name)
    await house.queue.start()
    await house.queue.resume_account(house.drive.name)
    try:
        async with asyncio.timeout(10):
            while not ((now := await house.queue.get(job.id)) and now.state is JobState.WAITING):
                await asyncio.sleep(0.01)
        assert now.state is JobState.WAITING
        assert now.due_at is not None
        assert (now.due_at.timestamp() - house.now_s) >= DAY_S - 1
        assert await house.roles(entry) == {None: VIEW}
    finally:
        await house.queue.stop(1.0)


async def test_what_has_an_end_ends_before_its_account_is_disconnected(house: House) -> None:
    entry, other = await house.put(), await house.put("other.txt")
    await house.let_in(entry, None, VIEW, Span.WEEK)
    await house.let_in(other, CLARA, VIEW, Span.FOREVER)
    await house.settle.end_before_leaving(account_called("google-7"))
    await house.settle.end_before_leaving(account_called("google:0AB", LinkKind.SHARED))
    assert await house.roles(entry) == {None: VIEW}
    await house.settle.end_before_leaving(account_called("google"))
    assert await house.roles(entry) == {}
    assert await house.roles(other) == {CLARA: VIEW}


async def test_a_drive_that_is_away_is_disconnected_all_the_same(house: House, account: GoogleAccount) -> None:
    entry = await house.put()
    await house.let_in(entry, None, VIEW, Span.WEEK)
    await account.post("/sandbox/google/revoke", {})
    await house.settle.end_before_leaving(account_called("google"))
    assert house.left_open_names == ["plan.txt"]
    # Nobody can keep that promise any more, so nobody waits for it; and it is told once.
    assert await house.book.ending() == []
    await house.settle.end_before_leaving(account_called("google"))
    assert house.left_open_names == ["plan.txt"]


@pytest.mark.parametrize("address", ["", "clara", "clara@", "@example.com", "a b@example.com", "a@b", "a@b.c>"])
async def test_what_is_no_address(house: House, address: str) -> None:
    card = await house.cards.card(ANNA, house.drive, await house.put())
    with pytest.raises(AddressInvalidError):
        await house.share.with_others(ANNA, card.token, address)


async def test_tokens_are_their_persons_alone(house: House) -> None:
    entry = await house.put()
    card = await house.cards.card(ANNA, house.drive, entry)
    others = await house.share.with_others(ANNA, card.token, None)
    for person_id, refusal in ((BORIS, StaleButtonError), (STRANGER, AccessDeniedError)):
        for attempt in (
            house.share.state(person_id, card.token),
            house.share.with_others(person_id, card.token, CLARA),
            house.share.others(person_id, others.token),
            house.share.request(person_id, others.token, VIEW, Span.DAY, key=f"x{person_id}"),
            house.unshare.request(person_id, others.token),
        ):
            with pytest.raises(refusal):
                await attempt
    assert await house.roles(entry) == {}


async def test_a_drive_that_shares_nothing_says_so(house: House, tmp_path: Path) -> None:
    folder = FolderDrive(tmp_path / "folder")
    with pytest.raises(CannotShareError):
        sharing(folder)
    cards = Cards(house.access, house.refs, OneDrive(folder))
    with pytest.raises(CannotShareError):
        await ListShares(cards=cards, book=house.book).page(ANNA)
    card = await cards.card(ANNA, folder, await folder.root())
    assert not card.is_shareable
    with pytest.raises(CannotShareError):
        await Share(cards=cards, book=house.book, settle=house.settle, log=house.log).state(ANNA, card.token)
    await folder.close()
