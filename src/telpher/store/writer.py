"""The one thread that writes: those who wait for it at the same time share one commit, each under a savepoint of its own.

A failed commit stores nothing, and each caller learns it. Where it cannot be known whether a commit has landed, because the connection
broke in the middle, its callers wait until it can be asked; nobody is told what is not so.
"""

from __future__ import annotations

import contextlib
import logging
import queue

from sqlalchemy.engine import Connection
from sqlalchemy.engine.base import RootTransaction

from telpher.errors import StoreError
from telpher.store.calls import Call, Lane
from telpher.store.hold import Hold
from telpher.store.kind import Kind

_log = logging.getLogger(__name__)

_BATCH_LIMIT = 256
_ASK_AGAIN_S = 0.5


class Writer:
    """`serve` is the thread's life. Takes `connection` over."""

    def __init__(self, connection: Connection, lane: Lane, kind: Kind, hold: Hold | None = None) -> None:
        self._connection = connection
        self._lane = lane
        self._kind = kind
        self._hold = hold
        self._in_doubt: tuple[str, list[Call]] | None = None
        """The transaction whose end is not known, and who waits for it."""

    def serve(self) -> None:
        """Until the lane ends."""
        with self._connection:
            is_open = True
            while is_open:
                batch = self._next_batch()
                is_open = not batch or batch[-1] is not None
                calls = [call for call in batch if call is not None]
                if self._in_doubt is not None:
                    self._ask()
                if self._in_doubt is not None:
                    for call in calls:
                        call.fail(StoreError("the database cannot be reached: the connection to it was lost"))
                        call.tell()
                elif calls and self._write(calls):
                    for call in calls:
                        call.tell()
            if self._in_doubt is not None:
                self._end_doubt(StoreError("the database is closed, and whether this was stored could not be asked"))

    def _next_batch(self) -> list[Call | None]:
        """All that wait now. Empty when only a doubt is left to be looked into."""
        batch: list[Call | None] = []
        with contextlib.suppress(queue.Empty):
            batch.append(self._lane.get(timeout=None if self._in_doubt is None else _ASK_AGAIN_S))
            while len(batch) < _BATCH_LIMIT and batch[-1] is not None:
                batch.append(self._lane.get_nowait())
        return batch

    def _begin(self) -> RootTransaction:
        """A connection that turns out to be dead before anything was done on it is made anew, once."""
        try:
            return self._begin_once()
        except Exception:
            # What begins a transaction lets the driver's own errors through, whose class only one kind of database has.
            if not self._connection.invalidated:
                raise
        return self._begin_once()

    def _begin_once(self) -> RootTransaction:
        if self._hold is not None:
            self._hold.keep(self._connection)
        return self._connection.begin()

    def _write(self, calls: list[Call]) -> bool:
        """Run all `calls` in one transaction; whether they know how it ended."""
        transaction = mark = None
        is_ending = False
        try:
            transaction = self._begin()
            mark = self._kind.mark_of(self._connection)
            self._run(calls)
            is_ending = True
            transaction.commit()
        except BaseException as error:  # noqa: BLE001 - it is the callers', and raised there
            if is_ending and mark is not None and self._connection.invalidated:
                _log.warning("the connection to the database broke during a commit: asking what became of it")
                self._in_doubt = mark, calls
            for call in calls if self._in_doubt is None else ():
                call.fail(self._kind.translated(error))
            if transaction is not None:
                with contextlib.suppress(Exception):
                    transaction.rollback()
        return self._in_doubt is None

    def _run(self, calls: list[Call]) -> None:
        if len(calls) == 1:
            calls[0].succeed(calls[0].work(self._connection))
            return
        for call in calls:
            # Plain words: SQLAlchemy's own savepoints cost more than most of the statements between them.
            self._connection.exec_driver_sql("SAVEPOINT one_call")
            try:
                call.succeed(call.work(self._connection))
                self._connection.exec_driver_sql("RELEASE SAVEPOINT one_call")
            except BaseException as error:
                call.fail(self._kind.translated(error))
                if not self._kind.is_in_transaction(self._connection):
                    raise
                self._connection.exec_driver_sql("ROLLBACK TO SAVEPOINT one_call")
                self._connection.exec_driver_sql("RELEASE SAVEPOINT one_call")

    def _ask(self) -> None:
        """What became of the transaction in doubt, if the database tells it now."""
        assert self._in_doubt is not None
        try:
            with self._begin():
                has_landed = self._kind.has_landed(self._connection, self._in_doubt[0])
        except Exception as error:  # noqa: BLE001 - asked again soon
            _log.debug("not known yet: %s", error)
            return
        if has_landed is not None:
            self._end_doubt(None if has_landed else StoreError("the connection to the database was lost"))

    def _end_doubt(self, error: StoreError | None) -> None:
        assert self._in_doubt is not None
        _, calls = self._in_doubt
        self._in_doubt = None
        for call in calls:
            if error is not None:
                call.fail(error)
            call.tell()
