"""Select: tick entries of a folder, across its pages, until something is done with all of them."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable
from typing import NewType

import sqlalchemy as sa

from telpher.actions.browse import Browse, Listing
from telpher.actions.cards import Cards
from telpher.drives.port import EntryId
from telpher.errors import BadInputError, StaleButtonError
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import selected_entries, selections

SelectionToken = NewType("SelectionToken", str)

TICKS_LIMIT = 100
_TOKEN_BYTES = 9
_KEPT_MS = 30 * 24 * 3600 * 1000


class NothingTickedError(BadInputError):
    """Something was to be done with what is ticked, and nothing is."""

    text_key = "error.nothing_ticked"


class TooManyTicksError(BadInputError):
    """More than one selection takes. Params: `limit`."""

    text_key = "error.too_many_ticks"


@dataclasses.dataclass(frozen=True)
class Ticked:
    """What a selection holds, in the order of ticking."""

    drive: str
    folder_id: EntryId
    entry_ids: tuple[EntryId, ...]


@dataclasses.dataclass(frozen=True)
class SelectionPage:
    """One page of the folder, with what is ticked."""

    token: SelectionToken
    listing: Listing
    ticked: frozenset[EntryId]
    """Also on other pages."""


class Selections:
    """The tables `selections` and `selected_entries`. A selection is its person's alone."""

    def __init__(self, store: Store, now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        self._store = store
        self._now_ms = now_ms

    async def begin(self, person_id: int, drive: str, folder_id: EntryId) -> SelectionToken:
        """An empty selection."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        created_ms = self._now_ms()

        def put(connection: sa.Connection) -> None:
            connection.execute(
                sa.insert(selections).values(
                    token=token, person_id=person_id, drive=drive, folder_id=folder_id, created_ms=created_ms
                )
            )

        await self._store.write(put)
        return SelectionToken(token)

    async def prune(self) -> int:
        """Remove selections that were begun a month ago, with their ticks; how many."""
        return await prune(self._store, selections, selections.c.created_ms < self._now_ms() - _KEPT_MS)

    async def ticked(self, person_id: int, token: str, *, may_be_empty: bool = False) -> Ticked:
        """Raises StaleButtonError when the token means nothing to this person, NothingTickedError."""

        def find(connection: sa.Connection) -> Ticked | None:
            where = (selections.c.token == token, selections.c.person_id == person_id)
            row = connection.execute(sa.select(selections).where(*where)).one_or_none()
            if row is None:
                return None
            order = (selected_entries.c.ticked_ms, selected_entries.c.entry_id)
            query = sa.select(selected_entries.c.entry_id).where(selected_entries.c.token == token).order_by(*order)
            ids = tuple(EntryId(entry_id) for entry_id in connection.execute(query).scalars())
            return Ticked(row.drive, EntryId(row.folder_id), ids)

        found = await self._store.read(find)
        if found is None:
            raise StaleButtonError("no such selection of theirs")
        if not found.entry_ids and not may_be_empty:
            raise NothingTickedError("nothing is ticked")
        return found

    async def set_tick(self, token: str, entry_id: EntryId, *, is_ticked: bool) -> None:
        """Tick an entry, or take the tick off. Doing it twice does no more than once. Raises TooManyTicksError."""
        same = (selected_entries.c.token == token, selected_entries.c.entry_id == entry_id)

        def put(connection: sa.Connection) -> bool:
            connection.execute(sa.delete(selected_entries).where(*same))
            if not is_ticked:
                return True
            count = connection.execute(
                sa.select(sa.func.count()).select_from(selected_entries).where(selected_entries.c.token == token)
            ).scalar_one()
            if count >= TICKS_LIMIT:
                return False
            connection.execute(
                sa.insert(selected_entries).values(token=token, entry_id=entry_id, ticked_ms=self._now_ms())
            )
            return True

        if not await self._store.write(put):
            raise TooManyTicksError(limit=TICKS_LIMIT)


class Select:
    """Each step shows the folder's page with its ticks."""

    def __init__(self, cards: Cards, browse: Browse, selections_: Selections) -> None:
        self._cards = cards
        self._browse = browse
        self._selections = selections_

    async def begin(self, person_id: int, folder_token: str, page: int) -> SelectionPage:
        """Raises AccessDeniedError, StaleButtonError, DriveError; so do the others."""
        opened = await self._cards.open(person_id, folder_token)
        listing = await self._browse.page(person_id, folder_token, page)
        token = await self._selections.begin(person_id, opened.drive.name, listing.folder.entry.id)
        return SelectionPage(token, listing, frozenset())

    async def page(self, person_id: int, token: str, page: int) -> SelectionPage:
        """Another page of the same folder; the ticks stay."""
        self._cards.check(person_id)
        ticked = await self._selections.ticked(person_id, token, may_be_empty=True)
        drive = await self._cards.drive_of(person_id, ticked.drive)
        folder = await self._cards.card(person_id, drive, await drive.stat(ticked.folder_id))
        listing = await self._browse.page(person_id, folder.token, page)
        return SelectionPage(SelectionToken(token), listing, frozenset(ticked.entry_ids))

    async def tick(self, person_id: int, token: str, entry_token: str, page: int, *, is_ticked: bool) -> SelectionPage:
        """Tick an entry, or take the tick off. Also raises TooManyTicksError."""
        opened = await self._cards.open(person_id, entry_token)
        await self._selections.ticked(person_id, token, may_be_empty=True)
        await self._selections.set_tick(token, opened.entry_id, is_ticked=is_ticked)
        return await self.page(person_id, token, page)
