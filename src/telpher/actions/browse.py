"""Browse: one page of a folder, paging both ways."""

from __future__ import annotations

import dataclasses
import functools

import sqlalchemy as sa

from telpher.actions.cards import Card, Cards
from telpher.drives.port import Cursor, Drive, EntryId, Page
from telpher.errors import DriveError, StaleButtonError
from telpher.store import Store
from telpher.store.schema import page_cursors

PAGE_SIZE = 10


@dataclasses.dataclass(frozen=True)
class Listing:
    """One page of a folder."""

    folder: Card
    is_root: bool
    cards: tuple[Card, ...]
    page: int
    """From 0."""
    has_more: bool


class Browse:
    """Drives page forward by cursor; where each page began is remembered, so that Back and old buttons work too."""

    def __init__(self, cards: Cards, store: Store) -> None:
        self._cards = cards
        self._store = store

    async def page(self, person_id: int, token: str | None = None, page: int = 0) -> Listing:
        """Page number `page` of the folder (the root without a token); the last one there is when it is beyond the end.

        Raises AccessDeniedError, StaleButtonError, DriveError.
        """
        if token is None:
            drive = await self._cards.drive_of(person_id)
            root = folder = await drive.root()
        else:
            opened = await self._cards.open(person_id, token)
            drive = opened.drive
            root, folder = await drive.root(), await drive.stat(opened.entry_id)
        if not folder.is_folder or folder.is_trashed:
            raise StaleButtonError("no folder any more")
        found, number = await self._page(person_id, drive, folder.id, page)
        folder_card, *cards = await self._cards.cards(person_id, drive.name, [folder, *found.entries])
        return Listing(folder_card, folder.id == root.id, tuple(cards), number, found.next_cursor is not None)

    async def _page(self, person_id: int, drive: Drive, folder_id: EntryId, page: int) -> tuple[Page, int]:
        start, cursor = await self._nearest_cursor(person_id, drive.name, folder_id, page)
        walk = functools.partial(self._walk, person_id, drive, folder_id, page)
        try:
            return await walk(start=start, cursor=cursor)
        except DriveError:
            if cursor is None:
                raise
            # The drive may no longer take an old cursor: the way from the first page always works.
            return await walk(start=0, cursor=None)

    async def _walk(
        self, person_id: int, drive: Drive, folder_id: EntryId, page: int, *, start: int, cursor: Cursor | None
    ) -> tuple[Page, int]:
        found = await drive.children(folder_id, cursor=cursor, limit=PAGE_SIZE)
        number = start
        while True:
            if found.next_cursor is not None:
                await self._remember(person_id, drive.name, folder_id, number + 1, found.next_cursor)
            if number >= page or found.next_cursor is None:
                break
            number += 1
            found = await drive.children(folder_id, cursor=found.next_cursor, limit=PAGE_SIZE)
        if not found.entries and number > 0:
            # Entries went away meanwhile: show the first page rather than an empty one.
            return await drive.children(folder_id, limit=PAGE_SIZE), 0
        return found, number

    async def _nearest_cursor(
        self, person_id: int, drive: str, folder_id: EntryId, page: int
    ) -> tuple[int, Cursor | None]:
        if page <= 0:
            return 0, None
        query = (
            sa.select(page_cursors.c.page, page_cursors.c.cursor)
            .where(*_is_listing(person_id, drive, folder_id), page_cursors.c.page <= page)
            .order_by(page_cursors.c.page.desc())
            .limit(1)
        )
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        return (row.page, Cursor(row.cursor)) if row else (0, None)

    async def _remember(self, person_id: int, drive: str, folder_id: EntryId, page: int, cursor: Cursor) -> None:
        same = (*_is_listing(person_id, drive, folder_id), page_cursors.c.page == page)
        known = await self._store.read(
            lambda connection: connection.execute(sa.select(page_cursors.c.cursor).where(*same)).scalar()
        )
        if known == cursor:
            return

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(page_cursors).where(*same))
            connection.execute(
                sa.insert(page_cursors).values(
                    person_id=person_id, drive=drive, folder_id=folder_id, page=page, cursor=cursor
                )
            )

        await self._store.write(put)


def _is_listing(person_id: int, drive: str, folder_id: EntryId) -> tuple[sa.ColumnElement[bool], ...]:
    return page_cursors.c.person_id == person_id, page_cursors.c.drive == drive, page_cursors.c.folder_id == folder_id
