"""The same content twice: recognised when a file has come, and undone at the person's word. Nothing is removed by itself."""

from __future__ import annotations

import logging
from typing import Protocol

from telpher.actions.cards import Cards
from telpher.actions.trash import Trash, Trashed
from telpher.drives.port import Drive, Entry
from telpher.errors import BadInputError, DriveError, EntryNotFoundError

_log = logging.getLogger(__name__)


class TwinChangedError(BadInputError):
    """What had the same content is gone or changed: the new file is the only one."""

    text_key = "error.twin_changed"


class KnownContent(Protocol):
    """Which entries of a person's drive hold which content: `transfers.content_index`."""

    async def twins(self, person_id: int, drive: Drive, entry: Entry, *, only_older: bool = False) -> list[Entry]: ...


class FindTwin:
    """What a file that has just come is a second copy of."""

    def __init__(self, known: KnownContent) -> None:
        self._known = known

    async def __call__(self, person_id: int, drive: Drive, entry: Entry) -> Entry | None:
        """The oldest entry of the same content that was there before, as the drive tells of it now; None also when it cannot tell."""
        try:
            twins = await self._known.twins(person_id, drive, entry, only_older=True)
        except DriveError as error:
            # The file is in the drive and verified: that must not fail for want of a hint.
            _log.info("not known whether the content was there before: %s", type(error).__name__)
            return None
        return twins[0] if twins else None


class KeepOld:
    """Moves the new one of two to the trash, after making sure that the old one is still what it was."""

    def __init__(self, cards: Cards, trash: Trash) -> None:
        self._cards = cards
        self._trash = trash

    async def request(self, person_id: int, token: str, old_token: str, *, key: str) -> Trashed:
        """`token` is the new one's. Raises TwinChangedError, and what Trash raises."""
        new = await self._cards.open(person_id, token)
        old = await self._cards.open(person_id, old_token)
        entry = await new.drive.stat(new.entry_id)
        try:
            twin = await old.drive.stat(old.entry_id)
        except EntryNotFoundError as error:
            raise TwinChangedError("the old one is gone") from error
        is_same_file = old.entry_id == new.entry_id and old.drive.name == new.drive.name
        if is_same_file or twin.is_trashed or twin.checksum is None or twin.checksum != entry.checksum:
            raise TwinChangedError("the old one is not what it was")
        return await self._trash.request(person_id, token, key=key)
