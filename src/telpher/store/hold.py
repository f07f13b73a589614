"""That one Telpher alone has a PostgreSQL database: a lock of its writing session, which is lost with the connection.

Taken again after each break, as long as nobody else had it meanwhile. Otherwise this process knows too little of what is stored, and
must end: what it would write might undo the other's work.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.errors import SettingsInvalidError, StoreError
from telpher.store.schema import tenures

_LOCK = "1415935088, hashtext(current_schema())"
_PATIENCE_S = 3.0
"""So long may the server take to notice that an earlier holder was killed."""
_LOOK_AGAIN_S = 0.1
_IS_HELD = "telpher_is_held"


class Hold:
    """Belongs to one writing connection, and to one thread at a time."""

    def __init__(self, place: str) -> None:
        self._place = place
        self._tenure: int | None = None
        self.loss: StoreError | None = None
        """Why this process must end, once it is so."""
        self.on_loss: Callable[[StoreError], object] | None = None

    def take(self, connection: Connection) -> None:
        """Take the lock for the first time, before anything is looked at. Raises SettingsInvalidError when another Telpher has it."""
        if not _is_locked(connection):
            raise SettingsInvalidError(
                f"another Telpher uses the database {self._place} ({_holder(connection)}): stop it, or set another DATABASE_URL"
            )
        connection.info[_IS_HELD] = True

    def begin(self, connection: Connection) -> None:
        """Count this tenure, once the table is there."""
        with connection.begin():
            number = (connection.scalar(sa.select(tenures.c.number)) or 0) + 1
            holder = connection.scalar(sa.text("SELECT current_setting('application_name')"))
            connection.execute(sa.delete(tenures))
            connection.execute(
                sa.insert(tenures).values(id=1, number=number, holder=holder, since_ms=time.time_ns() // 1_000_000)
            )
        self._tenure = number

    def keep(self, connection: Connection) -> None:
        """Before each transaction: where the connection is a new one, take the lock again. Raises StoreError when it is lost."""
        if self.loss is not None:
            raise self.loss
        if connection.info.get(_IS_HELD):
            return
        if not _is_locked(connection):
            # Perhaps only our own last session, which the server has not missed yet: not lost before we know.
            raise StoreError(f"the database {self._place} is held by {_holder(connection)}")
        with connection.begin():
            row = connection.execute(sa.select(tenures)).one()
        if row.number != self._tenure:
            self.loss = StoreError(
                f"another Telpher ({row.holder}) has used the database {self._place} since the connection was lost: "
                "this one ends, and can be started again when the other has ended"
            )
            if self.on_loss is not None:
                self.on_loss(self.loss)
            raise self.loss
        connection.info[_IS_HELD] = True


def _is_locked(connection: Connection) -> bool:
    """Whether the lock could be had within the patience. It stays with the session, whatever becomes of the transaction."""
    ends_s = time.monotonic() + _PATIENCE_S
    while not _tried(connection):
        if time.monotonic() >= ends_s:
            return False
        time.sleep(_LOOK_AGAIN_S)
    return True


def _tried(connection: Connection) -> bool:
    with connection.begin():
        return bool(connection.scalar(sa.text(f"SELECT pg_try_advisory_lock({_LOCK})")))


def _holder(connection: Connection) -> str:
    key, schema = _LOCK.split(", ", 1)
    query = (
        "SELECT application_name FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE locktype = 'advisory' AND granted "  # noqa: S608
        f"AND classid = {key} AND objid::bigint = {schema}::bigint & 4294967295 AND pg_locks.database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1"
    )
    with connection.begin():
        return str(connection.scalar(sa.text(query)) or "not known by name")
