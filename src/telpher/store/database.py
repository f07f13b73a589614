"""The database behind a small door: a function that is given a connection runs in one transaction, off the event loop.

SQLite has one writer, so all writes go through one thread; those that wait for it at the same time share one commit (one fsync for
many), each under a savepoint of its own so that one's failure does not undo another's. What `write` has returned is on the disk
(WAL with synchronous=FULL, https://www.sqlite.org/pragma.html#pragma_synchronous). Reads run beside it on a thread of their own.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

T = TypeVar("T")

_BATCH_LIMIT = 256


class Store:
    """An open database. `write` and `read` may be awaited concurrently."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._pending: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._reads: queue.SimpleQueue[tuple[Callable[[Connection], Any], Future[Any]] | None] = queue.SimpleQueue()
        self._is_closed = False
        self._writer = threading.Thread(target=self._write_all, name="telpher-store-writer", daemon=True)
        self._reader = threading.Thread(target=self._read_all, name="telpher-store-reader", daemon=True)
        self._writer.start()
        self._reader.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` in a transaction; durable when it returns. An exception of `work` undoes it and is raised here.

        A write that was handed over is carried out even if the caller is cancelled while it waits.
        """
        return await self._hand_over(self._pending, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` on a consistent snapshot; it must not write."""
        return await self._hand_over(self._reads, work)

    async def close(self) -> None:
        """Carry out what was handed over, then close the database."""
        if self._is_closed:
            return
        self._is_closed = True
        self._pending.put(None)
        self._reads.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._reader.join)
        await asyncio.to_thread(self.engine.dispose)

    async def _hand_over(self, lane: queue.SimpleQueue[Any], work: Callable[[Connection], T]) -> T:
        if self._is_closed:
            raise RuntimeError("the store is closed")
        future: Future[T] = Future()
        lane.put((work, future))
        return await asyncio.wrap_future(future)

    def _write_all(self) -> None:
        with self.engine.connect() as connection:
            is_open = True
            while is_open:
                batch = [self._pending.get()]
                while len(batch) < _BATCH_LIMIT and batch[-1] is not None:
                    try:
                        batch.append(self._pending.get_nowait())
                    except queue.Empty:
                        break
                is_open = batch[-1] is not None
                self._write_batch(connection, [item for item in batch if item is not None])

    @staticmethod
    def _write_batch(connection: Connection, batch: list[tuple[Callable[[Connection], Any], Future[Any]]]) -> None:
        if not batch:
            return
        done: list[tuple[Future[Any], Any]] = []
        try:
            with connection.begin():
                for work, future in batch:
                    # A caller that was cancelled while waiting still meant the write: see `write`.
                    future.set_running_or_notify_cancel()
                    try:
                        with connection.begin_nested():
                            done.append((future, work(connection)))
                    except Exception as error:  # noqa: BLE001 - it is the caller's, and raised there
                        _set_exception(future, error)
        except Exception as error:  # noqa: BLE001 - the commit failed: nothing of the batch is stored, and each caller learns it
            for future, _ in done:
                _set_exception(future, error)
        else:
            for future, result in done:
                if not future.cancelled():
                    future.set_result(result)

    def _read_all(self) -> None:
        with self.engine.connect() as connection:
            while (item := self._reads.get()) is not None:
                work, future = item
                if not future.set_running_or_notify_cancel():
                    continue
                try:
                    with connection.begin():
                        result = work(connection)
                except Exception as error:  # noqa: BLE001 - it is the caller's, and raised there
                    _set_exception(future, error)
                else:
                    future.set_result(result)


def _set_exception(future: Future[Any], error: Exception) -> None:
    if not future.cancelled():
        future.set_exception(error)


def open_store(path: Path) -> Store:
    """Open (and make, and migrate) the SQLite database at `path`. Blocking: for start-up."""
    from telpher.store.migrations import migrate  # noqa: PLC0415 - Alembic is loaded only where there is something to migrate

    path.parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(f"sqlite:///{path}", poolclass=sa.pool.QueuePool, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    migrate(engine)
    return Store(engine)


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not begin transactions by itself: https://docs.sqlalchemy.org/en/21/dialects/sqlite.html
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
