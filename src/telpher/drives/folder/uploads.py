"""Uploads into the folder drive: a partial file that survives restarts, then one rename that makes it an entry.

Before the rename the index is told the id, the path and the checksum. So a partial file means "not landed", and its absence with the
id in the index means "landed": a crash at any instant leaves one of the two, and repeating the create cannot make a second file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
import threading
import time
from collections.abc import AsyncIterator, Awaitable

from telpher.drives.folder.cabinet import UPLOADS, Cabinet, free_paths, hash_prefix, new_entry_id, partial_path
from telpher.drives.folder.threads import DiskThreads
from telpher.drives.folder.tree import join
from telpher.drives.port import Entry, EntryId, UploadSpec
from telpher.errors import (
    BadInputError,
    DriveError,
    EntryExistsError,
    EntryNotFoundError,
    FolderFullError,
    NameInvalidError,
    SessionGoneError,
)

_ID_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}")
# As long as Google keeps a session: https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable
_KEEP_S = 7 * 24 * 3600


class Partials:
    """The blocking half: unfinished files in the uploads folder."""

    def __init__(self, cabinet: Cabinet) -> None:
        self._cabinet = cabinet
        self._tree = cabinet.tree
        # What was given up may still be landing in its thread when it is asked for anew, or discarded.
        self._landing = threading.Lock()
        self._sweep()

    def begin(self, spec: UploadSpec) -> str:
        """Make an empty partial file; its id. Raises EntryExistsError when the id has landed before."""
        entry_id = spec.id or new_entry_id()
        if not _ID_SHAPE.fullmatch(entry_id):
            raise BadInputError("not an id that this drive gave")
        self._cabinet.find_folder(spec.parent_id)
        path = partial_path(entry_id)
        is_open = self._tree.status_or_none(path) is not None
        if not is_open and self._cabinet.index.get(entry_id) is not None:
            raise EntryExistsError("this id has landed before")
        if self._free_bytes() < spec.size_bytes:
            raise FolderFullError("the disk has no room for this file")
        os.close(self._tree.open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC))
        return entry_id

    def held_bytes(self, entry_id: str) -> int | None:
        """How much has arrived; None when it has landed. Raises SessionGoneError."""
        if not _ID_SHAPE.fullmatch(entry_id):
            raise SessionGoneError("not a session of this drive")
        found = self._tree.status_or_none(partial_path(entry_id))
        if found is not None:
            return found.st_size
        if self._cabinet.index.get(entry_id) is None:
            raise SessionGoneError("the partial file is gone")
        return None

    def landed(self, entry_id: str) -> Entry:
        """The entry that an upload became. Raises SessionGoneError when it is gone again."""
        try:
            return self._cabinet.stat(entry_id)
        except EntryNotFoundError:
            raise SessionGoneError("it had landed, and is gone") from None

    def open(self, entry_id: str, offset: int, known: Known | None) -> Writer:
        """To write on from `offset`, at most what has arrived. Raises SessionGoneError, DriveError."""
        held = self.held_bytes(entry_id)
        if held is None:
            raise SessionGoneError("it has landed already")
        if offset > held:
            raise DriveError(f"a gap: {held} bytes have arrived, {offset} was said")
        opened = self._tree.open_file(partial_path(entry_id), os.O_RDWR)
        if known is not None and known.size_bytes == offset:
            return Writer(opened, known)
        return Writer(opened, Known(hash_prefix(opened, offset), offset))

    def land(self, entry_id: str, spec: UploadSpec, known: Known | None) -> Entry:
        """Make the complete partial file an entry under the first free name."""
        try:
            opened = self._tree.open_file(partial_path(entry_id), os.O_RDWR)
        except FileNotFoundError:
            return self.landed(entry_id)
        try:
            is_known = known is not None and known.size_bytes == spec.size_bytes
            digest = known.digest.hexdigest() if known is not None and is_known else hash_prefix(opened).hexdigest()
            if spec.modified_at is not None:
                time_ns = round(spec.modified_at.timestamp() * 1e6) * 1000
                os.utime(opened, ns=(time_ns, time_ns))
            os.fsync(opened)
            found = os.fstat(opened)
        finally:
            os.close(opened)
        with self._landing:
            if self.held_bytes(entry_id) is None:
                return self.landed(entry_id)
            return self._put(entry_id, spec, found, digest)

    def _put(self, entry_id: str, spec: UploadSpec, found: os.stat_result, digest: str) -> Entry:
        partial = partial_path(entry_id)
        folder = self._cabinet.find_folder(spec.parent_id)
        index = self._cabinet.index
        for path in free_paths(folder, spec.name):
            if self._tree.status_or_none(path) is not None:
                continue
            with index.transaction():
                index.put(entry_id, path, found, mime_type=spec.mime_type, sha256=digest)
            try:
                self._tree.move(partial, path)
            except FileExistsError:
                continue
            except OSError:
                with index.transaction():
                    index.forget(entry_id)
                raise
            return self._cabinet.stat(entry_id)
        raise NameInvalidError("every number of this name is taken")

    def put_small(self, spec: UploadSpec, content: bytes) -> Entry:
        """Begin, write and land in one go."""
        entry_id = self.begin(spec)
        writer = self.open(entry_id, 0, None)
        try:
            writer.write(content, spec.size_bytes)
        except OSError:
            self.discard(entry_id)
            raise
        finally:
            writer.close()
        if writer.known.size_bytes != spec.size_bytes:
            self.discard(entry_id)
            raise DriveError("the content is not as long as was said")
        return self.land(entry_id, spec, writer.known)

    def discard(self, entry_id: str) -> None:
        """Give the upload up. What has landed stays; no error if it is gone already."""
        if not _ID_SHAPE.fullmatch(entry_id):
            return
        path = partial_path(entry_id)
        with self._landing:
            if self._tree.status_or_none(path) is None:
                return
            # In this order: a partial file without a row is unfinished, a row without a partial file would be an entry.
            with self._cabinet.index.transaction():
                self._cabinet.index.forget(entry_id)
            self._tree.remove_file(path)

    def _free_bytes(self) -> int:
        with self._tree.folder(UPLOADS) as opened:
            status = os.fstatvfs(opened)
        return status.f_bavail * status.f_frsize

    def _sweep(self) -> None:
        oldest = time.time() - _KEEP_S
        stale = [entry.name for entry in self._tree.scan(UPLOADS) if entry.stat().st_mtime < oldest]
        for name in stale:
            if _ID_SHAPE.fullmatch(name):
                self.discard(name)
            else:
                self._tree.remove_file(join(UPLOADS, os.fsencode(name)))


@dataclasses.dataclass
class Known:
    """The digest of a partial file's first `size_bytes` bytes."""

    digest: hashlib._Hash
    size_bytes: int


