"""Look at one entry."""

from __future__ import annotations

from telpher.actions.cards import Card, Cards


class EntryCard:
    """What the drive says of an entry now."""

    def __init__(self, cards: Cards) -> None:
        self._cards = cards

    async def show(self, person_id: int, token: str) -> Card:
        """Raises AccessDeniedError, StaleButtonError, EntryNotFoundError and other DriveErrors."""
        opened = await self._cards.open(person_id, token)
        return await self._cards.card(person_id, opened.drive, await opened.drive.stat(opened.entry_id))
