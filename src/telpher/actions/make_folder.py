"""Make a folder."""

from __future__ import annotations

from telpher.actions.cards import Card, Cards
from telpher.actions.folder_paths import find_folder
from telpher.drives.names import safe_name
from telpher.errors import EntryNotFoundError, NameInvalidError


class MakeFolder:
    """A new folder in a folder, under a safe name. One that is there already under this name is taken as the answer."""

    def __init__(self, cards: Cards) -> None:
        self._cards = cards

    async def request(self, person_id: int, token: str, name: str) -> Card:
        """Raises NameInvalidError, AccessDeniedError, StaleButtonError, DriveError."""
        opened = await self._cards.open(person_id, token)
        lines = name.strip().splitlines()
        try:
            safe = safe_name(lines[0] if lines else "", fallback="")
        except ValueError:
            raise NameInvalidError("nothing of it could stay") from None
        root = await opened.drive.root()
        parent = root if opened.entry_id == root.id else await opened.drive.stat(opened.entry_id)
        if not parent.is_folder or parent.is_trashed:
            raise EntryNotFoundError("no folder any more")
        made = await find_folder(opened.drive, parent.id, safe) or await opened.drive.make_folder(parent.id, safe)
        return await self._cards.card(person_id, opened.drive, made)
