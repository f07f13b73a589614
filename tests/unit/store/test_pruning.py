"""Old rows go a few at a time, between other people's writes; where nothing is old, nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.databases import Database

from telpher.store import Store, open_store
from telpher.store.pruning import prune
from telpher.store.schema import made_folders, strangers


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    store = open_store(database.where)
    yield store
    await store.close()


class Watched:
    """A store whose writes are counted."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.removed_by_write: list[int] = []

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        return await self._store.read(work)

    async def write(self, work: Callable[[Connection], Any]) -> Any:
        removed = await self._store.write(work)
        self.removed_by_write.append(removed)
        return removed


async def fill(store: Store, count: int, answered_ms: int = 1) -> None:
    rows = [{"id": number, "answered_ms": answered_ms} for number in range(count)]
    await store.write(lambda connection: connection.execute(sa.insert(strangers), rows))


async def left(store: Store) -> set[int]:
    return set(await store.read(lambda connection: connection.scalars(sa.select(strangers.c.id)).all()))


async def test_in_small_batches_between_the_writes_of_others(store: Store) -> None:
    await fill(store, 45)
    watched = Watched(store)
    async with asyncio.TaskGroup() as group:
        pruning = group.create_task(prune(watched, strangers, strangers.c.answered_ms < 2, batch=10))  # type: ignore[arg-type]
        while not watched.removed_by_write:
            await asyncio.sleep(0)
        await store.write(lambda connection: connection.execute(sa.insert(strangers).values(id=1000, answered_ms=9)))
        assert not pruning.done(), "whoever writes meanwhile does not wait for the end"
    assert pruning.result() == 45
    assert watched.removed_by_write == [10, 10, 10, 10, 5]
    assert await left(store) == {1000}


async def test_where_nothing_is_old_nothing_is_written(store: Store) -> None:
    await fill(store, 5, answered_ms=9)
    watched = Watched(store)
    assert await prune(watched, strangers, strangers.c.answered_ms < 2) == 0  # type: ignore[arg-type]
    assert watched.removed_by_write == []
    assert len(await left(store)) == 5


async def test_what_became_young_again_before_its_turn_stays(store: Store) -> None:
    await fill(store, 3)

    class Slow(Watched):
        async def write(self, work: Callable[[Connection], Any]) -> Any:
            young = sa.update(strangers).where(strangers.c.id == 1).values(answered_ms=9)
            await self._store.write(lambda connection: connection.execute(young))
            return await super().write(work)

    assert await prune(Slow(store), strangers, strangers.c.answered_ms < 2) == 2  # type: ignore[arg-type]
    assert await left(store) == {1}


async def test_a_key_of_several_columns(store: Store) -> None:
    rows = [
        {"drive": drive, "parent_id": parent, "name": "x", "folder_id": str(number)}
        for number, (drive, parent) in enumerate((drive, parent) for drive in "ab" for parent in "cdef")
    ]
    await store.write(lambda connection: connection.execute(sa.insert(made_folders), rows))
    is_old = made_folders.c.folder_id.in_(["0", "5", "6"])
    assert await prune(store, made_folders, is_old, batch=2) == 3
    kept = await store.read(lambda connection: connection.scalars(sa.select(made_folders.c.folder_id)).all())
    assert sorted(kept) == ["1", "2", "3", "4", "7"]
