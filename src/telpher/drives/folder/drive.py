"""A directory as a drive: `FolderDrive(root)`. All its disk work runs in a few threads of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import ClassVar, TypeVar

from telpher.drives.folder import shelves
from telpher.drives.folder.cabinet import Cabinet, new_entry_id
from telpher.drives.folder.threads import DiskThreads
from telpher.drives.folder.uploads import FolderUpload, Partials
from telpher.drives.port import (
    EVERYTHING,
    Capability,
    ChecksumKind,
    Cursor,
    Entry,
    EntryId,
    Order,
    Page,
    Quota,
    SearchFilter,
    UploadSession,
    UploadSpec,
)

T = TypeVar("T")

_PIECE_BYTES = 1 << 20


class FolderDrive:
    """See `telpher.drives.port.Drive`. The directory is made, and its index opened, at the first use."""

    name: str = "folder"
    capabilities: ClassVar[frozenset[Capability]] = frozenset(
        {
            Capability.IDS_BEFORE_CREATE,
            Capability.TRASH,
            Capability.SEARCH,
            Capability.STARS,
            Capability.RECENT,
            Capability.QUOTA,
        }
    )
    checksum_kind = ChecksumKind.SHA256

    def __init__(self, root: Path, name: str = "folder") -> None:
        """`name` tells several folders of one Telpher apart."""
        self.name = name
        self._root = root
        self._threads = DiskThreads()
        self._opening = threading.Lock()
        self._opened: tuple[Cabinet, Partials] | None = None

    async def root(self) -> Entry:
        """See the port."""
        return await self._ask(Cabinet.root)

    async def home(self) -> Entry:
        """See the port."""
        return await self.root()

    async def start(self) -> Entry:
        """See the port."""
        return await self.root()

    async def stat(self, entry_id: EntryId) -> Entry:
        """See the port."""
        return await self._ask(lambda cabinet: cabinet.stat(entry_id))

    async def children(
        self, folder_id: EntryId, *, cursor: Cursor | None = None, limit: int = 100, order: Order = Order.NAME
    ) -> Page:
        """See the port."""
        return await self._ask(lambda cabinet: cabinet.children(folder_id, cursor, limit, order))

    @contextlib.asynccontextmanager
    async def read(self, entry_id: EntryId, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        """See the port."""
        async with self._threads.opened(lambda: _Reader(self._open()[0].open(entry_id))) as file:
            yield self._pieces(file, offset)

    async def _pieces(self, file: _Reader, offset: int) -> AsyncIterator[bytes]:
        while piece := await self._threads.run(file.read, offset):
            offset += len(piece)
            yield piece

    async def upload_small(self, spec: UploadSpec, content: bytes) -> Entry:
        """See the port."""
        return await self._threads.run(lambda: self._partials.put_small(spec, content))

    async def begin_upload(self, spec: UploadSpec) -> UploadSession:
        """See the port."""
        entry_id = await self._threads.run(lambda: self._partials.begin(spec))
        return FolderUpload(self._partials, entry_id, spec, self._threads)

    async def resume_upload(self, token: str, spec: UploadSpec) -> UploadSession:
        """See the port."""
        partials = await self._threads.run(lambda: self._partials)
        return FolderUpload(partials, token, spec, self._threads)

    async def make_folder(self, parent_id: EntryId, name: str) -> Entry:
        """See the port."""
        return await self._ask(lambda cabinet: cabinet.make_folder(parent_id, name))

    async def rename(self, entry_id: EntryId, name: str) -> Entry:
        """See the port."""
        return await self._ask(lambda cabinet: cabinet.rename(entry_id, name))

    async def move(self, entry_id: EntryId, parent_id: EntryId) -> Entry:
        """See the port."""
        return await self._ask(lambda cabinet: cabinet.move(entry_id, parent_id))

    async def delete(self, entry_id: EntryId) -> None:
        """See the port."""
        await self._ask(lambda cabinet: cabinet.delete(entry_id))

    async def restore(self, entry_id: EntryId) -> Entry:
        """See the port."""
        return await self._ask(lambda cabinet: cabinet.restore(entry_id))

    async def search(
        self, words: str, *, cursor: Cursor | None = None, limit: int = 100, narrow: SearchFilter = EVERYTHING
    ) -> Page:
        """By name: every word is in it, in any order."""
        return await self._ask(lambda cabinet: shelves.search(cabinet, words, narrow, cursor, limit))

    async def set_starred(self, entry_id: EntryId, *, is_starred: bool) -> Entry:
        """See the port."""
        return await self._ask(lambda cabinet: shelves.set_starred(cabinet, entry_id, is_starred=is_starred))

    async def starred(self, *, cursor: Cursor | None = None, limit: int = 100) -> Page:
        """See the port."""
        return await self._ask(lambda cabinet: shelves.starred(cabinet, cursor, limit))

    async def recent(self, *, cursor: Cursor | None = None, limit: int = 100) -> Page:
        """See the port."""
        return await self._ask(lambda cabinet: shelves.recent(cabinet, cursor, limit))

    async def quota(self) -> Quota:
        """See the port."""
        return await self._ask(Cabinet.quota)

    async def new_id(self) -> EntryId:
        """See the port."""
        return new_entry_id()

    async def close(self) -> None:
        """See the port."""
        await self._threads.stop()
        if self._opened is not None:
            self._opened[0].close()
            self._opened = None

    def _ask(self, work: Callable[[Cabinet], T]) -> asyncio.Future[T]:
        return self._threads.run(lambda: work(self._open()[0]))

    @property
    def _partials(self) -> Partials:
        return self._open()[1]

    def _open(self) -> tuple[Cabinet, Partials]:
        with self._opening:
            if self._opened is None:
                cabinet = Cabinet(self._root)
                self._opened = cabinet, Partials(cabinet)
            return self._opened


class _Reader:
    """An open file whose `close` waits for a read that goes on in its thread after a cancellation."""

    def __init__(self, opened: int) -> None:
        self._opened: int | None = opened
        self._lock = threading.Lock()

    def read(self, offset: int) -> bytes:
        with self._lock:
            return b"" if self._opened is None else os.pread(self._opened, _PIECE_BYTES, offset)

    def close(self) -> None:
        with self._lock:
            if self._opened is not None:
                os.close(self._opened)
                self._opened = None
