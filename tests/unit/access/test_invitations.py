"""An invitation lets one person in, once, until it ends; nobody else gains anything by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from telpher.access import Access, GuestFolder, Role
from telpher.access.invitations import LASTS, Invitations
from telpher.store import Store, open_store
from telpher.store.schema import invitations as table

OWNER, BORIS, CLARA = 1001, 1002, 1003
FOLDER = GuestFolder(OWNER, "folder", "entry-7", "From guests")


class Clock:
    def __init__(self) -> None:
        self.ms = 1_790_000_000_000

    def __call__(self) -> int:
        return self.ms


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


@pytest.fixture
def access(store: Store) -> Access:
    return Access(store, [OWNER])


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def invitations(store: Store, access: Access, clock: Clock) -> Invitations:
    return Invitations(store, access, clock)


async def _enter(invitations: Invitations, code: str, person_id: int = BORIS) -> bool:
    return await invitations.accept(code, person_id=person_id, language_code="ru", first_name="Boris") is not None


async def test_a_code_lets_one_person_in_once(invitations: Invitations, access: Access) -> None:
    invitation, code = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    assert [one.id for one in await invitations.open_ones()] == [invitation.id]
    assert await _enter(invitations, code)
    assert access.role_of(BORIS) is Role.MEMBER
    assert access.language_of(BORIS) == "ru"
    assert not await _enter(invitations, code, CLARA)
    assert access.role_of(CLARA) is Role.STRANGER
    assert await invitations.open_ones() == []


async def test_of_many_who_hurry_one_comes_in(invitations: Invitations, access: Access) -> None:
    _, code = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    came = await asyncio.gather(*(_enter(invitations, code, person_id) for person_id in range(2000, 2020)))
    assert came.count(True) == 1
    assert len(access.everyone()) == 2


async def test_whoever_was_removed_does_not_come_back_by_the_same_code(
    invitations: Invitations, access: Access
) -> None:
    _, code = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    assert await _enter(invitations, code)
    await access.shut_out(BORIS)
    assert not await _enter(invitations, code)
    await access.forget(BORIS)
    assert not await _enter(invitations, code)
    assert access.role_of(BORIS) is Role.STRANGER


async def test_a_code_ends(invitations: Invitations, clock: Clock) -> None:
    _, code = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    clock.ms += int(LASTS.total_seconds() * 1000)
    assert not await _enter(invitations, code)
    assert await invitations.open_ones() == []


@pytest.mark.parametrize(
    "code", ["", "1001", "a" * 31, "a" * 32, "a" * 64, "a" * 31 + "é", "%' OR 1=1 --" * 3, "\ud800"]
)
async def test_a_code_that_was_never_given_is_none(invitations: Invitations, code: str) -> None:
    await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    assert not await _enter(invitations, code)


async def test_a_withdrawn_code_is_none(invitations: Invitations) -> None:
    invitation, code = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    assert await invitations.withdraw(invitation.id)
    assert not await invitations.withdraw(invitation.id)
    assert not await _enter(invitations, code)


async def test_a_replayed_press_leaves_one_open_invitation(invitations: Invitations) -> None:
    _, lost = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    _, shown = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    assert len(await invitations.open_ones()) == 1
    assert not await _enter(invitations, lost)
    assert await _enter(invitations, shown)


async def test_a_guest_comes_with_the_folder_that_was_chosen(
    invitations: Invitations, access: Access, store: Store
) -> None:
    _, code = await invitations.make("press-1", role=Role.GUEST, made_by=OWNER, folder=FOLDER)
    assert await _enter(invitations, code)
    again = Access(store, [OWNER])
    await again.load()
    for known in (access, again):
        assert known.role_of(BORIS) is Role.GUEST
        assert known.folder_of(BORIS) == FOLDER


async def test_the_owner_is_told_once_even_when_we_were_killed_in_between(
    invitations: Invitations, access: Access
) -> None:
    _, code = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    entered = await invitations.accept(code, person_id=BORIS, language_code="ru", first_name="Boris")
    assert entered is not None
    replayed = await invitations.entered_by(code, entered.person)
    assert replayed is not None
    assert replayed.is_untold
    await invitations.set_told(entered.invitation.id)
    told = await invitations.entered_by(code, entered.person)
    assert told is not None
    assert not told.is_untold


async def test_the_database_holds_no_code(invitations: Invitations, store: Store) -> None:
    _, code = await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    rows = await store.read(lambda connection: connection.execute(sa.select(table)).all())
    assert len(rows) == 1
    assert code not in str(rows)
    assert code not in repr(code)
    assert len(code) == 32


async def test_what_ended_long_ago_is_pruned(invitations: Invitations, clock: Clock) -> None:
    await invitations.make("press-1", role=Role.MEMBER, made_by=OWNER)
    clock.ms += 20 * 24 * 3600 * 1000
    assert await invitations.prune() == 0
    clock.ms += 20 * 24 * 3600 * 1000
    assert await invitations.prune() == 1
