"""What faults do to bytes on their way: streams that pace, count and cut, in constant memory.

aiohttp reads a request's body through a `StreamReader` and writes an answer through a `StreamWriter`; the two classes here take
their places for one request. A handler cannot tell them from the real ones, nor a cut from a client that went away.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http import StreamWriter
from multidict import CIMultiDict

_PIECE_BYTES = 256 * 1024
_SMALLEST_PIECE_BYTES = 1024
_FLUSH_TIMEOUT_S = 5.0
_CATCH_UP_S = 0.05  # a sleep that overslept is made up for, a pause longer than this is not


class WireCutError(ConnectionResetError):
    """The sandbox broke the connection on purpose; to a handler it looks like any lost client."""


class Pacer:
    """Lets bytes pass at `bytes_per_s`, shared by every request that goes through it, as a slow line is."""

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._free_at: float = 0.0
        self.piece_bytes = min(_PIECE_BYTES, max(_SMALLEST_PIECE_BYTES, int(bytes_per_s / 50)))

    async def let_pass(self, size_bytes: int) -> None:
        """Wait until `size_bytes` more may pass."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now - _CATCH_UP_S) + size_bytes / self._bytes_per_s
        if (wait_s := self._free_at - now) > 0:
            await asyncio.sleep(wait_s)


def reset(request: web.BaseRequest) -> None:
    """Break the connection at once, so that the client sees a reset rather than an orderly end."""
    transport = request.transport
    if transport is None:
        return
    if (connection := transport.get_extra_info("socket")) is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class _StillProtocol(BaseProtocol):
    """Stands where a stream expects its connection; pausing is left to the stream that has one."""

    __slots__ = ()

    @property
    def connected(self) -> bool:
        return True

    def pause_reading(self) -> None:
        return

    def resume_reading(self, resume_parser: bool = True) -> None:
        del resume_parser


class FaultyReader(StreamReader):
    """Gives a request's body on piece by piece: slower, or only up to a byte, then `on_cut`."""

    __slots__ = ("_cut_at", "_on_cut", "_pacer", "_source")

    def __init__(
        self, source: StreamReader, *, pacer: Pacer | None, cut_at: int | None, on_cut: Callable[[], None]
    ) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(_StillProtocol(loop), _PIECE_BYTES, loop=loop)
        self._source = source
        self._pacer = pacer
        self._cut_at = cut_at
        self._on_cut = on_cut

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """A lost connection is told to the request's body only: pass it on to the stream that is being waited for."""
        super().set_exception(exc, *(() if exc_cause is None else (exc_cause,)))
        self._source.set_exception(exc)

    async def _wait(self, func_name: str) -> None:
        """Called by every reading method when nothing is buffered: fetch the next piece."""
        del func_name
        size_bytes = _PIECE_BYTES if self._pacer is None else self._pacer.piece_bytes
        if self._cut_at is not None:
            if self.total_bytes >= self._cut_at:
                self._on_cut()
                error = WireCutError("cut by a fault")
                self.set_exception(error)
                raise error
            size_bytes = min(size_bytes, self._cut_at - self.total_bytes)
        piece = await self._source.read(size_bytes)
        if not piece:
            self.feed_eof()
            return
        if self._pacer is not None:
            await self._pacer.let_pass(len(piece))
        self.feed_data(piece)


class FaultyWriter(StreamWriter):
    """Sends an answer late, slowly, only up to a byte, or not at all; `on_cut` is told when it breaks off.

    A dropped answer is for `on_cut` to carry out (`reset`); one that is cut ends in order, so that the bytes before the cut arrive.
    """

    def __init__(
        self,
        request: web.BaseRequest,
        *,
        delay_s: float = 0.0,
        pacer: Pacer | None = None,
        cut_at: int | None = None,
        is_dropped: bool = False,
        on_cut: Callable[[], None],
    ) -> None:
        super().__init__(request.protocol, asyncio.get_running_loop())
        self._request = request
        self._delay_s = delay_s
        self._pacer = pacer
        self._cut_at = cut_at
        self._is_dropped = is_dropped
        self._on_cut = on_cut
        self._body_bytes = 0

    async def write_headers(self, status_line: str, headers: CIMultiDict[str]) -> None:
        if self._delay_s:
            await asyncio.sleep(self._delay_s)
        if self._is_dropped:
            self._on_cut()
            raise WireCutError("dropped by a fault")
        await super().write_headers(status_line, headers)

    async def write(
        self,
        chunk: bytes | bytearray | memoryview[int] | memoryview[bytes],
        *,
        drain: bool = True,
        LIMIT: int = 0x10000,  # noqa: N803  # the overridden signature
    ) -> None:
        view = memoryview(chunk).cast("B") if chunk else memoryview(b"")
        while view:
            size_bytes = len(view) if self._pacer is None else min(len(view), self._pacer.piece_bytes)
            if self._cut_at is not None:
                size_bytes = min(size_bytes, self._cut_at - self._body_bytes)
                if size_bytes <= 0:
                    await self._cut()
            if self._pacer is not None:
                await self._pacer.let_pass(size_bytes)
            self._body_bytes += size_bytes
            await super().write(bytes(view[:size_bytes]), drain=drain, LIMIT=LIMIT)
            view = view[size_bytes:]

    async def write_eof(self, chunk: bytes = b"") -> None:
        if chunk:
            await self.write(chunk)
        await super().write_eof()

    async def _cut(self) -> None:
        """Let what was written reach the client, then end the connection in the middle of the answer."""
        self.send_headers()
        transport = self.transport
        if (transport := self.transport) is not None:
            transport.set_write_buffer_limits(high=0)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.drain(), _FLUSH_TIMEOUT_S)
            transport.close()
        self._on_cut()
        raise WireCutError("cut by a fault")
