"""What was shared from here: with whom, to do what, and until when; and tokens that name such a target in a button."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, NewType

import sqlalchemy as sa

from telpher.drives.port import EntryId, GrantRole
from telpher.errors import StaleButtonError
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import JOB_IS_UNFINISHED, jobs, share_targets, shares

TargetToken = NewType("TargetToken", str)

_TOKEN_BYTES = 9
_DAY_MS = 24 * 3600 * 1000
_CLOSED_KEPT_MS = 90 * _DAY_MS
_TARGETS_KEPT_MS = 180 * _DAY_MS
_TARGETS_NOTED_ANEW_MS = 30 * _DAY_MS


@dataclasses.dataclass(frozen=True)
class Target:
    """An entry, and others whom it may be shared with. `who` is an e-mail address in small letters; None: anyone with the link."""

    drive: str
    entry_id: EntryId
    who: str | None


@dataclasses.dataclass(frozen=True)
class ShareRecord:
    """One share as it was agreed to."""

    key: str
    person_id: int
    target: Target
    name: str
    """The entry's name then."""
    role: GrantRole
    base_role: GrantRole | None
    """What the others might do before any share of ours to them that still stood."""
    ends_at: dt.datetime | None
    is_closed: bool
    link: str | None = None
    """Opens the entry in the drive."""
    is_told: bool = False
    """Its person has heard that its end could not be carried out."""


