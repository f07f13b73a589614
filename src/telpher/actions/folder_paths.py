"""Folders by their names: found or made, one call at a time for each account, so that no name is made twice."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Sequence

import sqlalchemy as sa

from telpher.drives.port import Drive, Entry, EntryId
from telpher.errors import EntryNotFoundError
from telpher.store import Store
from telpher.store.schema import made_folders

_PAGE = 500


async def find_folder(drive: Drive, parent_id: EntryId, name: str) -> Entry | None:
    """The folder of this name in `parent_id`; of several that differ only in case, the very one."""
    alike: Entry | None = None
    cursor = None
    while True:
        page = await drive.children(parent_id, cursor=cursor, limit=_PAGE)
        for entry in page.entries:
            if not entry.is_folder:
                # Folders come first: there are no more.
                return alike
            if entry.name == name:
                return entry
            if alike is None and entry.name.casefold() == name.casefold():
                alike = entry
        cursor = page.next_cursor
        if cursor is None:
            return alike


class FolderPaths:
    """`ensure` gives the folder at the end of a path. Which folder a name meant is remembered, and the drive asked if it still does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._turns: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    async def ensure(self, drive: Drive, start_id: EntryId, names: Sequence[str]) -> EntryId:
        """Safe names, from `start_id` down; what is missing is made. Raises DriveError."""
        turn = self._turns.setdefault(drive.name, asyncio.Lock())
        async with turn:
            folder_id = start_id
            for name in names:
                folder_id = await self._below(drive, folder_id, name)
            return folder_id

    async def _below(self, drive: Drive, parent_id: EntryId, name: str) -> EntryId:
        known = await self._remembered(drive.name, parent_id, name)
        if known is not None and await _is_still(drive, known, parent_id, name):
            return known
        found = await find_folder(drive, parent_id, name) or await drive.make_folder(parent_id, name)
        await self._remember(drive.name, parent_id, name, found.id)
        return found.id

    async def _remembered(self, drive: str, parent_id: EntryId, name: str) -> EntryId | None:
        query = sa.select(made_folders.c.folder_id).where(*_is_it(drive, parent_id, name))
        found = await self._store.read(lambda connection: connection.execute(query).scalar())
        return EntryId(found) if found is not None else None

    async def _remember(self, drive: str, parent_id: EntryId, name: str, folder_id: EntryId) -> None:
        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(made_folders).where(*_is_it(drive, parent_id, name)))
            connection.execute(
                sa.insert(made_folders).values(drive=drive, parent_id=parent_id, name=name, folder_id=folder_id)
            )

        await self._store.write(put)


async def _is_still(drive: Drive, folder_id: EntryId, parent_id: EntryId, name: str) -> bool:
    try:
        entry = await drive.stat(folder_id)
    except EntryNotFoundError:
        return False
    is_same = entry.parent_id == parent_id and entry.name.casefold() == name.casefold()
    return is_same and entry.is_folder and not entry.is_trashed


def _is_it(drive: str, parent_id: EntryId, name: str) -> tuple[sa.ColumnElement[bool], ...]:
    columns = made_folders.c
    return columns.drive == drive, columns.parent_id == parent_id, columns.name == name
