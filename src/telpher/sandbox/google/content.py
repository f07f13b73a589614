"""File contents on disk: written block by block with running digests, off the event loop, in constant memory."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import os
from collections.abc import AsyncIterable
from pathlib import Path

GRANULE_BYTES = 256 * 1024
"""An unfinished upload holds a multiple of this; what goes beyond is lost with its connection, as at Google."""
_BLOCK_BYTES = 4 * GRANULE_BYTES
_READ_BYTES = 1024 * 1024


@dataclasses.dataclass(frozen=True, slots=True)
class Digests:
    """What a content is known by, in hexadecimal."""

    md5: str
    sha256: str


class _Running:
    """The digests of what has passed so far."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._sha256 = hashlib.sha256(usedforsecurity=False)

    def update(self, piece: bytes) -> None:
        self._md5.update(piece)
        self._sha256.update(piece)

    def digests(self) -> Digests:
        return Digests(self._md5.hexdigest(), self._sha256.hexdigest())

    @classmethod
    def of_file(cls, path: Path) -> _Running:
        running = cls()
        with path.open("rb", buffering=0) as file:
            while piece := file.read(_READ_BYTES):
                running.update(piece)
        return running


class BlobWriter:
    """Appends to one file. `held_bytes` are on disk; a tail shorter than a granule is in memory until `finish`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.held_bytes = path.stat().st_size if path.exists() else 0
        if tail_bytes := self.held_bytes % GRANULE_BYTES:  # a crash came between two writes
            self.held_bytes -= tail_bytes
            os.truncate(path, self.held_bytes)
        self._running = None if self.held_bytes else _Running()
        self._parts: list[bytes] = []
        self._waiting_bytes = 0
        self._writing: asyncio.Future[None] | None = None

    @property
    def taken_bytes(self) -> int:
        """All that was given, on disk or not."""
        return self.held_bytes + self._waiting_bytes

    async def write(self, chunk: bytes) -> None:
        """Take a chunk; at most two blocks are in memory."""
        self._parts.append(chunk)
        self._waiting_bytes += len(chunk)
        if self._waiting_bytes >= _BLOCK_BYTES:
            await self._write_granules()

    async def pause(self) -> None:
        """Put whole granules on disk and forget the tail."""
        await self._write_granules()
        await self._settle()
        self._parts.clear()
        self._waiting_bytes = 0

    async def finish(self) -> Digests:
        """Put everything on disk; the digests of the whole."""
        await self._write_granules()
        await self._settle()
        tail, self._parts, self._waiting_bytes = b"".join(self._parts), [], 0
        if tail or not self._path.exists():
            await asyncio.to_thread(self._append, [tail])
            self.held_bytes += len(tail)
        if self._running is None:
            self._running = await asyncio.to_thread(_Running.of_file, self._path)
        return self._running.digests()

    async def _write_granules(self) -> None:
        size_bytes = self._waiting_bytes // GRANULE_BYTES * GRANULE_BYTES
        if not size_bytes:
            return
        await self._settle()
        parts, rest_bytes = self._parts, self._waiting_bytes - size_bytes
        self._parts = []
        if rest_bytes:
            parts, self._parts = _split(parts, size_bytes)
        self._waiting_bytes = rest_bytes
        self.held_bytes += size_bytes
        self._writing = asyncio.get_running_loop().run_in_executor(None, self._append, parts)

    async def _settle(self) -> None:
        if (writing := self._writing) is not None:
            try:
                await asyncio.shield(writing)
            finally:
                if writing.done():
                    self._writing = None

    def _append(self, parts: list[bytes]) -> None:
        if self._running is None:
            self._running = _Running.of_file(self._path)
        with self._path.open("ab") as file:
            for part in parts:
                file.write(part)
                self._running.update(part)


def _split(parts: list[bytes], size_bytes: int) -> tuple[list[bytes], list[bytes]]:
    """The first `size_bytes` of the parts, and the rest."""
    head: list[bytes] = []
    for index, part in enumerate(parts):
        if len(part) > size_bytes:
            return [*head, part[:size_bytes]], [part[size_bytes:], *parts[index + 1 :]]
        head.append(part)
        size_bytes -= len(part)
    return head, []


def digests_of(path: Path) -> Digests:
    """What a file on disk is known by."""
    return _Running.of_file(path).digests()


def digest_of(path: Path, algorithm: str) -> hashlib._Hash:
    """One digest of a file, read in pieces."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    with path.open("rb", buffering=0) as file:
        while piece := file.read(_READ_BYTES):
            digest.update(piece)
    return digest


def corrupt(path: Path) -> None:
    """Flip one bit in the middle, as a bad disk does."""
    with path.open("r+b") as file:
        middle = os.fstat(file.fileno()).st_size // 2
        file.seek(middle)
        byte = file.read(1)
        file.seek(middle)
        file.write(bytes([byte[0] ^ 1]) if byte else b"?")


async def store(chunks: AsyncIterable[bytes], path: Path, *, limit_bytes: int | None = None) -> tuple[int, Digests]:
    """Write a whole body; its size and digests. Raises OverflowError, leaving nothing, when it is over the limit."""
    writer = BlobWriter(path)
    try:
        async for chunk in chunks:
            await writer.write(chunk)
            _check_limit(writer.taken_bytes, limit_bytes)
        return writer.taken_bytes, await writer.finish()
    except BaseException:
        await writer.pause()
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise


def _check_limit(taken_bytes: int, limit_bytes: int | None) -> None:
    if limit_bytes is not None and taken_bytes > limit_bytes:
        raise OverflowError
