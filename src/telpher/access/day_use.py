"""What people have used of their day: counted once for each thing that used it, however often that is replayed, across restarts."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import day_use

_KEPT_DAYS = 7


@dataclasses.dataclass(frozen=True)
class Used:
    """Of one day. CPU seconds are those of all cores together."""

    size_bytes: int
    cpu_s: float


def _now() -> dt.datetime:
    return dt.datetime.now().astimezone()


class DayUse:
    """The table `day_use`. A day begins at midnight of this machine's zone."""

    def __init__(self, store: Store, now: Callable[[], dt.datetime] = _now) -> None:
        self._store = store
        self._now = now

    async def today(self, person_id: int) -> Used:
        """What the person has used since midnight."""
        day = self._now().date().toordinal()
        return await self._store.read(lambda connection: _used(connection, person_id, day))

    async def take(self, key: str, person_id: int, size_bytes: int, check: Callable[[Used], None]) -> None:
        """Count `size_bytes` under `key`, in one commit with `check`, which may raise when it is told what was used before.

        What was counted under this key before stands, and is not checked again: it was accepted.
        """
        day = self._now().date().toordinal()

        def put(connection: Connection) -> None:
            if connection.scalar(sa.select(day_use.c.key).where(day_use.c.key == key)) is None:
                check(_used(connection, person_id, day))
                connection.execute(
                    sa.insert(day_use).values(key=key, person_id=person_id, day=day, size_bytes=size_bytes, cpu_ms=0)
                )

        await self._store.write(put)

    async def settle(self, key: str, *, size_bytes: int | None = None, cpu_s: float | None = None) -> None:
        """What `key` has really used; no effect where nothing was taken under it."""
        values: dict[str, int] = {}
        if size_bytes is not None:
            values["size_bytes"] = size_bytes
        if cpu_s is not None:
            values["cpu_ms"] = round(cpu_s * 1000)
        change = sa.update(day_use).where(day_use.c.key == key).values(values)
        await self._store.write(lambda connection: connection.execute(change))

    def left_s(self) -> float:
        """How long this day yet is."""
        now = self._now()
        # Through the zone's own rules, as a day may have 23 or 25 hours.
        midnight = dt.datetime.combine(now.date() + dt.timedelta(days=1), dt.time()).astimezone()
        return max(1.0, (midnight - now).total_seconds())

    async def prune(self) -> int:
        """Remove what was a week ago (older updates are not replayed); how many rows."""
        return await prune(self._store, day_use, day_use.c.day < self._now().date().toordinal() - _KEPT_DAYS)


def _used(connection: Connection, person_id: int, day: int) -> Used:
    row = connection.execute(
        sa.select(
            sa.func.coalesce(sa.func.sum(day_use.c.size_bytes), 0), sa.func.coalesce(sa.func.sum(day_use.c.cpu_ms), 0)
        ).where(day_use.c.person_id == person_id, day_use.c.day == day)
    ).one()
    return Used(int(row[0]), int(row[1]) / 1000)
