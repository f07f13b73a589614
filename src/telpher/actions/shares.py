"""Shares: a page of everything that a person has shared from here, and who may see it now."""

from __future__ import annotations

import asyncio
import dataclasses

from telpher.actions.cards import Card, Cards
from telpher.actions.settle_share import sharing
from telpher.actions.share import Access, accesses_to
from telpher.actions.share_book import ShareBook, ShareRecord, Target
from telpher.drives.port import Drive, EntryId
from telpher.errors import EntryNotFoundError

PAGE_SIZE = 5


@dataclasses.dataclass(frozen=True)
class SharedEntry:
    """An entry and everybody else who may see it; nobody, when others have ended it in the drive."""

    card: Card
    accesses: tuple[Access, ...]


@dataclasses.dataclass(frozen=True)
class ShareList:
    """One page, the newest share first."""

    entries: tuple[SharedEntry, ...]
    page: int
    has_more: bool
    total: int
    """How many entries are shared."""


class ListShares:
    """The drive says who may see what; what was ended there is forgotten here."""

    def __init__(self, *, cards: Cards, book: ShareBook) -> None:
        self._cards = cards
        self._book = book

    async def page(self, person_id: int, page: int = 0) -> ShareList:
        """Raises AccessDeniedError, DriveError; CannotShareError when nothing is shared and the person's drive shares nothing."""
        self._cards.check(person_id)
        by_entry: dict[tuple[str, EntryId], list[ShareRecord]] = {}
        for record in await self._book.open_of_person(person_id):
            by_entry.setdefault((record.target.drive, record.target.entry_id), []).append(record)
        if not by_entry:
            sharing(await self._cards.drive_of(person_id))
        keys = list(by_entry)
        page = min(page, max(0, (len(keys) - 1) // PAGE_SIZE))
        shown = keys[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
        found = await asyncio.gather(*(self._look(person_id, *key, by_entry[key]) for key in shown))
        entries = tuple(one for one in found if one is not None)
        gone = len(found) - len(entries)
        return ShareList(entries, page, len(keys) > (page + 1) * PAGE_SIZE, len(keys) - gone)

    async def _look(
        self, person_id: int, drive_name: str, entry_id: EntryId, records: list[ShareRecord]
    ) -> SharedEntry | None:
        drive: Drive = await self._cards.drive_of(person_id, drive_name)
        try:
            entry = await drive.stat(entry_id)
            accesses = await accesses_to(self._book, person_id, drive, entry)
        except EntryNotFoundError:
            await self._book.close(*records)
            return None
        let_in = {Target(drive_name, entry_id, one.who.lower() if one.who else None) for one in accesses}
        await self._book.close(*(record for record in records if record.target not in let_in))
        if not accesses:
            return None
        return SharedEntry(await self._cards.card(person_id, drive, entry), accesses)
