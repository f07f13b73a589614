"""Rename an entry."""

from __future__ import annotations

import dataclasses

from telpher.actions.cards import Card, Cards
from telpher.actions.naming import keep_suffix
from telpher.actions.trail import Trails
from telpher.actions.undo import Deed, UndoId, UndoLog
from telpher.drives.names import safe_name
from telpher.errors import NameInvalidError


@dataclasses.dataclass(frozen=True)
class Renamed:
    """The entry under its new name, and how to take that back."""

    card: Card
    old_name: str
    undo_id: UndoId


class Rename:
    """Gives an entry another name, made safe; a file keeps its extension when the new name has none."""

    def __init__(self, cards: Cards, trails: Trails, log: UndoLog) -> None:
        self._cards = cards
        self._trails = trails
        self._log = log

    async def request(self, person_id: int, token: str, new_name: str, *, key: str) -> Renamed:
        """`key` names the update that asked for it. Raises NameInvalidError, AccessDeniedError, StaleButtonError, DriveError."""
        opened = await self._cards.open(person_id, token)
        lines = new_name.strip().splitlines()
        if not lines:
            raise NameInvalidError("empty")
        entry = await opened.drive.stat(opened.entry_id)
        try:
            bare = safe_name(lines[0], fallback="")
            name = bare if entry.is_folder else safe_name(keep_suffix(bare, entry.name), fallback="")
        except ValueError:
            raise NameInvalidError("nothing of it could stay") from None
        record = await self._log.record(key, person_id, opened.drive.name, Deed.RENAME, entry)
        if entry.name != name:
            entry = await opened.drive.rename(opened.entry_id, name)
            self._trails.forget(opened.drive, entry.id)
        return Renamed(await self._cards.card(person_id, opened.drive, entry), str(record.before["name"]), record.id)
