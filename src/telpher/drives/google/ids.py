"""Ids before there are files: fetched from Google in batches, given out one by one.

https://developers.google.com/workspace/drive/api/guides/manage-uploads#use_a_pre-generated_id_to_upload_files
"""

from __future__ import annotations

import asyncio
from collections import deque

from telpher.drives.google.client import GoogleClient
from telpher.drives.port import EntryId

_BATCH = 100


class IdPool:
    """Ids that nobody else is given."""

    def __init__(self, client: GoogleClient) -> None:
        self._client = client
        self._ids: deque[str] = deque()
        self._fetching = asyncio.Lock()

    async def take(self) -> EntryId:
        """The next one."""
        while not self._ids:
            async with self._fetching:
                if not self._ids:
                    params: dict[str, str | int] = {"count": _BATCH, "space": "drive", "type": "files"}
                    answer = await self._client.ask("GET", "/drive/v3/files/generateIds", params=params)
                    self._ids.extend(answer["ids"])
        return EntryId(self._ids.popleft())
