"""The database behind a small door: a function that is given a connection runs in one transaction, off the event loop.

All writes go through one thread (`writer.py`), and what `write` has returned is on the disk. Reads run beside it on a thread of their
own. Both threads sleep until they are given something: an idle store costs nothing. What differs between SQLite and PostgreSQL stands
in `sqlite.py` and `postgresql.py`; everything above says the same to both.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.base import RootTransaction

from telpher.errors import StoreError
from telpher.store.calls import Call, Lane
from telpher.store.hold import Hold
from telpher.store.kind import Kind, Purpose, kind_of
from telpher.store.sqlite import connect_sqlite
from telpher.store.writer import Writer

T = TypeVar("T")


class Store:
    """An open database. `write` and `read` may be awaited concurrently, in the process that opened it."""

    def __init__(self, engine: Engine, *, writing: Connection | None = None, hold: Hold | None = None) -> None:
        """Takes `engine` over, and the connection that `hold` belongs to. Raises what connecting raises, and leaves nothing behind then."""
        self.engine = engine
        self._hold = hold
        self._process_id = os.getpid()
        self._is_closed = False
        self._writes: Lane = queue.SimpleQueue()
        self._reads: Lane = queue.SimpleQueue()
        kind = kind_of(engine)
        reading = None
        try:
            writing = kind.for_purpose(engine.connect() if writing is None else writing, Purpose.WRITING)
            reading = kind.for_purpose(engine.connect(), Purpose.READING)
        except BaseException:
            for connection in (writing, reading):
                if connection is not None:
                    connection.close()
            engine.dispose()
            raise
        writer = Writer(writing, self._writes, kind, hold)
        reads = (reading, self._reads, kind)
        self._threads = [
            threading.Thread(target=writer.serve, name="telpher-store-writer", daemon=True),
            threading.Thread(target=_serve_reads, args=reads, name="telpher-store-reader", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def when_lost(self, tell: Callable[[StoreError], None]) -> None:
        """Have `tell` called on this loop if another Telpher takes the database from this one, which must end then."""
        if self._hold is not None:
            loop = asyncio.get_running_loop()
            self._hold.on_loss = lambda loss: loop.call_soon_threadsafe(tell, loss)

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

    async def _hand_over(self, lane: Lane, work: Callable[[Connection], T]) -> T:
        if self._is_closed:
            raise RuntimeError("the store is closed")
        if os.getpid() != self._process_id:
            raise RuntimeError(
                "the store belongs to the process that opened it: a forked child has none of its threads"
            )
        call = Call(work)
        lane.put(call)
        result: T = await call.wait()
        return result


def _serve_reads(connection: Connection, lane: Lane, kind: Kind) -> None:
    with connection:
        while (call := lane.get()) is not None:
            try:
                with _begun(connection):
                    call.succeed(call.work(connection))
            except BaseException as error:  # noqa: BLE001 - it is the caller's, and raised there
                call.fail(kind.translated(error))
            call.tell()


def _begun(connection: Connection) -> RootTransaction:
    """A connection that turns out to be dead before anything was asked of it is made anew, once."""
    try:
        return connection.begin()
    except Exception:
        # What begins a transaction lets the driver's own errors through, whose class only one kind of database has.
        if not connection.invalidated:
            raise
    return connection.begin()


def open_store(where: Path | str, *, alone: bool = False, wait_s: float = 0.0) -> Store:
    """Open (and make, and migrate) the SQLite database at a path, or the PostgreSQL one at an address. Blocking: for start-up.

    `alone` keeps every other Telpher that says so away from a PostgreSQL database (from a file, its directory's lock does); `wait_s`
    is how long a server that is not there yet is waited for. Raises StoreError, DiskFullError, SettingsInvalidError.
    """
    return _open_file(where) if isinstance(where, Path) else _open_address(where, alone=alone, wait_s=wait_s)


def _open_file(path: Path) -> Store:
    from telpher.store.migrations import migrate  # noqa: PLC0415 - it connects by what stands above

    engine = connect_sqlite(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        migrate(engine)
        return Store(engine)
    except OSError as error:
        engine.dispose()
        raise StoreError(f"{path.parent} cannot be used: {error.strerror or error}") from None
    except BaseException as error:  # noqa: BLE001 - it is raised again
        _give_up(engine, error)


def _open_address(address: str, *, alone: bool, wait_s: float) -> Store:
    from telpher.store.migrations import migrate  # noqa: PLC0415 - as above
    from telpher.store.postgresql import await_server, connect_postgresql, place_of  # noqa: PLC0415 - only for those who use it

    engine = connect_postgresql(address)
    writing = hold = None
    try:
        await_server(engine, wait_s)
        if alone:
            writing = kind_of(engine).for_purpose(engine.connect(), Purpose.WRITING)
            hold = Hold(place_of(address))
            hold.take(writing)
        migrate(engine)
        if writing is not None and hold is not None:
            hold.begin(writing)
        return Store(engine, writing=writing, hold=hold)
    except BaseException as error:  # noqa: BLE001 - it is raised again
        if writing is not None:
            writing.close()
        _give_up(engine, error)


def _give_up(engine: Engine, error: BaseException) -> NoReturn:
    engine.dispose()
    ours = kind_of(engine).translated(error)
    if ours is error:
        raise error
    raise ours from None
