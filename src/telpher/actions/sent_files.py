"""What Telegram has already: the file_id of each entry that was sent, as long as the entry is what it was."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from telpher.drives.port import Entry, EntryId
from telpher.store import Store
from telpher.store.schema import sent_files


class SentFiles:
    """The table `sent_files`. An entry that was changed or renamed since is not known."""

    def __init__(self, store: Store, bot_id: int) -> None:
        self._store = store
        self._bot_id = bot_id

    async def find(self, drive: str, entry: Entry, as_kind: str) -> str | None:
        """The file_id of `entry` as it is now, sent as this kind; `as_kind` also tells a converted document from others."""
        return (await self.find_all(drive, [entry], [as_kind])).get((entry.id, as_kind))

    async def find_all(
        self, drive: str, entries: Iterable[Entry], kinds: Iterable[str]
    ) -> dict[tuple[EntryId, str], str]:
        """The same for several entries and kinds: {(entry, kind): file_id}."""
        versions = {entry.id: _version(entry) for entry in entries}
        query = sa.select(sent_files).where(
            sent_files.c.bot_id == self._bot_id,
            sent_files.c.drive == drive,
            sent_files.c.entry_id.in_(list(versions)),
            sent_files.c.as_kind.in_(list(kinds)),
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {
            (EntryId(row.entry_id), row.as_kind): row.file_id
            for row in rows
            if row.version == versions[EntryId(row.entry_id)]
        }

    async def remember(self, drive: str, entry: Entry, as_kind: str, file_id: str) -> None:
        """Telegram has `entry` under this id."""
        same = (
            sent_files.c.bot_id == self._bot_id,
            sent_files.c.drive == drive,
            sent_files.c.entry_id == entry.id,
            sent_files.c.as_kind == as_kind,
        )
        values = {
            "bot_id": self._bot_id,
            "drive": drive,
            "entry_id": entry.id,
            "as_kind": as_kind,
            "version": _version(entry),
            "file_id": file_id,
        }

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(sent_files).where(*same))
            connection.execute(sa.insert(sent_files).values(values))

        await self._store.write(put)


def _version(entry: Entry) -> str:
    """Changes with the bytes and with the name: Telegram keeps both under one file_id."""
    content = entry.checksum.hexdigest if entry.checksum else entry.modified_at.isoformat()
    return f"{content}:{entry.name}"
