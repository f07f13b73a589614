"""PostgreSQL: the same promises as SQLite's, kept by a server that others may reach and that may go away and come back.

What `write` has returned is on the server's disk (synchronous_commit=on). Writers wait for each other, as SQLite's do, by a lock of the
database that ends with the transaction; readers hold up nobody. If the connection breaks while a commit is on its way, the server is
asked afterwards what became of it (`pg_xact_status`), so that nobody is told what is not so.
"""

from __future__ import annotations

import dataclasses
import logging
import os
import platform
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine

from telpher.errors import DiskFullError, SettingsInvalidError, StoreError
from telpher.store.kind import PURPOSE, Purpose, hide_from

try:
    import psycopg
    from psycopg.types.string import StrDumper, StrDumperUnknown, StrDumperVarchar
except ImportError:
    raise SettingsInvalidError(
        "DATABASE_URL names PostgreSQL, and its driver is not installed: pip install 'telpher[postgresql]'"
    ) from None

_log = logging.getLogger(__name__)

OLDEST_VERSION = 13
"""The oldest that tells a transaction's end by `pg_current_xact_id`: https://www.postgresql.org/docs/13/functions-info.html"""

# Two words of an advisory lock: ours, and which schema of the database. https://www.postgresql.org/docs/current/explicit-locking.html
_WRITERS_LOCK = "1415935087, hashtext(current_schema())"
_MARK = "telpher_mark"
_BEGIN_WRITING = f"BEGIN; SELECT pg_current_xact_id()::text, pg_advisory_xact_lock({_WRITERS_LOCK})"
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

# A server that is gone without a word is missed after half a minute, by us and, as to our locks, by itself.
_CONNECTING: Mapping[str, int] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 4,
    "tcp_user_timeout": 30_000,
}
_SESSION = (
    "SET synchronous_commit = on; SET lock_timeout = '5s'; SET statement_timeout = 0; "
    "SET idle_in_transaction_session_timeout = 0; SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; "
    "SET tcp_keepalives_count = 4; SET tcp_user_timeout = 30000"
)

# What passes, or is mended by whoever looks after the server: https://www.postgresql.org/docs/current/errcodes-appendix.html
_TROUBLE = {
    "08": "the connection to it was lost",
    "25006": "it is read-only",
    "25P03": "the connection to it was ended",
    "28": "it does not let us in",
    "3D": "it does not exist",
    "40": "another program was in the way",
    "42501": "it does not let us do this",
    "53": "its server is out of something",
    "55P03": "another program has locked it",
    "57": "its server is stopping or starting",
    "58": "its server's machine does not work as it should",
    "F0": "its server is not set up as it should be",
    "XX": "its server does not work as it should",
}
_DISK_FULL = "53100"
_STARTING = "57P03"
_LOOK_AGAIN_S = 0.5


class PostgresqlKind:
    """See `telpher.store.kind.Kind`."""

    def for_purpose(self, connection: Connection, purpose: Purpose) -> Connection:
        return connection.execution_options(**{PURPOSE: purpose})

    def is_in_transaction(self, connection: Connection) -> bool:
        if connection.invalidated:
            return False
        status = _driver_of(connection).info.transaction_status
        return status in {psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR}

    def mark_of(self, connection: Connection) -> str | None:
        mark: str | None = connection.info.get(_MARK)
        return mark

    def has_landed(self, connection: Connection, mark: str) -> bool | None:
        status = connection.scalar(sa.text("SELECT pg_xact_status(CAST(:mark AS xid8))"), {"mark": mark})
        return None if status == "in progress" else status == "committed"

    def translated(self, error: BaseException) -> BaseException:
        cause = hide_from(error)
        if not isinstance(cause, psycopg.Error):
            return error
        # The first line: those below it may hold what was to be stored.
        told = str(cause).strip().partition("\n")[0]
        state = cause.sqlstate
        if state is None:
            is_gone = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError)
            return StoreError(f"the database cannot be reached: {told}") if is_gone else error
        if state == _DISK_FULL:
            return DiskFullError("the disk of the database's server is full")
        trouble = _TROUBLE.get(state) or _TROUBLE.get(state[:2])
        return StoreError(f"the database cannot be used: {trouble} ({told})") if trouble else error


def parsed(address: str) -> sa.URL:
    """The parts of `postgresql://…`. Raises SettingsInvalidError, which does not repeat the address: it may hold a password."""
    try:
        url = sa.make_url(address)
    except (sa.exc.ArgumentError, ValueError):
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"}:
        raise SettingsInvalidError("DATABASE_URL should be like postgresql://user:password@host/database")
    return url.set(drivername="postgresql+psycopg")