class ShareBook:
    """The tables `shares` and `share_targets`."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    @property
    def now(self) -> dt.datetime:
        """Aware, UTC."""
        return dt.datetime.fromtimestamp(self._now(), dt.UTC)

    # ---- targets

    async def token_for(self, person_id: int, target: Target) -> TargetToken:
        """The same target has the same token each time."""
        return (await self.tokens_for(person_id, [target]))[target]

    async def tokens_for(self, person_id: int, targets: Sequence[Target]) -> dict[Target, TargetToken]:
        """A token for each target."""
        now_ms = int(self._now() * 1000)

        def find_or_make(connection: sa.Connection) -> dict[Target, TargetToken]:
            tokens = {}
            for target in targets:
                values = {"person_id": person_id, **_columns(target)}
                same = [share_targets.c[name] == value for name, value in values.items()]
                row = connection.execute(sa.select(share_targets).where(*same)).one_or_none()
                token = row.token if row is not None else secrets.token_urlsafe(_TOKEN_BYTES)
                if row is None:
                    connection.execute(sa.insert(share_targets).values(token=token, shown_ms=now_ms, **values))
                elif row.shown_ms < now_ms - _TARGETS_NOTED_ANEW_MS:
                    connection.execute(sa.update(share_targets).where(*same).values(shown_ms=now_ms))
                tokens[target] = TargetToken(token)
            return tokens

        return await self._store.write(find_or_make) if targets else {}

    async def redeem(self, person_id: int, token: str) -> Target:
        """What the token means to this person. Raises StaleButtonError when it means nothing to them."""
        where = (share_targets.c.token == token, share_targets.c.person_id == person_id)
        row = await self._store.read(
            lambda connection: connection.execute(sa.select(share_targets).where(*where)).one_or_none()
        )
        if row is None:
            raise StaleButtonError("no such target of theirs")
        return _target(row)

    async def prune_targets(self) -> int:
        """Remove tokens that no button has shown for half a year; how many."""
        before_ms = int(self._now() * 1000) - _TARGETS_KEPT_MS
        return await prune(self._store, share_targets, share_targets.c.shown_ms < before_ms)

    # ---- shares

    async def prune(self) -> int:
        """Remove what was over three months ago; how many. What still has to be ended in the drive stays, however long that takes."""
        ended_by = jobs.c.key.in_([sa.literal("end_share:") + shares.c.key, _ending_after_failure()])
        is_being_ended = sa.exists().where(ended_by, sa.text(JOB_IS_UNFINISHED))
        is_old = shares.c.closed_ms < int(self._now() * 1000) - _CLOSED_KEPT_MS
        return await prune(self._store, shares, sa.and_(is_old, ~is_being_ended))

    async def add(self, record: ShareRecord) -> ShareRecord:
        """Write a share down, before it is made. The same key again gives the first record: a replay makes no second one."""
        values = {
            "key": record.key,
            "person_id": record.person_id,
            **_columns(record.target),
            "name": record.name,
            "link": record.link,
            "role": record.role.value,
            "base_role": record.base_role.value if record.base_role else None,
            "created_ms": int(self._now() * 1000),
            "ends_ms": int(record.ends_at.timestamp() * 1000) if record.ends_at else None,
        }

        def put(connection: sa.Connection) -> ShareRecord:
            row = connection.execute(sa.select(shares).where(shares.c.key == record.key)).one_or_none()
            if row is None:
                connection.execute(sa.insert(shares).values(values))
                row = connection.execute(sa.select(shares).where(shares.c.key == record.key)).one()
            return _record(row)

        return await self._store.write(put)

    async def find(self, key: str) -> ShareRecord | None:
        """The share that was made under this key."""
        query = sa.select(shares).where(shares.c.key == key)
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        return _record(row) if row is not None else None

    async def open_of(self, target: Target) -> list[ShareRecord]:
        """What was shared with this target and is not closed, newest first; also what is past its end."""
        return await self._select(*_is_target(target), shares.c.closed_ms.is_(None))

    async def last_of(self, target: Target) -> ShareRecord | None:
        """The newest share with this target, closed or not."""
        found = await self._select(*_is_target(target), limit=1)
        return found[0] if found else None

    async def open_of_person(self, person_id: int) -> list[ShareRecord]:
        """All that this person shared and that is not closed, newest first."""
        return await self._select(shares.c.person_id == person_id, shares.c.closed_ms.is_(None))

    async def ending(self) -> list[ShareRecord]:
        """All that will have to be ended."""
        return await self._select(shares.c.ends_ms.is_not(None), shares.c.closed_ms.is_(None))

    async def close(self, *records: ShareRecord) -> None:
        """Note that they are over."""
        if not records:
            return
        change = (
            sa.update(shares)
            .where(shares.c.key.in_([record.key for record in records]), shares.c.closed_ms.is_(None))
            .values(closed_ms=int(self._now() * 1000))
        )
        await self._store.write(lambda connection: connection.execute(change))

    async def note_told(self, *records: ShareRecord) -> None:
        """Their person has heard that their end could not be carried out."""
        change = (
            sa.update(shares)
            .where(shares.c.key.in_([record.key for record in records]))
            .values(told_ms=int(self._now() * 1000))
        )
        await self._store.write(lambda connection: connection.execute(change))

    async def _select(self, *where: sa.ColumnElement[bool], limit: int | None = None) -> list[ShareRecord]:
        query = sa.select(shares).where(*where).order_by(shares.c.id.desc()).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [_record(row) for row in rows]


def _ending_after_failure() -> sa.ColumnElement[str]:
    return sa.literal("end_share:") + shares.c.key + sa.literal(":failed")


def _columns(target: Target) -> dict[str, str]:
    return {"drive": target.drive, "entry_id": target.entry_id, "who": target.who or ""}


def _is_target(target: Target) -> list[sa.ColumnElement[bool]]:
    return [shares.c[name] == value for name, value in _columns(target).items()]


def _target(row: Any) -> Target:
    return Target(row.drive, EntryId(row.entry_id), row.who or None)


def _record(row: Any) -> ShareRecord:
    return ShareRecord(
        key=row.key,
        person_id=row.person_id,
        target=_target(row),
        name=row.name,
        role=GrantRole(row.role),
        base_role=GrantRole(row.base_role) if row.base_role else None,
        ends_at=dt.datetime.fromtimestamp(row.ends_ms / 1000, dt.UTC) if row.ends_ms is not None else None,
        is_closed=row.closed_ms is not None,
        link=row.link,
        is_told=row.told_ms is not None,
    )
