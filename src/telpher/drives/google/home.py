"""The folder for new files: the one that the settings name, else a folder named Telpher that is made once and found again.

Its id is generated and stored before the folder is made, so an interrupted first start makes no second one. A client of scope
`drive.file` sees only what it made, so it is never mixed up with a folder that somebody else named Telpher.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from telpher.drives.google.client import GoogleClient
from telpher.drives.google.errors import BadRequestError
from telpher.drives.google.ids import IdPool
from telpher.drives.google.query import FIELDS, LIST_FIELDS, entry_from
from telpher.drives.port import FOLDER_MIME_TYPE, Entry
from telpher.errors import EntryExistsError, EntryNotFoundError

NAME = "Telpher"

_MARK = {"telpher": "home"}
_QUERY = "appProperties has { key='telpher' and value='home' } and trashed = false"
# A folder that was thrown away meanwhile is noticed after this long.
_GOOD_FOR_S = 60.0


class HomeFolder:
    """Finds or makes it, one call at a time."""

    def __init__(self, client: GoogleClient, ids: IdPool, id_file: Path, folder_id: str = "") -> None:
        self._client = client
        self._ids = ids
        self._id_file = id_file
        self._folder_id = folder_id
        self._finding = asyncio.Lock()
        self._found: Entry | None = None
        self._found_at = 0.0

    async def get(self) -> Entry:
        """The folder. Raises EntryNotFoundError when the one in the settings is not there."""
        async with self._finding:
            now = asyncio.get_running_loop().time()
            if self._found is None or now - self._found_at > _GOOD_FOR_S:
                self._found = await (self._stat(self._folder_id) if self._folder_id else self._find_or_make())
                self._found_at = now
            return self._found

    async def _find_or_make(self) -> Entry:
        folder_id = await asyncio.to_thread(self._stored)
        if folder_id:
            with contextlib.suppress(EntryNotFoundError):
                known = await self._stat(folder_id)
                if not known.is_trashed:
                    return known
                folder_id = ""
        params = {"q": _QUERY, "fields": LIST_FIELDS, "pageSize": "1", "orderBy": "createdTime", "spaces": "drive"}
        if files := (await self._client.ask("GET", "/drive/v3/files", params=params)).get("files"):
            found = entry_from(files[0])
            await asyncio.to_thread(self._store, found.id)
            return found
        try:
            return await self._make(folder_id)
        except (EntryNotFoundError, BadRequestError):
            if not folder_id:
                raise
            # The id belonged to a folder that was deleted for good, or to another account: it cannot be used again.
            return await self._make("")

    async def _make(self, folder_id: str) -> Entry:
        if not folder_id:
            folder_id = await self._ids.take()
            await asyncio.to_thread(self._store, folder_id)
        body = {"id": folder_id, "name": NAME, "mimeType": FOLDER_MIME_TYPE, "appProperties": _MARK}
        try:
            made = await self._client.ask("POST", "/drive/v3/files", params={"fields": FIELDS}, body=body)
        except EntryExistsError:
            # Ours: an earlier call landed whose answer was lost.
            return await self._stat(folder_id)
        return entry_from(made)

    async def _stat(self, folder_id: str) -> Entry:
        params = {"fields": FIELDS, "supportsAllDrives": "true"}
        return entry_from(await self._client.ask("GET", f"/drive/v3/files/{folder_id}", params=params))

    def _stored(self) -> str:
        try:
            return self._id_file.read_text().strip()
        except FileNotFoundError:
            return ""

    def _store(self, folder_id: str) -> None:
        self._id_file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=self._id_file.parent, delete=False) as file:
            file.write(folder_id + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(self._id_file)