def place_of(address: str) -> str:
    """Where that is, for people: without user and password."""
    url = parsed(address)
    host = url.host or url.query.get("host") or "localhost"
    return f"{url.database or url.username} on {host}{f':{url.port}' if url.port else ''}"


def connect_postgresql(address: str) -> Engine:
    """An engine for the PostgreSQL database at `address` (postgresql://…); nothing is connected yet. Raises SettingsInvalidError."""
    url = parsed(address)
    # https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
    defaults: dict[str, Any] = {**_CONNECTING, "application_name": f"telpher {platform.node()} {os.getpid()}"}
    given = {name: value for name, value in defaults.items() if name not in url.query}
    engine = sa.create_engine(
        url,
        # We begin transactions ourselves: see `_begin`.
        connect_args={**given, "autocommit": True, "client_encoding": "utf8"},
        use_native_hstore=False,
        hide_parameters=True,
        pool_size=2,
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def await_server(engine: Engine, wait_s: float) -> None:
    """Connect, for at most `wait_s` where the server is not there yet. Raises StoreError, also when it is not fit."""
    ends_s = time.monotonic() + wait_s
    is_told = False
    while True:
        try:
            _check_server(engine)
        except (psycopg.Error, sa.exc.DBAPIError) as error:
            state = getattr(hide_from(error), "sqlstate", None)
            if time.monotonic() >= ends_s or state not in {None, _STARTING}:
                raise
            if not is_told:
                _log.warning("%s; waiting for it", PostgresqlKind().translated(error))
            is_told = True
            time.sleep(_LOOK_AGAIN_S)
        else:
            return


@dataclasses.dataclass(frozen=True)
class Server:
    """What is told of a server."""

    version: str
    size_bytes: int
    """Of our database there."""
    waits_for_disk: bool
    """Whether what it calls stored survives a power cut."""


def look_at(address: str) -> Server:
    """Changes nothing, and may be asked beside a running Telpher. Raises StoreError, SettingsInvalidError."""
    engine = connect_postgresql(address)
    try:
        _check_server(engine)
        with engine.connect() as connection:
            row = connection.execute(
                sa.text(
                    "SELECT current_setting('server_version'), pg_database_size(current_database()), "
                    "current_setting('fsync')::boolean AND current_setting('full_page_writes')::boolean"
                )
            ).one()
    except (psycopg.Error, sa.exc.DBAPIError) as error:
        raise PostgresqlKind().translated(error) from None
    finally:
        engine.dispose()
    return Server(row[0].partition(" ")[0], row[1], row[2])


def _check_server(engine: Engine) -> None:
    with engine.connect() as connection:
        version, encoding = connection.execute(
            sa.text("SELECT current_setting('server_version_num'), current_setting('server_encoding')")
        ).one()
    if int(version) // 10_000 < OLDEST_VERSION:
        raise StoreError(f"the server is PostgreSQL {int(version) // 10_000}; it should be {OLDEST_VERSION} or newer")
    if encoding != "UTF8":
        raise StoreError(f"the database's encoding is {encoding}: make it anew with ENCODING 'UTF8'")


def _driver_of(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _prepare(connection: psycopg.Connection[Any], _record: object) -> None:
    for dumper in _WITHOUT_NUL:
        connection.adapters.register_dumper(str, dumper)
    connection.execute(_SESSION, prepare=False)


def _begin(connection: Connection) -> None:
    """One round trip, also with what a writer has to know and to hold."""
    purpose = connection.get_execution_options().get(PURPOSE)
    driver = _driver_of(connection)
    try:
        if purpose is not Purpose.WRITING:
            driver.execute(_BEGIN_READING if purpose is Purpose.READING else "BEGIN", prepare=False)
            return
        cursor = driver.execute(_BEGIN_WRITING, prepare=False)
        cursor.nextset()
        row = cursor.fetchone()
        assert row is not None
        connection.info[_MARK] = row[0]
    except BaseException as error:
        if driver.closed:
            connection.invalidate(error)
        elif driver.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            driver.rollback()
        raise


class _WithoutNulUnknown(StrDumperUnknown):
    """PostgreSQL's texts hold any character but U+0000, for which its picture stands: https://www.postgresql.org/docs/current/datatype-character.html"""

    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "␀"))


class _WithoutNulVarchar(StrDumperVarchar):
    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "␀"))


class _WithoutNul(StrDumper):
    def dump(self, obj: str) -> Any:
        return super().dump(obj.replace("\0", "␀"))


# As psycopg registers its own: the last is the first choice.
_WITHOUT_NUL = (_WithoutNulVarchar, _WithoutNul, _WithoutNulUnknown)
