"""Ids before there are files: fetched from Google in batches, given out one by one.

https://developers.google.com/workspace/drive/api/guides/manage-uploads#use_a_pre-generated_id_to_upload_files
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from telpher.drives.google.client import GoogleClient
from telpher.drives.port import EntryId
from telpher.errors import DriveUnreachableError

_BATCH = 100


class IdPool:
    """Ids that nobody else is given."""

    def __init__(self, client: GoogleClient) -> None:
        self._client = client
        self._ids: deque[str] = deque()
        self._fetching = asyncio.Lock()

    async def take(self) -> EntryId:
        """The next one. Raises DriveError."""
        while not self._ids:
            async with self._fetching:
                if not self._ids:
                    params: dict[str, str | int] = {"count": _BATCH, "space": "drive", "type": "files"}
                    answer = await self._client.ask("GET", "/drive/v3/files/generateIds", params=params)
                    self._ids.extend(_ids_in(answer))
        return EntryId(self._ids.popleft())


def _ids_in(answer: Mapping[str, Any]) -> list[str]:
    ids = answer["ids"]
    # None at all would have us ask for ever.
    if not isinstance(ids, list) or not ids or not all(isinstance(one, str) and one for one in ids):
        raise DriveUnreachableError("the drive gave no ids")
    return ids
