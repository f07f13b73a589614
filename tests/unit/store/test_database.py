"""The store keeps its word: what `write` returned is stored, what it raised is not, and callers may leave at any time."""

from __future__ import annotations

import asyncio
import gc
import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.databases import Database, ServerDatabase

from telpher.errors import DiskFullError, StoreError
from telpher.store import Store, open_store
from telpher.store.schema import strangers


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    store = open_store(database.where)
    yield store
    await store.close()


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


def _put(person_id: int, answered_ms: int = 1) -> sa.Insert:
    return sa.insert(strangers).values(id=person_id, answered_ms=answered_ms)


def _ids(connection: Connection) -> list[int]:
    return list(connection.scalars(sa.select(strangers.c.id).order_by(strangers.c.id)))


async def test_one_failure_does_not_undo_its_neighbours(store: Store) -> None:
    async def put(person_id: int) -> None:
        def work(connection: Connection) -> None:
            connection.execute(_put(person_id))
            if person_id % 3 == 0:
                raise ValueError(person_id)

        await store.write(work)

    outcomes = await asyncio.gather(*(put(n) for n in range(60)), return_exceptions=True)

    assert [n for n, outcome in enumerate(outcomes) if isinstance(outcome, ValueError)] == list(range(0, 60, 3))
    assert await store.read(_ids) == [n for n in range(60) if n % 3]


async def test_a_read_sees_what_was_written_before_it(store: Store) -> None:
    for n in range(20):
        await store.write(lambda connection, n=n: connection.execute(_put(n)))
        assert len(await store.read(_ids)) == n + 1


async def test_a_write_is_carried_out_though_its_caller_was_cancelled(store: Store) -> None:
    is_begun, may_go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        is_begun.set()
        assert may_go_on.wait(10)
        connection.execute(_put(1))

    running = asyncio.get_running_loop().create_task(store.write(slow))
    await asyncio.to_thread(is_begun.wait, 10)
    queued = asyncio.get_running_loop().create_task(store.write(lambda connection: connection.execute(_put(2))))
    await asyncio.sleep(0)
    running.cancel()
    queued.cancel()
    may_go_on.set()

    assert all(
        isinstance(end, asyncio.CancelledError) for end in await asyncio.gather(running, queued, return_exceptions=True)
    )
    await store.write(lambda connection: connection.execute(_put(3)))
    assert await store.read(_ids) == [1, 2, 3]


async def test_reads_cannot_write(store: Store) -> None:
    with pytest.raises(StoreError, match="read-only"):
        await store.read(lambda connection: connection.execute(_put(1)))
    assert await store.read(_ids) == []


async def test_a_full_disk_is_told_and_later_writes_go_on(sqlite_store: Store) -> None:
    def narrow(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 2}")

    def big(connection: Connection) -> None:
        connection.execute(_put(1))
        connection.execute(sa.text("CREATE TABLE big AS SELECT randomblob(1000000) AS bytes"))

    await sqlite_store.write(narrow)
    small, full, after = await asyncio.gather(
        sqlite_store.write(lambda connection: connection.execute(_put(5))),
        sqlite_store.write(big),
        sqlite_store.write(lambda connection: connection.execute(_put(6))),
        return_exceptions=True,
    )

    assert isinstance(full, DiskFullError)
    stored = [n for n, end in ((5, small), (6, after)) if not isinstance(end, Exception)]
    assert await sqlite_store.read(_ids) == stored
    await sqlite_store.write(lambda connection: connection.execute(_put(7)))
    assert await sqlite_store.read(_ids) == [*stored, 7]


