"""Unshare: take back what others may see, one at a time or all at once."""

from __future__ import annotations

import dataclasses

from telpher.actions.cards import Card, Cards
from telpher.actions.settle_share import SettleShare, sharing, standing_grant
from telpher.actions.share_book import ShareBook, Target
from telpher.drives.port import Drive
from telpher.errors import DriveError, EntryNotFoundError


@dataclasses.dataclass(frozen=True)
class Revoked:
    """Nobody of these may see the entry any more. `card` is None for an entry that is gone."""

    card: Card | None
    who: str | None


@dataclasses.dataclass(frozen=True)
class AllRevoked:
    """How many were taken back, and how many the drive did not take back now."""

    done: int
    failed: int


class Unshare:
    """Revoked is revoked, also what the others had before anything was shared from here. Pressed twice, it does no more than once."""

    def __init__(self, *, cards: Cards, book: ShareBook, settle: SettleShare) -> None:
        self._cards = cards
        self._book = book
        self._settle = settle

    async def request(self, person_id: int, target_token: str) -> Revoked:
        """Raises AccessDeniedError, StaleButtonError, DriveError; then nothing has changed."""
        self._cards.check(person_id)
        target = await self._book.redeem(person_id, target_token)
        drive = await self._cards.drive_of(person_id, target.drive)
        await self._revoke(drive, target)
        try:
            card = await self._cards.card(person_id, drive, await drive.stat(target.entry_id))
        except EntryNotFoundError:
            card = None
        return Revoked(card, target.who)

    async def all(self, person_id: int) -> AllRevoked:
        """Everything that this person shared from here. Raises AccessDeniedError."""
        self._cards.check(person_id)
        done = failed = 0
        for target in dict.fromkeys(record.target for record in await self._book.open_of_person(person_id)):
            try:
                await self._revoke(await self._cards.drive_of(person_id, target.drive), target)
                done += 1
            except DriveError:
                failed += 1
        return AllRevoked(done, failed)

    async def _revoke(self, drive: Drive, target: Target) -> None:
        async with self._settle.turn(target):
            try:
                found = await standing_grant(drive, target.entry_id, target.who)
                if found is not None:
                    await sharing(drive).revoke(target.entry_id, found.id)
            except EntryNotFoundError:
                pass
            await self._book.close(*await self._book.open_of(target))
