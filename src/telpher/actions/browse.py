"""Browse: one page of a folder, in the order that the person likes, paging both ways."""

from __future__ import annotations

import dataclasses
import functools

from telpher.actions.cards import Card, Cards
from telpher.actions.paging import ListingKey, Pager
from telpher.actions.personal import Personal
from telpher.actions.trail import Place, Trails
from telpher.drives.port import Capability, Cursor, Drive, Order, Page

PAGE_SIZE = 10
_CHOOSER_PAGE_SIZE = 8


@dataclasses.dataclass(frozen=True)
class Listing:
    """One page of a folder."""

    folder: Card
    is_root: bool
    cards: tuple[Card, ...]
    page: int
    """From 0."""
    has_more: bool
    above: tuple[Card, ...] = ()
    """The folders that it lies in, from the top on."""
    order: Order = Order.NAME
    is_start: bool = False
    """It is where browsing opens."""
    offers: frozenset[Capability] = frozenset()


class Browse:
    """Pages of folders, and of the folders in them."""

    def __init__(self, cards: Cards, pager: Pager, personal: Personal, trails: Trails) -> None:
        self._cards = cards
        self._pager = pager
        self._personal = personal
        self._trails = trails

    async def page(self, person_id: int, token: str | None = None, page: int = 0) -> Listing:
        """Page number `page` of the folder (where browsing opens without a token); the last one when it is beyond the end.

        Raises AccessDeniedError, StaleButtonError, DriveError.
        """
        drive, place = await self._place(person_id, token)
        order = (await self._personal.of(person_id)).sorted_by
        key = ListingKey(person_id, drive.name, f"{order.value} {place.folder.id}")
        fetch = functools.partial(self._fetch, drive, place, order, PAGE_SIZE)
        found = await self._pager.page(key, page, fetch)
        return await self._listing(person_id, drive, place, found, order)

    async def folder(self, person_id: int, token: str) -> tuple[Card, bool]:
        """The folder itself, and whether it is the drive's top. Raises as `page` does."""
        drive, place = await self._place(person_id, token)
        return await self._cards.card(person_id, drive, place.folder), place.is_root

    async def sort(self, person_id: int, token: str, order: Order) -> Listing:
        """The folder's first page in this order, as all folders are shown from now on."""
        self._cards.check(person_id)
        await self._personal.change(person_id, sorted_by=order)
        return await self.page(person_id, token)

    async def folders(self, person_id: int, token: str | None = None, page: int = 0) -> Listing:
        """The same of the folders alone, by name."""
        drive, place = await self._place(person_id, token)
        key = ListingKey(person_id, drive.name, f"folders {place.folder.id}")
        fetch = functools.partial(self._fetch_folders, drive, place)
        found = await self._pager.page(key, page, fetch)
        return await self._listing(person_id, drive, place, found, Order.NAME)

    async def _place(self, person_id: int, token: str | None) -> tuple[Drive, Place]:
        if token is None:
            drive = await self._cards.drive_of(person_id)
            return drive, await self._trails.place(person_id, drive, None)
        opened = await self._cards.open(person_id, token)
        place = await self._trails.place(person_id, opened.drive, opened.entry_id)
        return opened.drive, place

    async def _fetch(self, drive: Drive, place: Place, order: Order, limit: int, cursor: Cursor | None) -> Page:
        return await drive.children(place.folder.id, cursor=cursor, limit=limit, order=order)

    async def _fetch_folders(self, drive: Drive, place: Place, cursor: Cursor | None) -> Page:
        found = await self._fetch(drive, place, Order.NAME, _CHOOSER_PAGE_SIZE, cursor)
        folders = tuple(entry for entry in found.entries if entry.is_folder)
        # Folders come first: after the first file there are no more.
        return Page(folders, found.next_cursor if len(folders) == len(found.entries) else None)

    async def _listing(
        self, person_id: int, drive: Drive, place: Place, found: tuple[Page, int], order: Order
    ) -> Listing:
        listed, page = found
        start = await drive.start()
        entries = [*place.above, place.folder, *listed.entries]
        cards = await self._cards.cards(person_id, drive.name, entries)
        depth = len(place.above)
        return Listing(
            folder=cards[depth],
            is_root=place.is_root,
            cards=cards[depth + 1 :],
            page=page,
            has_more=listed.next_cursor is not None,
            above=cards[:depth],
            order=order,
            is_start=place.folder.id == start.id,
            offers=frozenset(drive.capabilities),
        )