async def test_a_transaction_that_the_database_rolled_back_is_stored_for_nobody(store: Store) -> None:
    def undo_all(connection: Connection) -> None:
        # As a full disk may: https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction
        connection.exec_driver_sql("ROLLBACK")
        raise ValueError("the database gave up")

    is_begun, may_go_on = threading.Event(), threading.Event()

    def hold(connection: Connection) -> None:
        is_begun.set()
        assert may_go_on.wait(10)

    held = asyncio.get_running_loop().create_task(store.write(hold))
    await asyncio.to_thread(is_begun.wait, 10)
    together = asyncio.gather(
        store.write(lambda connection: connection.execute(_put(1))),
        store.write(undo_all),
        store.write(lambda connection: connection.execute(_put(2))),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    may_go_on.set()
    await held

    assert all(isinstance(end, Exception) for end in await together)
    await store.write(lambda connection: connection.execute(_put(3)))
    assert await store.read(_ids) == [3]


async def test_a_database_locked_by_another_process_is_waited_for(sqlite_store: Store, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "telpher.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO strangers VALUES (1, 1)")
    waiting = asyncio.get_running_loop().create_task(
        sqlite_store.write(lambda connection: (_ids(connection), connection.execute(_put(2)))[0])
    )
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other.execute("COMMIT")
    other.close()

    assert await waiting == [1]
    assert await sqlite_store.read(_ids) == [1, 2]


async def test_stop_iteration_reaches_the_caller_as_an_error(store: Store) -> None:
    with pytest.raises(RuntimeError, match="StopIteration"):
        await store.read(lambda _connection: next(iter(())))


async def test_closing_carries_out_what_was_handed_over_and_leaves_nothing(database: Database) -> None:
    before = {thread.name for thread in threading.enumerate()}
    store = open_store(database.where)
    pending = [
        asyncio.get_running_loop().create_task(store.write(lambda c, n=n: c.execute(_put(n)))) for n in range(300)
    ]
    await asyncio.sleep(0)
    await store.close()
    await store.close()
    await asyncio.gather(*pending)

    with pytest.raises(RuntimeError, match="closed"):
        await store.read(_ids)
    left = {thread.name for thread in threading.enumerate()} - before
    assert not [name for name in left if name.startswith("telpher-store")]
    if isinstance(database, ServerDatabase):
        assert not database.connections()
    else:
        assert not [held for held in _open_files() if held.startswith(str(database.where))]
    store = open_store(database.where)
    assert await store.read(_ids) == list(range(300))
    await store.close()


def _open_files() -> list[str]:
    return [os.path.realpath(descriptor) for descriptor in Path("/proc/self/fd").iterdir()]


def test_a_database_that_cannot_be_opened_leaves_no_thread_or_descriptor(tmp_path: Path) -> None:
    path = tmp_path / "telpher.db"
    path.write_bytes(b"this is not a database, however long one looks at it" * 100)
    threads = threading.active_count()

    with pytest.raises(sa.exc.DatabaseError, match="not a database"):
        open_store(path)

    gc.collect()
    assert threading.active_count() == threads
    assert not [held for held in _open_files() if held.startswith(str(path))]


async def test_a_read_only_directory_is_told(tmp_path: Path) -> None:
    path = tmp_path / "telpher.db"
    await open_store(path).close()
    engine = sa.create_engine(f"sqlite:///file:{path}?mode=ro&uri=true")
    store = Store(engine)

    with pytest.raises(StoreError, match="is read-only"):
        await store.write(lambda connection: connection.execute(_put(1)))
    assert await store.read(_ids) == []
    await store.close()


async def test_a_forked_child_is_told_that_the_store_is_not_its_own(store: Store) -> None:
    store._process_id += 1  # as a child of a fork sees it
    with pytest.raises(RuntimeError, match="process that opened it"):
        await store.read(_ids)


async def test_an_idle_store_uses_no_processor(database: Database) -> None:
    before_it = set(threading.enumerate())
    store = open_store(database.where)
    await store.read(_ids)
    threads = {thread for thread in set(threading.enumerate()) - before_it if thread.name.startswith("telpher-store")}
    assert len(threads) == 2
    names = {thread.native_id for thread in threads}

    def switches() -> int:
        status = [Path(f"/proc/self/task/{tid}/status").read_text() for tid in names]
        return sum(int(line.split()[1]) for text in status for line in text.splitlines() if "ctxt_switches" in line)

    before = switches()
    await asyncio.sleep(0.4)
    is_idle = switches() - before <= 2
    await store.close()
    assert is_idle
