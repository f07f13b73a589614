"""multipart/related as upload clients send it, read part by part in constant memory.

Google's own Python client ends lines with a bare LF, others with CRLF; the first line shows which it is. aiohttp's reader knows
only CRLF.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator

from telpher.sandbox.google.errors import DriveError

_HEADERS_LIMIT_BYTES = 64 * 1024


def malformed() -> DriveError:
    """What an upload server says to a body that it cannot take apart."""
    return DriveError(400, "badContent", "Malformed multipart body.")


class RelatedReader:
    """Call `headers` and then `body`, for each part in turn."""

    def __init__(self, chunks: AsyncIterator[bytes], boundary: str) -> None:
        self._chunks = chunks
        self._boundary = b"--" + boundary.encode("latin-1", "replace")
        self._buffer = bytearray()
        self._newline = b""

    async def headers(self) -> dict[str, str]:
        """The next part's headers, names in lower case; raises when there is no further part."""
        if not self._newline:
            first = await self._line(b"\n")
            if first.rstrip() != self._boundary:
                raise malformed()
            self._newline = b"\r\n" if first.endswith(b"\r") else b"\n"
        elif (await self._line(self._newline)).strip():
            raise malformed()  # the closing boundary, or rubbish after a boundary
        headers: dict[str, str] = {}
        while line := await self._line(self._newline):
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise malformed()
            headers[name.strip().lower()] = value.strip()
        return headers

    async def body(self) -> AsyncIterator[bytes]:
        """The part's bytes up to the next boundary."""
        mark = self._newline + self._boundary
        while (end := self._buffer.find(mark)) < 0:
            safe = len(self._buffer) - len(mark) + 1
            if safe > 0:
                yield bytes(self._buffer[:safe])
                del self._buffer[:safe]
            await self._more()
        if end:
            yield bytes(self._buffer[:end])
        del self._buffer[: end + len(mark)]

    async def _line(self, newline: bytes) -> bytes:
        while (end := self._buffer.find(newline)) < 0:
            if len(self._buffer) > _HEADERS_LIMIT_BYTES:
                raise malformed()
            await self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + len(newline)]
        return line

    async def _more(self) -> None:
        try:
            self._buffer += await anext(self._chunks)
        except StopAsyncIteration:
            raise malformed() from None


async def decoded(headers: dict[str, str], body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The part's bytes without their transfer encoding."""
    if headers.get("content-transfer-encoding", "binary").lower() != "base64":
        async for chunk in body:
            yield chunk
        return
    rest = b""
    async for chunk in body:
        rest += b"".join(chunk.split())
        whole = len(rest) // 4 * 4
        yield _from_base64(rest[:whole])
        rest = rest[whole:]
    yield _from_base64(rest)


def _from_base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise malformed() from None
