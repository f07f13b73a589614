"""HTTP to the Bot API by aiohttp: python-telegram-bot's request class, streamed uploads, and downloads with Range.

No address leaves this module in an exception: the token is part of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypeAlias, cast
from urllib.parse import quote, urlencode

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData

from telpher.settings import Secret

CHUNK_BYTES = 1 << 20
_CONNECTION_LIMIT = 100
_KEEPALIVE_S = 20.0


class AnswerLostError(NetworkError):
    """The connection broke after the whole request was handed over: the server may have acted on it or not."""


class NotDeliveredError(NetworkError):
    """The request did not reach the server whole, so it had no effect: repeating it is safe."""


@dataclasses.dataclass(frozen=True)
class ApiAddress:
    """Where a bot's methods and files lie. Both answers hold the token: they go to the HTTP client and nowhere else."""

    api_url: str
    token: Secret

    @property
    def bot_id(self) -> int:
        """The number before the token's colon; 0 where the token has no such shape."""
        head = self.token.partition(":")[0]
        return int(head) if head.isdigit() else 0

    def method(self, name: str) -> str:
        return f"{self.api_url}/bot{self.token}/{name}"

    def file(self, file_path: str) -> str:
        return f"{self.api_url}/file/bot{self.token}/{quote(file_path.lstrip('/'))}"


@dataclasses.dataclass(frozen=True)
class StreamedFile:
    """The content of a multipart part that is sent as it comes: exactly `size_bytes` bytes, once.

    Handed to python-telegram-bot as `InputFile(streamed, filename=…, read_file_handle=False)`.
    """

    size_bytes: int
    chunks: AsyncIterator[bytes]


FilePart: TypeAlias = tuple[str, bytes | StreamedFile, str]
"""File name, content, MIME type."""


@dataclasses.dataclass(frozen=True)
class Download:
    """An answer that is being streamed. `offset` is where its bytes really start; `total_bytes` the whole file's size, if told."""

    status: int
    offset: int
    total_bytes: int | None
    chunks: AsyncIterator[bytes]
    retry_after_s: float | None


@dataclasses.dataclass(frozen=True)
class _PlainParameters:
    """What `AiohttpRequest.do_request` reads of a RequestData, for calls that are made past python-telegram-bot's methods."""

    json_parameters: Mapping[str, str]
    multipart_data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


class AiohttpRequest(BaseRequest):
    """One pool of connections for everything that Telpher asks of Telegram.

    Timeouts are for one step (connecting, one chunk written, the wait for the answer's next bytes), never for a whole transfer.
    """

    __slots__ = ("_connect_timeout_s", "_pool_timeout_s", "_read_timeout_s", "_session", "_write_timeout_s")

    def __init__(
        self,
        *,
        connect_timeout_s: float = 10.0,
        read_timeout_s: float = 20.0,
        write_timeout_s: float = 60.0,
        pool_timeout_s: float = 30.0,
    ) -> None:
        self._connect_timeout_s = connect_timeout_s
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s
        self._pool_timeout_s = pool_timeout_s
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        return self._read_timeout_s

    async def initialize(self) -> None:
        """Open the pool; calling it again changes nothing."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=_CONNECTION_LIMIT, keepalive_timeout=_KEEPALIVE_S),
                headers={"User-Agent": "Telpher"},
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=True,
                read_bufsize=CHUNK_BYTES,
            )

    async def shutdown(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def call(
        self,
        url: str,
        parameters: Mapping[str, Any],
        *,
        files: Mapping[str, FilePart] | None = None,
        read_timeout_s: float | None = None,
    ) -> Any:
        """POST to the method at `url` and return its `result` as plain JSON. Raises telegram.error.TelegramError.

        What a streamed file's chunks raise is the `__cause__` of the NetworkError that then ends the call.
        """
        plain = _PlainParameters(
            {name: _encoded(value) for name, value in parameters.items() if value is not None}, files or {}
        )
        timeout = self._read_timeout_s if read_timeout_s is None else read_timeout_s
        # `post` only hands the data on to `do_request` below, and answers what Telegram's envelope holds.
        return await self.post(url, cast("RequestData", plain), read_timeout=timeout)

    async def do_request(  # noqa: PLR0917 - python-telegram-bot's signature
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: Any = BaseRequest.DEFAULT_NONE,
        write_timeout: Any = BaseRequest.DEFAULT_NONE,
        connect_timeout: Any = BaseRequest.DEFAULT_NONE,
        pool_timeout: Any = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """One request to the Bot API. Raises TimedOut, NotDeliveredError or NetworkError; a TelpherError of a streamed part as it is."""

        def given(value: Any, default_s: float) -> float | None:
            return default_s if value is BaseRequest.DEFAULT_NONE else value

        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=given(pool_timeout, self._pool_timeout_s),
            sock_connect=given(connect_timeout, self._connect_timeout_s),
            sock_read=given(read_timeout, self._read_timeout_s),
        )
        body = _Body(request_data)
        session = self._open_session()
        try:
            async with asyncio.timeout(None) as stalled:
                body.watch(stalled, given(write_timeout, self._write_timeout_s))
                async with session.request(
                    method, url, data=body.data(), headers=body.headers, timeout=timeout, allow_redirects=False
                ) as response:
                    # The answer has begun: what limits it now is `sock_read`.
                    stalled.reschedule(None)
                    return response.status, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            if body.failure is not None:
                raise body.failure from None
            raise _translated(error, is_whole=body.is_sent) from None

    @contextlib.asynccontextmanager
    async def download(self, url: str, offset: int = 0) -> AsyncIterator[Download]:
        """Stream the file at `url` from `offset` on, in constant memory. The caller looks at `status` first.

        Raises TimedOut or NetworkError, also while the chunks are read; a body that ends early raises NetworkError.
        """
        timeout = aiohttp.ClientTimeout(
            total=None,
            connect=self._pool_timeout_s,
            sock_connect=self._connect_timeout_s,
            sock_read=self._read_timeout_s,
        )
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        try:
            response = await self._open_session().get(url, headers=headers, timeout=timeout, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _translated(error, is_whole=True) from None
        async with response:
            start, total = _range_of(response)
            retry_after = response.headers.get("Retry-After", "")
            yield Download(
                status=response.status,
                offset=start,
                total_bytes=total,
                chunks=_chunks_of(response),
                retry_after_s=float(retry_after) if retry_after.isdigit() else None,
            )

    async def date_of(self, url: str) -> str | None:
        """What the server's clock says (its Date header); None where it cannot be asked."""
        timeout = aiohttp.ClientTimeout(total=self._connect_timeout_s)
        try:
            async with self._open_session().head(url, timeout=timeout, allow_redirects=False) as response:
                return response.headers.get("Date")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            raise RuntimeError("the request class is not initialized, or is shut down")
        return self._session


