"""The database behind a small door: a function that is given a connection runs in one transaction, off the event loop.

SQLite has one writer, so all writes go through one thread; those that wait for it at the same time share one commit (one fsync for
many), each under a savepoint of its own so that one's failure does not undo another's. What `write` has returned is on the disk
(WAL with synchronous=FULL, https://www.sqlite.org/pragma.html#pragma_synchronous). Reads run beside it on a thread of their own.
Both threads sleep until they are given something: an idle store costs nothing.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from telpher.errors import DiskFullError, StoreError

T = TypeVar("T")

_BATCH_LIMIT = 256
_BEGIN = "telpher_begin"
"""Execution option: the statement that begins a transaction on this connection."""


class _Call:
    """One function that waits for its turn on a thread, and the coroutine that waits for its result."""

    __slots__ = ("_error", "_future", "_loop", "_result", "work")

    def __init__(self, work: Callable[[Connection], Any]) -> None:
        self.work = work
        self._loop = asyncio.get_running_loop()
        self._future: asyncio.Future[Any] = self._loop.create_future()
        self._result: Any = None
        self._error: BaseException | None = None

    async def wait(self) -> Any:
        return await self._future

    def succeed(self, result: Any) -> None:
        self._result = result

    def fail(self, error: BaseException) -> None:
        """The first failure is the one that the caller learns."""
        if self._error is None:
            # A coroutine cannot be made to raise StopIteration: https://peps.python.org/pep-0479/
            self._error = RuntimeError("StopIteration was raised") if isinstance(error, StopIteration) else _ours(error)

    def tell(self) -> None:
        """Wake the caller. One that is gone, with its loop or without, is no error: the work was done all the same."""
        try:
            self._loop.call_soon_threadsafe(self._settle)
        except RuntimeError:
            if not self._loop.is_closed():
                raise

    def _settle(self) -> None:
        if self._future.done():
            return
        if self._error is None:
            self._future.set_result(self._result)
        else:
            self._future.set_exception(self._error)


_Lane = queue.SimpleQueue[_Call | None]


class Store:
    """An open database. `write` and `read` may be awaited concurrently, in the process that opened it."""

    def __init__(self, engine: Engine) -> None:
        """Takes `engine` over. Raises what connecting raises, and leaves nothing behind then."""
        self.engine = engine
        self._process_id = os.getpid()
        self._is_closed = False
        self._writes: _Lane = queue.SimpleQueue()
        self._reads: _Lane = queue.SimpleQueue()
        writing = reading = None
        try:
            # A transaction that begins by reading could find, when it comes to write, that another process was faster, and fail at
            # once; one that begins IMMEDIATE waits its turn: https://www.sqlite.org/rescode.html#busy_snapshot
            writing = engine.connect().execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})
            reading = engine.connect()
            if engine.dialect.name == "sqlite":
                reading.exec_driver_sql("PRAGMA query_only=ON")
                reading.commit()
        except BaseException:
            for connection in (writing, reading):
                if connection is not None:
                    connection.close()
            engine.dispose()
            raise
        self._threads = [
            threading.Thread(
                target=_serve_writes, args=(writing, self._writes), name="telpher-store-writer", daemon=True
            ),
            threading.Thread(
                target=_serve_reads, args=(reading, self._reads), name="telpher-store-reader", daemon=True
            ),
        ]
        for thread in self._threads:
            thread.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` in a transaction; durable when it returns. An exception of `work` undoes it and is raised here.

        A write that was handed over is carried out even if the caller is cancelled while it waits. Raises DiskFullError when
        the disk is full, StoreError when the database cannot be used otherwise; nothing of this write is stored then.
        """
        return await self._hand_over(self._writes, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work(connection)` on a consistent snapshot that holds all earlier writes; it must not write."""
        return await self._hand_over(self._reads, work)

    async def close(self) -> None:
        """Carry out what was handed over, then close the database."""
        if not self._is_closed:
            self._is_closed = True
            self._writes.put(None)
            self._reads.put(None)
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        for thread in self._threads:
            thread.join()
        self.engine.dispose()

    async def _hand_over(self, lane: _Lane, work: Callable[[Connection], T]) -> T:
        if self._is_closed:
            raise RuntimeError("the store is closed")
        if os.getpid() != self._process_id:
            raise RuntimeError(
                "the store belongs to the process that opened it: a forked child has none of its threads"
            )
        call = _Call(work)
        lane.put(call)
        result: T = await call.wait()
        return result


def _serve_writes(connection: Connection, lane: _Lane) -> None:
    with connection:
        is_open = True
        while is_open:
            batch = [lane.get()]
            while len(batch) < _BATCH_LIMIT and batch[-1] is not None:
                try:
                    batch.append(lane.get_nowait())
                except queue.Empty:
                    break
            is_open = batch[-1] is not None
            calls = [call for call in batch if call is not None]
            if calls:
                _write(connection, calls)
                for call in calls:
                    call.tell()


def _write(connection: Connection, calls: list[_Call]) -> None:
    """Run all `calls` in one transaction. A failed commit stores nothing, and each caller learns it."""
    try:
        with connection.begin():
            if len(calls) == 1:
                calls[0].succeed(calls[0].work(connection))
                return
            for call in calls:
                # Plain words: SQLAlchemy's own savepoints cost more than most of the statements between them.
                connection.exec_driver_sql("SAVEPOINT one_call")
                try:
                    call.succeed(call.work(connection))
                    connection.exec_driver_sql("RELEASE SAVEPOINT one_call")
                except BaseException as error:
                    call.fail(error)
                    if _is_in_transaction(connection):
                        connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one_call")
                        connection.exec_driver_sql("RELEASE SAVEPOINT one_call")
                    else:
                        # A full disk makes SQLite roll the whole transaction back: https://www.sqlite.org/lang_transaction.html
                        raise
    except BaseException as error:  # noqa: BLE001 - as above
        for call in calls:
            call.fail(error)


def _is_in_transaction(connection: Connection) -> bool:
    driver = connection.connection.driver_connection
    return driver.in_transaction if isinstance(driver, sqlite3.Connection) else True


def _serve_reads(connection: Connection, lane: _Lane) -> None:
    with connection:
        while (call := lane.get()) is not None:
            try:
                with connection.begin():
                    call.succeed(call.work(connection))
            except BaseException as error:  # noqa: BLE001 - it is the caller's, and raised there
                call.fail(error)
            call.tell()


# What passes, or is mended by whoever looks after the machine: https://www.sqlite.org/rescode.html
_TROUBLE = {
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_READONLY: "it, or its disk, is read-only",
    sqlite3.SQLITE_IOERR: "its disk does not work as it should",
    sqlite3.SQLITE_CANTOPEN: "it, or a file beside it, cannot be opened",
    sqlite3.SQLITE_NOMEM: "there is too little memory",
}


def _ours(error: BaseException) -> BaseException:
    cause = error.orig if isinstance(error, sa.exc.DBAPIError) else error
    if not isinstance(cause, sqlite3.Error):
        return StoreError(str(cause)) if isinstance(error, sa.exc.OperationalError) else error
    # The low byte is what kind it is: https://www.sqlite.org/rescode.html#primary_result_codes_versus_extended_result_codes
    kind = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if kind == sqlite3.SQLITE_FULL:
        return DiskFullError("the disk is full: the database cannot grow")
    if kind in _TROUBLE:
        return StoreError(f"the database cannot be used: {_TROUBLE[kind]} ({cause})")
    return error


def connect_sqlite(path: Path) -> Engine:
    """An engine for the SQLite database at `path`, with the transactions that SQLAlchemy's documentation asks for."""
    # https://docs.sqlalchemy.org/en/21/dialects/sqlite.html#enabling-non-legacy-sqlite-transactional-modes-with-the-sqlite3-or-aiosqlite-driver
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        poolclass=sa.pool.QueuePool,
        connect_args={"check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))


def open_store(path: Path) -> Store:
    """Open (and make, and migrate) the SQLite database at `path`. Blocking: for start-up. Raises StoreError, DiskFullError."""
    from telpher.store.migrations import migrate  # noqa: PLC0415 - it connects by what stands above

    engine = connect_sqlite(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        migrate(engine)
        return Store(engine)
    except OSError as error:
        engine.dispose()
        raise StoreError(f"{path.parent} cannot be used: {error.strerror or error}") from None
    except sa.exc.DBAPIError as error:
        engine.dispose()
        if (ours := _ours(error)) is error:
            raise
        raise ours from None
    except BaseException:
        engine.dispose()
        raise
