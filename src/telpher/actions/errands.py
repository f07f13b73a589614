"""Errands: what a person is choosing a folder for, kept under a number that stands in the chooser's buttons."""

from __future__ import annotations

import dataclasses
import enum
import time
from collections.abc import Callable
from typing import NewType

import sqlalchemy as sa

from telpher.drives.port import EntryId
from telpher.errors import StaleButtonError
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import errands

ErrandId = NewType("ErrandId", int)

_KEPT_FOR_MS = 30 * 24 * 3600 * 1000


class ErrandKind(enum.StrEnum):
    """What the folder is for."""

    MOVE = "move"
    """An entry goes there."""
    WHERE = "where"
    """New files go there from now on."""
    HOLD = "hold"
    """Files that were just sent go there."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Errand:
    """One choice that is being made."""

    id: ErrandId
    kind: ErrandKind
    person_id: int
    drive: str
    entry_id: EntryId | None
    back: str
    """The way back to where the choosing began, as button data; empty when there is none."""
    message_id: int | None


class Errands:
    """The table `errands`."""

    def __init__(self, store: Store, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._store = store
        self._now_ms = now_ms

    async def begin(
        self,
        key: str,
        person_id: int,
        kind: ErrandKind,
        *,
        drive: str,
        entry_id: EntryId | None = None,
        back: str = "",
        chat_id: int | None = None,
    ) -> Errand:
        """The errand that `key` names, begun if there is none: a replayed update begins no second one."""
        values = {
            "key": key, "person_id": person_id, "kind": kind.value, "drive": drive, "entry_id": entry_id, "back": back,
            "chat_id": chat_id, "created_ms": self._now_ms(),
        }  # fmt: skip

        def put(connection: sa.Connection) -> Errand:
            found = connection.execute(sa.select(errands).where(errands.c.key == key)).one_or_none()
            if found is None:
                connection.execute(sa.insert(errands).values(values))
                found = connection.execute(sa.select(errands).where(errands.c.key == key)).one()
            return _errand(found)

        return await self._store.write(put)

    async def get(self, person_id: int, errand_id: int) -> Errand:
        """This person's errand. Raises StaleButtonError."""
        where = (errands.c.id == errand_id, errands.c.person_id == person_id)
        row = await self._store.read(
            lambda connection: connection.execute(sa.select(errands).where(*where)).one_or_none()
        )
        if row is None:
            raise StaleButtonError("no such errand of theirs")
        return _errand(row)

    async def prune(self) -> int:
        """Remove what nobody came back to for a month; how many. Files that wait for an answer are no litter, however long it takes."""
        is_litter = sa.and_(
            errands.c.created_ms < self._now_ms() - _KEPT_FOR_MS, errands.c.kind != ErrandKind.HOLD.value
        )
        return await prune(self._store, errands, is_litter)

    async def end(self, errand_id: int) -> None:
        """It is done; what hangs on it goes too."""
        await self._store.write(
            lambda connection: connection.execute(sa.delete(errands).where(errands.c.id == errand_id))
        )


def _errand(row: sa.Row[tuple[object, ...]]) -> Errand:
    fields = row._mapping
    return Errand(
        id=ErrandId(fields["id"]),
        kind=ErrandKind(fields["kind"]),
        person_id=fields["person_id"],
        drive=fields["drive"],
        entry_id=EntryId(fields["entry_id"]) if fields["entry_id"] is not None else None,
        back=fields["back"],
        message_id=fields["message_id"],
    )
