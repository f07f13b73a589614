"""The spool: a transfer's bytes on this machine's disk, written at the end and read at any place meanwhile.

It is the resume point of the download and lets the upload be as slow as it likes. Disk work and hashing run in threads, one MiB at
a time; an upload that keeps up gets the pieces from memory, without reading them back.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import errno
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar

from telpher.drives.port import Checksum, ChecksumKind
from telpher.errors import DiskFullError, SourceUnreachableError, StoreError
from telpher.transfers.hashing import Digest

T = TypeVar("T")

PIECE_BYTES = 1 << 20
_TAIL_BYTES = 2 * PIECE_BYTES
_HASH_AT_ONCE_BYTES = 8 * PIECE_BYTES


class Spool:
    """An open spool file, or a local server's file that is read in place. `size_bytes` have arrived; `finish` says that it is all."""

    def __init__(self, threads: Executor, kind: ChecksumKind, descriptor: int, size_bytes: int) -> None:
        self._threads = threads
        self._file = _File(descriptor)
        self._digest = Digest(kind)
        self._writing: asyncio.Future[None] | None = None
        # The newest pieces: (offset, piece).
        self._tail: collections.deque[tuple[int, bytes]] = collections.deque()
        self._grown = asyncio.Event()
        self.size_bytes = size_bytes
        self.is_finished = False

    @classmethod
    async def open(cls, path: Path, threads: Executor, kind: ChecksumKind, *, trust: bool) -> Spool:
        """Go on with the file at `path` (made where it is missing); emptied first unless `trust`."""

        def work() -> tuple[int, int]:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | (0 if trust else os.O_TRUNC)
            with _translated():
                descriptor = os.open(path, flags, 0o600)
            return descriptor, os.fstat(descriptor).st_size

        return cls(threads, kind, *await _opened(threads, work))

    @classmethod
    async def open_local(cls, path: Path, threads: Executor, kind: ChecksumKind) -> Spool:
        """A file that is complete already, read in place. Raises SourceUnreachableError."""

        def work() -> tuple[int, int]:
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                # Another message of the same file may just have been done with it: whoever is asked again fetches it again.
                raise SourceUnreachableError("the local file is gone") from None
            except OSError as error:
                raise SourceUnreachableError(f"the local file cannot be read: {error.strerror}") from error
            return descriptor, os.fstat(descriptor).st_size

        spool = cls(threads, kind, *await _opened(threads, work))
        spool.is_finished = True
        return spool

    def close(self) -> None:
        """Let go of the file as soon as no thread uses it."""
        self._file.close()

    # ---- writing ------------------------------------------------------------------------------------------------------

    async def append(self, pieces: list[bytes]) -> None:
        """Add `pieces` in the background, once what was added before is written. `flush` waits for them. Raises DiskFullError."""
        await self.flush()
        if self._digest.position != self.size_bytes:
            await self.catch_up()
        self._writing = asyncio.get_running_loop().run_in_executor(self._threads, self._write, pieces, self.size_bytes)
        self._writing.add_done_callback(lambda writing: self._on_written(writing, pieces))

    async def flush(self) -> None:
        """Wait until all is written and hashed that was appended."""
        while self._writing is not None:
            await asyncio.shield(self._writing)
            await asyncio.sleep(0)

    def finish(self) -> None:
        """Nothing follows."""
        self.is_finished = True
        self._wake()

    def _write(self, pieces: list[bytes], offset: int) -> None:
        with self._file as descriptor, _translated():
            written = os.pwritev(descriptor, pieces, offset)
            whole = sum(map(len, pieces))
            if written < whole:
                rest = memoryview(b"".join(pieces))[written:]
                while rest:
                    rest = rest[os.pwrite(descriptor, rest, offset + whole - len(rest)) :]
            for piece in pieces:
                self._digest.update(piece)

    def _on_written(self, writing: asyncio.Future[None], pieces: list[bytes]) -> None:
        if writing.cancelled() or writing.exception() is not None:
            return
        self._writing = None
        for piece in pieces:
            self._tail.append((self.size_bytes, piece))
            self.size_bytes += len(piece)
        while self._tail and self.size_bytes - self._tail[0][0] > _TAIL_BYTES:
            self._tail.popleft()
        self._wake()

    def _wake(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()

    # ---- reading ------------------------------------------------------------------------------------------------------

    async def stream(self, offset: int) -> AsyncIterator[bytes]:
        """The bytes from `offset` on, in pieces of at most 1 MiB, following what is still being written to the end."""
        while True:
            while self.size_bytes <= offset and not self.is_finished:
                await self._grown.wait()
            if self.size_bytes <= offset:
                return
            piece = self._from_tail(offset) or await self._run(self._read, offset)
            if not piece:
                raise SourceUnreachableError("the file has become shorter while it was read")
            yield piece
            offset += len(piece)

    def _from_tail(self, offset: int) -> bytes | None:
        return next((piece for start, piece in self._tail if start == offset), None)

    def _read(self, offset: int) -> bytes:
        with self._file as descriptor:
            return os.pread(descriptor, min(PIECE_BYTES, self.size_bytes - offset), offset)

    async def content(self) -> bytes:
        """All of it: for small files."""
        return b"".join([piece async for piece in self.stream(0)])

    # ---- the checksum -------------------------------------------------------------------------------------------------

    async def catch_up(self) -> None:
        """Hash what an earlier process wrote, or what lies there in place."""
        while self._digest.position < self.size_bytes:
            await self._run(self._hash_some)

    async def checksum(self) -> Checksum:
        """Of all that has arrived."""
        await self.flush()
        await self.catch_up()
        return self._digest.checksum()

    def _hash_some(self) -> None:
        with self._file as descriptor:
            end = min(self._digest.position + _HASH_AT_ONCE_BYTES, self.size_bytes)
            while self._digest.position < end:
                piece = os.pread(descriptor, min(PIECE_BYTES, end - self._digest.position), self._digest.position)
                if not piece:
                    raise SourceUnreachableError("the file has become shorter while it was read")
                self._digest.update(piece)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


async def _opened(threads: Executor, work: Callable[[], tuple[int, int]]) -> tuple[int, int]:
    """What `work` has opened; closed again when nobody waits for it any more."""
    opening = asyncio.get_running_loop().run_in_executor(threads, work)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_unwanted)
        raise


def _close_unwanted(opening: asyncio.Future[tuple[int, int]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result()[0])


class _File:
    """A descriptor that several threads use, and that is closed when the last of them is done: never under somebody's hands."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()
        self._users = 0
        self._is_closing = False

    def __enter__(self) -> int:
        with self._lock:
            if self._is_closing:
                raise SourceUnreachableError("the spool was closed")
            self._users += 1
        return self._descriptor

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            self._users -= 1
            is_last = self._is_closing and not self._users
        if is_last:
            os.close(self._descriptor)

    def close(self) -> None:
        with self._lock:
            is_idle = not self._is_closing and not self._users
            self._is_closing = True
        if is_idle:
            os.close(self._descriptor)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise DiskFullError(str(error)) from error
        raise StoreError(f"the spool cannot be used: {error.strerror or error}") from error
