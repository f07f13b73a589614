"""Where the files of guests go: into the folder that an owner chose, in that owner's drive."""

from __future__ import annotations

from telpher.access import Access
from telpher.actions.drive_choice import Drives
from telpher.drives.port import Drive


class GuestDrives:
    """`Drives` for everyone: a guest's is that of the owner who chose their folder."""

    def __init__(self, drives: Drives, access: Access) -> None:
        self._drives = drives
        self._access = access

    async def of(self, person_id: int, name: str | None = None) -> Drive:
        """As `Drives.of`."""
        folder = self._access.folder_of(person_id)
        if folder is None:
            return await self._drives.of(person_id, name)
        return await self._drives.of(folder.owner_id, name or folder.drive)
