"""Move an entry to another folder of its drive."""

from __future__ import annotations

import dataclasses

from telpher.actions.cards import Card, Cards
from telpher.actions.errands import Errand, ErrandKind, Errands
from telpher.actions.trail import Trails
from telpher.actions.undo import Deed, UndoId, UndoLog
from telpher.drives.port import EntryId
from telpher.errors import BadInputError, StaleButtonError


class IntoItselfError(BadInputError):
    """A folder cannot go into itself, or into what lies in it."""

    text_key = "error.into_itself"


@dataclasses.dataclass(frozen=True)
class Moved:
    """The entry where it is now, and how to take that back."""

    card: Card
    folder_name: str
    is_root: bool
    undo_id: UndoId


class Move:
    """First it is begun, then a folder is looked for, then it is done."""

    def __init__(self, cards: Cards, errands: Errands, trails: Trails, log: UndoLog) -> None:
        self._cards = cards
        self._errands = errands
        self._trails = trails
        self._log = log

    async def begin(self, person_id: int, token: str, *, key: str, back: str) -> tuple[Errand, Card]:
        """`key` names the press, `back` is the card's way back. Raises AccessDeniedError, StaleButtonError, DriveError."""
        opened = await self._cards.open(person_id, token)
        entry = await opened.drive.stat(opened.entry_id)
        errand = await self._errands.begin(
            f"move:{key}", person_id, ErrandKind.MOVE, drive=opened.drive.name, entry_id=entry.id, back=back
        )
        return errand, await self._cards.card(person_id, opened.drive, entry)

    async def subject(self, person_id: int, errand: Errand) -> Card:
        """The entry that is to be moved, as it is now."""
        drive = await self._cards.drive_of(person_id, errand.drive)
        return await self._cards.card(person_id, drive, await drive.stat(_entry_of(errand)))

    async def finish(self, person_id: int, errand: Errand, token: str) -> Moved:
        """Into the folder of `token`. Twice is no more than once.

        Raises IntoItselfError, StaleButtonError (another drive's folder), AccessDeniedError, DriveError.
        """
        opened = await self._cards.open(person_id, token)
        drive, entry_id = opened.drive, _entry_of(errand)
        if drive.name != errand.drive:
            raise StaleButtonError("another drive")
        place = await self._trails.place(person_id, drive, opened.entry_id)
        if entry_id in place.ids:
            raise IntoItselfError("into itself")
        entry = await drive.stat(entry_id)
        record = await self._log.record(f"errand:{errand.id}", person_id, drive.name, Deed.MOVE, entry)
        if entry.parent_id != place.folder.id:
            entry = await drive.move(entry_id, place.folder.id)
            self._trails.forget(drive, entry_id)
        card = await self._cards.card(person_id, drive, entry)
        return Moved(card, place.folder.name, place.is_root, record.id)


def _entry_of(errand: Errand) -> EntryId:
    if errand.entry_id is None:
        raise StaleButtonError("nothing to move")
    return errand.entry_id
