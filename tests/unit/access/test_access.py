"""Who may do what, how seldom a stranger is answered, and that a token means nothing to anybody else."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from telpher.access import Access, EntryRef, EntryRefs, Right, Role
from telpher.drives.port import EntryId
from telpher.errors import AccessDeniedError, StaleButtonError
from telpher.store import Store, open_store
from telpher.store.schema import people, strangers

OWNER, BORIS, CLARA = 1001, 1002, 1003


class Clock:
    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now

    def go_on(self, **delta: float) -> None:
        self.now += dt.timedelta(**delta)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(store: Store, clock: Clock) -> Access:
    return Access(store, [OWNER], clock)


async def _count(store: Store, table: sa.Table) -> int:
    count = sa.select(sa.func.count()).select_from(table)
    return int(await store.read(lambda connection: connection.execute(count).scalar_one()))


def test_the_settings_name_the_owner(access: Access) -> None:
    assert access.role_of(OWNER) is Role.OWNER
    for right in Right:
        access.require(OWNER, right)


async def test_what_is_said_last_to_somebody_who_leaves_is_in_their_language(access: Access, store: Store) -> None:
    await access.let_in(BORIS, Role.MEMBER)
    await access.meet(BORIS, language_code="ru", first_name="Boris")
    await access.shut_out(BORIS)
    assert access.language_of(BORIS) == "ru"
    await access.forget(BORIS)
    assert access.language_of(BORIS) == "ru", "a receipt of theirs may still be edited"
    assert await _count(store, people) == 0
    again = Access(store, [OWNER])
    await again.load()
    assert again.language_of(BORIS) == ""


@pytest.mark.parametrize("right", list(Right))
def test_a_stranger_may_nothing(access: Access, right: Right) -> None:
    assert access.role_of(BORIS) is Role.STRANGER
    with pytest.raises(AccessDeniedError):
        access.require(BORIS, right)


async def test_a_guest_may_send_files_and_no_more(access: Access) -> None:
    await access.let_in(BORIS, Role.GUEST)
    access.require(BORIS, Right.SEND_FILES)
    for right in (Right.USE_DRIVE, Right.COMPUTE):
        with pytest.raises(AccessDeniedError):
            access.require(BORIS, right)


async def test_nobody_becomes_an_owner_by_a_table(access: Access) -> None:
    for role in (Role.OWNER, Role.STRANGER):
        with pytest.raises(ValueError, match="settings"):
            await access.let_in(BORIS, role)


async def test_people_and_their_language_survive_a_restart(access: Access, store: Store) -> None:
    await access.let_in(BORIS, Role.MEMBER)
    await access.meet(BORIS, language_code="ru", first_name="Борис")
    await access.meet(OWNER, language_code="en", first_name="Anna")
    again = Access(store, [OWNER])
    await again.load()
    assert again.role_of(BORIS) is Role.MEMBER
    assert again.language_of(BORIS) == "ru"
    assert again.language_of(OWNER) == "en"
    assert again.language_of(CLARA) == ""


async def test_an_owner_who_is_one_no_longer_is_a_stranger(access: Access, store: Store) -> None:
    await access.meet(OWNER, language_code="en", first_name="Anna")
    again = Access(store, [])
    await again.load()
    assert again.role_of(OWNER) is Role.STRANGER


async def test_of_a_stranger_nothing_is_kept(access: Access, store: Store) -> None:
    assert await access.meet(BORIS, language_code="ru", first_name="Boris") is None
    assert await _count(store, people) == 0


async def test_a_stranger_is_answered_once_an_hour(access: Access, store: Store, clock: Clock) -> None:
    assert await access.shall_answer_stranger(BORIS)
    assert not await access.shall_answer_stranger(BORIS)
    assert await access.shall_answer_stranger(CLARA)
    clock.go_on(minutes=59)
    assert not await access.shall_answer_stranger(BORIS)
    clock.go_on(minutes=1)
    assert await access.shall_answer_stranger(BORIS)
    assert await _count(store, strangers) == 1


async def test_also_across_a_restart(access: Access, store: Store, clock: Clock) -> None:
    assert await access.shall_answer_stranger(BORIS)
    clock.go_on(minutes=10)
    again = Access(store, [OWNER], clock)
    assert not await again.shall_answer_stranger(BORIS)
    clock.go_on(minutes=50)
    assert await again.shall_answer_stranger(BORIS)


async def test_a_stranger_who_was_answered_costs_no_database(access: Access, store: Store) -> None:
    assert await access.shall_answer_stranger(BORIS)
    await store.close()
    for _ in range(100):
        assert await access.meet(BORIS, language_code="ru", first_name="Boris") is None
        assert not await access.shall_answer_stranger(BORIS)


async def test_a_token_means_its_entry_to_its_person_alone(store: Store) -> None:
    refs = EntryRefs(store)
    token = await refs.token_for(OWNER, "folder", EntryId("entry-1"))
    assert await refs.redeem(OWNER, token) == EntryRef("folder", EntryId("entry-1"))
    with pytest.raises(StaleButtonError):
        await refs.redeem(BORIS, token)
    with pytest.raises(StaleButtonError):
        await refs.redeem(OWNER, "never-given")


async def test_an_entry_keeps_its_token_and_two_people_have_two(store: Store) -> None:
    refs = EntryRefs(store)
    ids = [EntryId(f"entry-{number}") for number in range(5)]
    first = await refs.tokens_for(OWNER, "folder", [*ids, ids[0]])
    assert await EntryRefs(store).tokens_for(OWNER, "folder", ids) == first
    assert len(set(first.values())) == 5
    assert set((await refs.tokens_for(BORIS, "folder", ids)).values()).isdisjoint(first.values())
    assert set((await refs.tokens_for(OWNER, "google", ids)).values()).isdisjoint(first.values())
    assert await refs.tokens_for(OWNER, "folder", []) == {}
