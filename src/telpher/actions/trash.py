"""Delete an entry: into the drive's own trash."""

from __future__ import annotations

import dataclasses

from telpher.actions.cards import Card, Cards, has_trash
from telpher.actions.trail import Trails
from telpher.actions.undo import Deed, UndoId, UndoLog
from telpher.errors import BadInputError


@dataclasses.dataclass(frozen=True)
class Trashed:
    """The entry as it was, and how to take it out again (None where the drive has no trash)."""

    card: Card
    undo_id: UndoId | None


class Trash:
    """Moves an entry to the trash. Pressed twice, it does no more than once."""

    def __init__(self, cards: Cards, trails: Trails, log: UndoLog) -> None:
        self._cards = cards
        self._trails = trails
        self._log = log

    async def request(self, person_id: int, token: str, *, key: str) -> Trashed:
        """`key` names the update that asked for it. Raises AccessDeniedError, StaleButtonError, DriveError, BadInputError."""
        opened = await self._cards.open(person_id, token)
        entry = await opened.drive.stat(opened.entry_id)
        if entry.parent_id is None and entry.id == (await opened.drive.root()).id:
            raise BadInputError("the root stays")
        record = await self._log.record(key, person_id, opened.drive.name, Deed.TRASH, entry)
        if not entry.is_trashed:
            await opened.drive.delete(opened.entry_id)
            self._trails.forget(opened.drive, opened.entry_id)
        card = await self._cards.card(person_id, opened.drive, entry)
        return Trashed(card, record.id if has_trash(opened.drive) else None)
