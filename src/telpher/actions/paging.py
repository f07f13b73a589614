"""Paging both ways through listings that only page forward: where each page began is remembered, also across a restart."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Callable, Mapping

import sqlalchemy as sa

from telpher.drives.port import Cursor, Page
from telpher.errors import DriveError, StaleButtonError
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import page_cursors

_KEPT_MS = 7 * 24 * 3600 * 1000

Fetch = Callable[[Cursor | None], Awaitable[Page]]


@dataclasses.dataclass(frozen=True)
class ListingKey:
    """One listing of one person: `name` says what is listed and how, so that no cursor is used for another one."""

    person_id: int
    drive: str
    name: str

    @property
    def where(self) -> tuple[sa.ColumnElement[bool], ...]:
        """Its rows."""
        columns = page_cursors.c
        return columns.person_id == self.person_id, columns.drive == self.drive, columns.listing == self.name


class Pager:
    """Finds page number n by the nearest page whose beginning is known."""

    def __init__(self, store: Store, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._store = store
        self._now_ms = now_ms

    async def prune(self) -> int:
        """Forget where pages began a week ago: drives take such a cursor no longer, and the way from the first page always works."""
        return await prune(self._store, page_cursors, page_cursors.c.noted_ms < self._now_ms() - _KEPT_MS)

    async def page(self, key: ListingKey, page: int, fetch: Fetch) -> tuple[Page, int]:
        """Page number `page` (from 0) and its number; the last one there is when it is beyond the end. Raises DriveError."""
        start, cursor = await self._nearest_cursor(key, page)
        try:
            return await self._walk(key, page, fetch, start=start, cursor=cursor)
        except (DriveError, StaleButtonError):
            if cursor is None:
                raise
            # The drive may no longer take an old cursor: the way from the first page always works.
            return await self._walk(key, page, fetch, start=0, cursor=None)

    async def _walk(
        self, key: ListingKey, page: int, fetch: Fetch, *, start: int, cursor: Cursor | None
    ) -> tuple[Page, int]:
        found = await fetch(cursor)
        number = start
        begins: dict[int, Cursor] = {}
        while found.next_cursor is not None:
            begins[number + 1] = found.next_cursor
            if number >= page:
                break
            number += 1
            found = await fetch(found.next_cursor)
        await self._remember(key, begins)
        if not found.entries and number > 0:
            # Entries went away meanwhile: show the first page rather than an empty one.
            return await fetch(None), 0
        return found, number

    async def _nearest_cursor(self, key: ListingKey, page: int) -> tuple[int, Cursor | None]:
        if page <= 0:
            return 0, None
        query = (
            sa.select(page_cursors.c.page, page_cursors.c.cursor)
            .where(*key.where, page_cursors.c.page <= page)
            .order_by(page_cursors.c.page.desc())
            .limit(1)
        )
        row = await self._store.read(lambda connection: connection.execute(query).one_or_none())
        return (row.page, Cursor(row.cursor)) if row else (0, None)

    async def _remember(self, key: ListingKey, begins: Mapping[int, Cursor]) -> None:
        its_pages = (*key.where, page_cursors.c.page.in_(list(begins)))
        query = sa.select(page_cursors.c.page, page_cursors.c.cursor).where(*its_pages)
        rows = await self._store.read(lambda connection: connection.execute(query).all()) if begins else ()
        if {row.page: row.cursor for row in rows} == begins:
            return
        values = [
            {
                "person_id": key.person_id, "drive": key.drive, "listing": key.name, "page": page, "cursor": cursor,
                "noted_ms": self._now_ms(),
            }
            for page, cursor in begins.items()
        ]  # fmt: skip

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(page_cursors).where(*its_pages))
            connection.execute(sa.insert(page_cursors), values)

        await self._store.write(put)
