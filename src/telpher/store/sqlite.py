"""SQLite: one file, one writer, and what `write` has returned is on the disk (WAL with synchronous=FULL).

https://www.sqlite.org/pragma.html#pragma_synchronous
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from telpher.errors import DiskFullError, StoreError
from telpher.store.kind import PURPOSE, Purpose, hide_from

# What passes, or is mended by whoever looks after the machine: https://www.sqlite.org/rescode.html
_TROUBLE = {
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_READONLY: "it, or its disk, is read-only",
    sqlite3.SQLITE_IOERR: "its disk does not work as it should",
    sqlite3.SQLITE_CANTOPEN: "it, or a file beside it, cannot be opened",
    sqlite3.SQLITE_NOMEM: "there is too little memory",
}


class SqliteKind:
    """See `telpher.store.kind.Kind`. A commit that fails has stored nothing: no end is ever in doubt."""

    def for_purpose(self, connection: Connection, purpose: Purpose) -> Connection:
        if purpose is Purpose.READING:
            connection.exec_driver_sql("PRAGMA query_only=ON")
            connection.commit()
        return connection.execution_options(**{PURPOSE: purpose})

    def is_in_transaction(self, connection: Connection) -> bool:
        # A full disk makes SQLite roll the whole transaction back: https://www.sqlite.org/lang_transaction.html
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        return driver.in_transaction

    def mark_of(self, connection: Connection) -> str | None:
        del connection
        return None

    def has_landed(self, connection: Connection, mark: str) -> bool | None:
        del connection, mark
        return False

    def translated(self, error: BaseException) -> BaseException:
        cause = hide_from(error)
        if not isinstance(cause, sqlite3.Error):
            return error
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
        hide_parameters=True,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # A transaction that begins by reading could find, when it comes to write, that another process was faster, and fail at
    # once; one that begins IMMEDIATE waits its turn: https://www.sqlite.org/rescode.html#busy_snapshot
    is_writing = connection.get_execution_options().get(PURPOSE) is Purpose.WRITING
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