class _Body:
    """A request's body: urlencoded parameters, or multipart of known length whose file parts may be streams."""

    def __init__(self, request_data: RequestData | None) -> None:
        self.failure: Exception | None = None
        """What a streamed part raised; aiohttp would bury it."""
        self.is_sent = False
        """Whether the last byte was handed over: before that, the server cannot have acted."""
        self.headers: dict[str, str] = {}
        self._parts: list[bytes | StreamedFile] = []
        self._stalled: asyncio.Timeout | None = None
        self._stall_s: float | None = None
        if request_data is None:
            self.is_sent = True
            return
        if files := request_data.multipart_data:
            self._lay_out(request_data.json_parameters, files)
        else:
            self.is_sent = True
            self._parts = [urlencode(request_data.json_parameters).encode()]
            self.headers["Content-Type"] = "application/x-www-form-urlencoded"

    def watch(self, stalled: asyncio.Timeout, stall_s: float | None) -> None:
        """Let `stalled` fire when one chunk takes longer than `stall_s` to be written."""
        if not self.is_sent:
            self._stalled, self._stall_s = stalled, stall_s

    def data(self) -> bytes | AsyncIterator[bytes] | None:
        if not self._parts:
            return None
        if "Content-Length" in self.headers:
            return self._stream()
        return cast("bytes", self._parts[0])

    def _lay_out(self, parameters: Mapping[str, str], files: Mapping[str, Any]) -> None:
        boundary = secrets.token_hex(16)
        text = bytearray()
        for name, value in parameters.items():
            text += (
                f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"\r\n\r\n{value}\r\n'.encode()
            )
        for name, (filename, content, mime_type) in files.items():
            text += (
                f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(filename)}"\r\n'
                f"Content-Type: {mime_type}\r\n\r\n"
            ).encode()
            if isinstance(content, StreamedFile):
                self._parts += [bytes(text), content]
                text = bytearray()
            else:
                text += content if isinstance(content, bytes) else content.read()
            text += b"\r\n"
        self._parts.append(bytes(text) + f"--{boundary}--\r\n".encode())
        length = sum(part.size_bytes if isinstance(part, StreamedFile) else len(part) for part in self._parts)
        self.headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        self.headers["Content-Length"] = str(length)

    async def _stream(self) -> AsyncIterator[bytes]:
        try:
            for part in self._parts:
                if isinstance(part, StreamedFile):
                    sent = 0
                    async for chunk in part.chunks:
                        sent += len(chunk)
                        if sent > part.size_bytes:
                            break
                        yield chunk
                        self._is_moving()
                    _check_size(part.size_bytes, sent)
                else:
                    for start in range(0, len(part), CHUNK_BYTES):
                        self._is_moving()
                        self.is_sent = part is self._parts[-1] and start + CHUNK_BYTES >= len(part)
                        yield part[start : start + CHUNK_BYTES]
        except Exception as error:
            self.failure = error
            raise

    def _is_moving(self) -> None:
        if self._stalled is not None and self._stall_s is not None and not self._stalled.expired():
            self._stalled.reschedule(asyncio.get_running_loop().time() + self._stall_s)


def _encoded(value: Any) -> str:
    if isinstance(value, str):
        return value
    import json  # noqa: PLC0415 - only for values with a structure

    return json.dumps(value, ensure_ascii=False)


def _check_size(announced_bytes: int, sent_bytes: int) -> None:
    if sent_bytes != announced_bytes:
        raise ValueError(f"the file was announced with {announced_bytes} bytes and has another size")


def _quoted(name: str) -> str:
    """A name for a multipart header. There is no escape that all servers undo, so a quotation mark becomes a single one."""
    return name.replace("\r", " ").replace("\n", " ").replace('"', "'")


def _translated(error: Exception, *, is_whole: bool) -> NetworkError:
    """The same fault in python-telegram-bot's words, without an address. `is_whole`: the server may have had all of the request."""
    what = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) or not is_whole:
        return NotDeliveredError(f"Telegram could not be reached ({what})")
    if isinstance(error, TimeoutError):
        return TimedOut(f"Telegram did not answer in time ({what})")
    return AnswerLostError(f"the connection to Telegram broke ({what})")


def _range_of(response: aiohttp.ClientResponse) -> tuple[int, int | None]:
    if response.status == 206 and (
        told := re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    ):
        return int(told[1]), None if told[2] == "*" else int(told[2])
    return 0, response.content_length


async def _chunks_of(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_chunked(CHUNK_BYTES):
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _translated(error, is_whole=True) from None
