"""The way from the drive's top down to a folder. Asked of the drive folder by folder, and remembered for a minute.

What is renamed or moved from here shows at once; what others do in the drive itself, within that minute.
"""

from __future__ import annotations

import collections
import dataclasses
import time
from collections.abc import Callable

from telpher.drives.port import Drive, Entry, EntryId
from telpher.errors import DriveForbiddenError, EntryNotFoundError, StaleButtonError

_GOOD_FOR_S = 60.0
_KEPT = 2_000
_DEPTH_LIMIT = 32


@dataclasses.dataclass(frozen=True)
class Place:
    """A folder, with the folders above it from the top on."""

    folder: Entry
    above: tuple[Entry, ...]
    is_root: bool

    @property
    def ids(self) -> frozenset[EntryId]:
        """The folder and all that it lies in."""
        return frozenset({self.folder.id, *(entry.id for entry in self.above)})


class Trails:
    """Browsing down costs no question that was not just answered."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._seen: collections.OrderedDict[tuple[int, str, EntryId], tuple[float, Entry]] = collections.OrderedDict()
        self._changes = 0
        """How often something was changed from here: what the drive was asked before may be what was before."""

    def forget(self, drive: Drive, entry_id: EntryId) -> None:
        """It is called otherwise, or lies elsewhere, than a moment ago."""
        self._changes += 1
        for key in [key for key in self._seen if key[1:] == (drive.name, entry_id)]:
            del self._seen[key]

    async def place(self, person_id: int, drive: Drive, folder_id: EntryId | None) -> Place:
        """The folder as it is now (None: where browsing opens).

        Raises EntryNotFoundError, also for what is in the trash; StaleButtonError for a file.
        """
        changes = self._changes
        root = await drive.root()
        folder = await self._folder(drive, root, folder_id)
        if not folder.is_folder:
            raise StaleButtonError("a file is no folder")
        if folder.is_trashed:
            raise EntryNotFoundError("in the trash")
        self._note(person_id, drive, folder, changes)
        if folder.id == root.id:
            return Place(root, (), is_root=True)
        return Place(folder, (root, *await self._between(person_id, drive, root, folder)), is_root=False)

    async def _folder(self, drive: Drive, root: Entry, folder_id: EntryId | None) -> Entry:
        if folder_id is None:
            return await drive.start()
        if folder_id == root.id:
            return root
        try:
            return await drive.stat(folder_id)
        except EntryNotFoundError:
            # An account that may not look at the top still names it as the folder that its own things are in.
            if folder_id == (await drive.home()).parent_id:
                return root
            raise

    async def _between(self, person_id: int, drive: Drive, root: Entry, folder: Entry) -> list[Entry]:
        found: list[Entry] = []
        parent_id = folder.parent_id
        while parent_id is not None and parent_id != root.id and len(found) < _DEPTH_LIMIT:
            parent = self._known(person_id, drive, parent_id)
            if parent is None:
                changes = self._changes
                try:
                    parent = await drive.stat(parent_id)
                except (EntryNotFoundError, DriveForbiddenError):
                    break
                self._note(person_id, drive, parent, changes)
            found.insert(0, parent)
            parent_id = parent.parent_id
        return found

    def _known(self, person_id: int, drive: Drive, folder_id: EntryId) -> Entry | None:
        seen = self._seen.get((person_id, drive.name, folder_id))
        return seen[1] if seen is not None and self._now_s() - seen[0] < _GOOD_FOR_S else None

    def _note(self, person_id: int, drive: Drive, folder: Entry, changes: int) -> None:
        if changes != self._changes:
            return
        key = (person_id, drive.name, folder.id)
        self._seen[key] = (self._now_s(), folder)
        self._seen.move_to_end(key)
        if len(self._seen) > _KEPT:
            self._seen.popitem(last=False)
