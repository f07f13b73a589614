"""A file of unknown size, held for a moment: written as it comes, then read from its start. It has no name, so a crash leaves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO

from telpher.errors import DiskFullError, FileTooBigError

_PIECE_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Scratch:
    """All that came."""

    size_bytes: int
    _file: IO[bytes]

    async def chunks(self) -> AsyncIterator[bytes]:
        """Its bytes from the start, each time it is called."""
        await asyncio.to_thread(self._file.seek, 0)
        while piece := await asyncio.to_thread(self._file.read, _PIECE_BYTES):
            yield piece


@contextlib.asynccontextmanager
async def held(chunks: AsyncIterator[bytes], directory: Path, *, limit_bytes: int) -> AsyncIterator[Scratch]:
    """Take in all of `chunks`. Raises FileTooBigError as soon as they are more than `limit_bytes`, DiskFullError, and what they raise."""
    size_bytes = 0
    try:
        await asyncio.to_thread(directory.mkdir, parents=True, exist_ok=True)
        file = await asyncio.to_thread(_nameless, directory)
        with contextlib.closing(file):
            async for piece in chunks:
                size_bytes += len(piece)
                if size_bytes > limit_bytes:
                    raise FileTooBigError(limit_bytes=limit_bytes, size_bytes=size_bytes)
                await asyncio.to_thread(file.write, piece)
            yield Scratch(size_bytes, file)
    except OSError as error:
        raise DiskFullError(str(error), needed_bytes=size_bytes, free_bytes=0) from error


def _nameless(directory: Path) -> IO[bytes]:
    return tempfile.TemporaryFile(dir=directory)
