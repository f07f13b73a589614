"""Which entries of a person's drive hold which content: our own index, kept true by the drive's answers.

It knows what we carried. People rename, trash and change files behind our back, so every hit is confirmed with the drive first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.drives.port import Checksum, Drive, Entry, EntryId
from telpher.errors import EntryNotFoundError
from telpher.store import Store
from telpher.store.schema import content_index

_LOOK_AT_MOST = 10

# Built once: to put a statement together costs SQLAlchemy more than to run it.
_KEY = ("person_id", "drive", "entry_id")
_INSERT = sa.insert(content_index)
_UPDATE = (
    sa.update(content_index)
    .where(*(content_index.c[name] == sa.bindparam(f"this_{name}") for name in _KEY))
    .values({column.name: sa.bindparam(f"new_{column.name}") for column in content_index.c if column.name not in _KEY})
)


def remember(
    connection: Connection, *, person_id: int, drive: str, entry: Entry, checksum: Checksum, now_ms: int
) -> None:
    """In the caller's transaction: `entry` holds this content."""
    content = {
        "checksum_kind": checksum.kind.value,
        "hexdigest": checksum.hexdigest,
        "size_bytes": entry.size_bytes or 0,
        "created_ms": now_ms,
    }
    this = {"person_id": person_id, "drive": drive, "entry_id": entry.id}
    changed = {f"this_{name}": value for name, value in this.items()} | {f"new_{k}": v for k, v in content.items()}
    if not connection.execute(_UPDATE, changed).rowcount:
        connection.execute(_INSERT, this | content)


class ContentIndex:
    """Finds what a person has already."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock

    async def remember(self, person_id: int, drive: str, entry: Entry) -> None:
        """`entry`, as the drive has just told it, holds what its checksum says; nothing to remember without one."""
        checksum = entry.checksum
        if checksum is not None:
            now_ms = int(self._clock() * 1000)
            await self._store.write(
                lambda connection: remember(
                    connection, person_id=person_id, drive=drive, entry=entry, checksum=checksum, now_ms=now_ms
                )
            )

    async def forget(self, person_id: int, drive: str, entry_id: EntryId) -> None:
        """The entry is gone, or holds something else."""
        table = content_index.c
        await self._store.write(
            lambda connection: connection.execute(
                sa.delete(content_index).where(
                    table.person_id == person_id, table.drive == drive, table.entry_id == entry_id
                )
            )
        )

    async def forget_all_of(self, person_id: int) -> None:
        """They are served no more."""
        gone = sa.delete(content_index).where(content_index.c.person_id == person_id)
        await self._store.write(lambda connection: connection.execute(gone))

    async def twins(self, person_id: int, drive: Drive, entry: Entry, *, only_older: bool = False) -> list[Entry]:
        """Other entries of this person with the same content, oldest first, each confirmed by the drive just now.

        `only_older`: those that were there before it. Of two that come at the same time just one is older than the other.
        Raises DriveError when the drive cannot be asked.
        """
        checksum = entry.checksum
        if checksum is None:
            return []
        table = content_index.c
        own = content_index.alias()
        own_since = (
            sa.select(own.c.created_ms)
            .where(own.c.person_id == person_id, own.c.drive == drive.name, own.c.entry_id == entry.id)
            .scalar_subquery()
        )
        is_older = sa.or_(
            own_since.is_(None),
            table.created_ms < own_since,
            sa.and_(table.created_ms == own_since, table.entry_id < entry.id),
        )
        query = (
            sa.select(table.entry_id)
            .where(
                table.person_id == person_id,
                table.drive == drive.name,
                table.hexdigest == checksum.hexdigest,
                table.checksum_kind == checksum.kind.value,
                table.size_bytes == entry.size_bytes,
                table.entry_id != entry.id,
                is_older if only_older else sa.true(),
            )
            .order_by(table.created_ms, table.entry_id)
            .limit(_LOOK_AT_MOST)
        )
        known = await self._store.read(lambda connection: list(connection.scalars(query)))
        found = []
        for entry_id in map(EntryId, known):
            try:
                other = await drive.stat(entry_id)
            except EntryNotFoundError:
                other = None
            if other is None or other.checksum != checksum:
                await self.forget(person_id, drive.name, entry_id)
            elif not other.is_trashed:
                found.append(other)
        return found
