"""Undo: what a person did to an entry is recorded before it is done, and taken back at their word."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import time
from collections.abc import Callable, Mapping
from typing import Any, NewType, Protocol, cast

import sqlalchemy as sa

from telpher.actions.cards import Card, Cards, has_trash
from telpher.actions.trail import Trails
from telpher.drives.port import Drive, Entry, EntryId, Restores
from telpher.errors import EntryNotFoundError, StaleButtonError
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import undo_records

UndoId = NewType("UndoId", int)

KEPT_FOR = dt.timedelta(days=7)
LISTED = 8


class Deed(enum.StrEnum):
    """What can be taken back."""

    RENAME = "rename"
    TRASH = "trash"
    MOVE = "move"
    SHARE = "share"


@dataclasses.dataclass(frozen=True)
class Undone:
    """What was taken back, and the entry as it is now."""

    deed: Deed
    card: Card


@dataclasses.dataclass(frozen=True)
class UndoRecord:
    """How to take one deed back."""

    id: UndoId
    deed: Deed
    entry_id: EntryId
    before: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the entry was called before."""
        return str(self.before["name"])


class UndoLog:
    """The records, kept for a week."""

    def __init__(self, store: Store, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._store = store
        self._now_ms = now_ms

    async def record(
        self, key: str, person_id: int, drive: str, deed: Deed, entry: Entry, **more: str | int
    ) -> UndoRecord:
        """Keep what `entry` is before the deed, and what `more` says of it. The same `key` again gives the first record: a replay
        changes nothing.
        """
        before = {"name": entry.name, "parent_id": entry.parent_id, **more}

        def put(connection: sa.Connection) -> UndoRecord:
            row = connection.execute(sa.select(undo_records).where(undo_records.c.key == key)).one_or_none()
            if row is None:
                connection.execute(
                    sa.insert(undo_records).values(
                        key=key, person_id=person_id, drive=drive, entry_id=entry.id, kind=deed.value, before=before,
                        created_ms=self._now_ms(),
                    )
                )  # fmt: skip
                row = connection.execute(sa.select(undo_records).where(undo_records.c.key == key)).one()
            return _record(row)

        return await self._store.write(put)

    async def find(self, person_id: int, undo_id: int) -> tuple[UndoRecord, str]:
        """This person's record and the drive it is about. Raises StaleButtonError when it is not theirs or too old."""
        where = (undo_records.c.id == undo_id, undo_records.c.person_id == person_id)
        row = await self._store.read(
            lambda connection: connection.execute(sa.select(undo_records).where(*where)).one_or_none()
        )
        if row is None or self._now_ms() - row.created_ms > KEPT_FOR.total_seconds() * 1000:
            raise StaleButtonError("nothing to undo")
        return _record(row), row.drive

    async def last(self, person_id: int, limit: int) -> list[UndoRecord]:
        """What this person did last and has not taken back, newest first."""
        query = (
            sa.select(undo_records)
            .where(
                undo_records.c.person_id == person_id,
                undo_records.c.undone_ms.is_(None),
                undo_records.c.created_ms >= self._now_ms() - int(KEPT_FOR.total_seconds() * 1000),
            )
            .order_by(undo_records.c.created_ms.desc(), undo_records.c.id.desc())
            .limit(limit)
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return [_record(row) for row in rows]

    async def prune(self) -> int:
        """Remove what cannot be taken back any more; how many."""
        expired_ms = self._now_ms() - int(KEPT_FOR.total_seconds() * 1000)
        return await prune(self._store, undo_records, undo_records.c.created_ms < expired_ms)

    async def mark_undone(self, undo_id: UndoId) -> None:
        """Note when it was taken back."""
        change = sa.update(undo_records).where(undo_records.c.id == undo_id).values(undone_ms=self._now_ms())
        await self._store.write(lambda connection: connection.execute(change))


class TakeBackShare(Protocol):
    """Ends a share by the key that it was made under; what held before it holds again."""

    async def __call__(self, drive: Drive, key: str) -> None: ...


class Undo:
    """Takes a deed back. Pressed twice, it does no more than once: the entry is put into the state it was in."""

    def __init__(self, cards: Cards, trails: Trails, log: UndoLog, take_back_share: TakeBackShare) -> None:
        self._cards = cards
        self._trails = trails
        self._log = log
        self._take_back_share = take_back_share

    async def last(self, person_id: int) -> list[UndoRecord]:
        """What could be taken back, newest first. Raises AccessDeniedError."""
        self._cards.check(person_id)
        return await self._log.last(person_id, LISTED)

    async def request(self, person_id: int, undo_id: int) -> Undone:
        """Raises AccessDeniedError, StaleButtonError, DriveError."""
        self._cards.check(person_id)
        record, drive_name = await self._log.find(person_id, undo_id)
        drive = await self._cards.drive_of(person_id, drive_name)
        entry = await drive.stat(record.entry_id)
        match record.deed:
            case Deed.TRASH:
                if entry.is_trashed:
                    if not has_trash(drive):
                        raise EntryNotFoundError("deleted for good")
                    entry = await cast("Restores", drive).restore(record.entry_id)
            case Deed.RENAME:
                if entry.name != record.before["name"]:
                    entry = await drive.rename(record.entry_id, str(record.before["name"]))
            case Deed.MOVE:
                before_id = record.before["parent_id"]
                if before_id is not None and entry.parent_id != before_id:
                    entry = await drive.move(record.entry_id, EntryId(before_id))
            case Deed.SHARE:
                await self._take_back_share(drive, str(record.before["share_key"]))
        self._trails.forget(drive, record.entry_id)
        await self._log.mark_undone(record.id)
        return Undone(record.deed, await self._cards.card(person_id, drive, entry))


def _record(row: Any) -> UndoRecord:
    return UndoRecord(UndoId(row.id), Deed(row.kind), EntryId(row.entry_id), row.before)
