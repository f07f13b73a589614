"""Shelves: what is starred, and what changed last, wherever it lies; and the star itself."""

from __future__ import annotations

import dataclasses
import enum
from typing import cast

from telpher.actions.cards import Card, Cards
from telpher.actions.paging import ListingKey, Pager
from telpher.drives.port import Capability, Drive, Stars, TellsRecent
from telpher.errors import BadInputError

PAGE_SIZE = 10


class Shelf(enum.StrEnum):
    """Files gathered from all folders."""

    STARRED = "s"
    RECENT = "r"


class NotOfferedError(BadInputError):
    """This drive cannot do that."""

    text_key = "error.not_offered"


@dataclasses.dataclass(frozen=True)
class ShelfPage:
    """One page of a shelf."""

    shelf: Shelf
    cards: tuple[Card, ...]
    page: int
    has_more: bool


class Shelves:
    """Pages of shelves, and the star of an entry."""

    def __init__(self, cards: Cards, pager: Pager) -> None:
        self._cards = cards
        self._pager = pager

    async def page(self, person_id: int, shelf: Shelf, page: int = 0) -> ShelfPage:
        """Raises AccessDeniedError, NotOfferedError, DriveError."""
        drive = await self._cards.drive_of(person_id)
        key = ListingKey(person_id, drive.name, f"shelf {shelf.value}")
        if shelf is Shelf.STARRED:
            stars = cast("Stars", _offering(drive, Capability.STARS))
            found, number = await self._pager.page(key, page, lambda at: stars.starred(cursor=at, limit=PAGE_SIZE))
        else:
            tells = cast("TellsRecent", _offering(drive, Capability.RECENT))
            found, number = await self._pager.page(key, page, lambda at: tells.recent(cursor=at, limit=PAGE_SIZE))
        cards = await self._cards.cards(person_id, drive.name, found.entries)
        return ShelfPage(shelf, cards, number, found.next_cursor is not None)

    async def star(self, person_id: int, token: str, *, is_starred: bool) -> Card:
        """Mark an entry or take the mark off. Raises AccessDeniedError, StaleButtonError, NotOfferedError, DriveError."""
        opened = await self._cards.open(person_id, token)
        stars = cast("Stars", _offering(opened.drive, Capability.STARS))
        entry = await stars.set_starred(opened.entry_id, is_starred=is_starred)
        return await self._cards.card(person_id, opened.drive, entry)


def _offering(drive: Drive, capability: Capability) -> Drive:
    if capability not in drive.capabilities:
        raise NotOfferedError(f"{drive.name} has no {capability.value}")
    return drive