class Writer:
    """An open partial file. A write that goes on in its thread after a cancellation is waited for by `close`."""

    def __init__(self, opened: int, known: Known) -> None:
        self._opened: int | None = opened
        self._lock = threading.Lock()
        self.known = known

    @property
    def is_closed(self) -> bool:
        """Nothing is written any more: `known` stays as it is."""
        return self._opened is None

    def write(self, piece: bytes, limit_bytes: int) -> None:
        """Append. Raises DriveError over `limit_bytes`."""
        with self._lock:
            if self._opened is None:
                return
            if self.known.size_bytes + len(piece) > limit_bytes:
                raise DriveError("more bytes came than were announced")
            view = memoryview(piece)
            offset = self.known.size_bytes
            while view:
                written = os.pwrite(self._opened, view, offset)
                view = view[written:]
                offset += written
            self.known.digest.update(piece)
            self.known.size_bytes = offset

    def close(self) -> None:
        """Also after a failure."""
        with self._lock:
            if self._opened is not None:
                os.close(self._opened)
                self._opened = None


class FolderUpload:
    """An `UploadSession` whose token is the id that the entry will have."""

    def __init__(self, partials: Partials, entry_id: str, spec: UploadSpec, threads: DiskThreads) -> None:
        self._partials = partials
        self._id = EntryId(entry_id)
        self._spec = spec
        self._threads = threads
        self._writer: Writer | None = None

    @property
    def token(self) -> str:
        """See the port."""
        return self._id

    async def received(self) -> int | Entry:
        """See the port."""
        return await self._threads.run(self._settle)

    def _settle(self) -> int | Entry:
        held = self._partials.held_bytes(self._id)
        if held is None:
            return self._partials.landed(self._id)
        if held > self._spec.size_bytes:
            self._partials.discard(self._id)
            raise SessionGoneError("the partial file belongs to another upload")
        if held < self._spec.size_bytes:
            return held
        return self._partials.land(self._id, self._spec, self._known)

    async def send(self, chunks: AsyncIterator[bytes], offset: int) -> Entry | int:
        """See the port."""
        async with self._threads.opened(self._partials.open, self._id, offset, self._known) as writer:
            self._writer = writer
            await self._write_all(writer, chunks)
        return await self._threads.run(self._settle)

    async def _write_all(self, writer: Writer, chunks: AsyncIterator[bytes]) -> None:
        pending: Awaitable[None] | None = None
        try:
            # One piece is written while the next one comes in.
            async for chunk in chunks:
                if pending is not None:
                    await pending
                pending = self._threads.run(writer.write, chunk, self._spec.size_bytes)
            if pending is not None:
                await pending
                pending = None
        finally:
            if pending is not None:
                with contextlib.suppress(DriveError):
                    await pending

    @property
    def _known(self) -> Known | None:
        """What the last `send` knows of the bytes that have arrived; nothing as long as it may still be writing."""
        return self._writer.known if self._writer is not None and self._writer.is_closed else None

    async def cancel(self) -> None:
        """See the port."""
        await self._threads.run(self._partials.discard, self._id)
