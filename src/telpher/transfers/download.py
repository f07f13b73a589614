"""The first leg: a source's bytes into a spool (or into memory, for a small file), going on where a fault broke it off."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from typing import NoReturn, Protocol

from telpher.errors import SourceBusyError, SourceUnreachableError
from telpher.transfers.patience import Patience
from telpher.transfers.port import Source

_BATCH_BYTES = 1 << 20
_BATCH_S = 0.1


class Sink(Protocol):
    """Where the bytes go."""

    @property
    def size_bytes(self) -> int: ...

    async def append(self, pieces: list[bytes]) -> None: ...

    async def flush(self) -> None: ...


class MemorySink:
    """For a file so small that its bytes need no spool."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size_bytes = 0

    async def append(self, pieces: list[bytes]) -> None:
        self._pieces += pieces
        self.size_bytes += sum(map(len, pieces))

    async def flush(self) -> None:
        """Nothing is on its way."""

    def content(self) -> bytes:
        return b"".join(self._pieces)


async def fill(
    sink: Sink,
    source: Source,
    total_bytes: int | None,
    patience: Patience,
    *,
    on_growth: Callable[[int], None] | None = None,
) -> None:
    """Bring the rest of the source into `sink`. `total_bytes` is what must arrive; None: all that comes.

    `on_growth` is told how many bytes there will be before more are written, and may raise. Raises SourceUnreachableError,
    SourceBusyError, SourceGoneError, DiskFullError; all that arrived before is in the sink.
    """
    told = on_growth or (lambda _: None)
    while total_bytes is None or sink.size_bytes < total_bytes:
        before = sink.size_bytes
        try:
            async with source.open(before) as (start, chunks):
                if start > before:
                    _refuse("the source began behind where it was asked to")
                await _pour(sink, chunks, before - start, total_bytes, told)
            if total_bytes is None:
                return
            if sink.size_bytes < total_bytes:
                _refuse("the source ended early")
        except (SourceUnreachableError, SourceBusyError) as error:
            if sink.size_bytes > before:
                patience.progressed()
            await patience.bear(error)


async def _pour(
    sink: Sink,
    chunks: AsyncIterator[bytes],
    skip_bytes: int,
    total_bytes: int | None,
    on_growth: Callable[[int], None],
) -> None:
    batch: list[bytes] = []
    batch_bytes, since_s = 0, time.monotonic()
    expected = sink.size_bytes
    try:
        async for arrived in chunks:
            chunk = arrived
            if skip_bytes:
                # A source that knows no Range begins anew; what we have already passes by.
                skipped = min(skip_bytes, len(chunk))
                skip_bytes -= skipped
                chunk = chunk[skipped:]
                if not chunk:
                    continue
            expected += len(chunk)
            if total_bytes is not None and expected > total_bytes:
                _refuse("the source sends more than it said")
            batch.append(chunk)
            batch_bytes += len(chunk)
            now_s = time.monotonic()
            if batch_bytes >= _BATCH_BYTES or now_s - since_s >= _BATCH_S:
                on_growth(expected)
                await sink.append(batch)
                batch, batch_bytes, since_s = [], 0, now_s
    except (SourceUnreachableError, SourceBusyError):
        is_sound = total_bytes is None or expected <= total_bytes
        await _append_rest(sink, batch if is_sound else [], expected, on_growth)
        raise
    await _append_rest(sink, batch, expected, on_growth)


async def _append_rest(sink: Sink, batch: list[bytes], expected: int, on_growth: Callable[[int], None]) -> None:
    if batch:
        on_growth(expected)
        await sink.append(batch)
    await sink.flush()


def _refuse(reason: str) -> NoReturn:
    raise SourceUnreachableError(reason)
