"""Uploads to Google: small files as one multipart request, others as one streamed PUT into a session that outlives us.

https://developers.google.com/workspace/drive/api/guides/manage-uploads. We never guess how much has arrived: after a fault the session is
asked with `Content-Range: bytes */N`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import aiohttp
from yarl import URL

from telpher.drives.google.client import GoogleClient, read_json
from telpher.drives.google.query import FIELDS, entry_from, time_text
from telpher.drives.google.sense import making_sense
from telpher.drives.port import Entry, EntryId, UploadSpec
from telpher.errors import (
    DriveError,
    DriveUnreachableError,
    EntryExistsError,
    EntryNotFoundError,
    SessionGoneError,
)

_PARAMS = {"supportsAllDrives": "true", "fields": FIELDS}
_PATH = "/upload/drive/v3/files"
_HELD = re.compile(r"bytes=0-(\d+)")
_PIECE_BYTES = 1 << 20
# Copied in less time than it takes to hand it over in pieces.
_AT_ONCE_BYTES = 256 << 10
# How long the connection may take no byte, and how long Google may think after the last one.
_STALL_TIMEOUT_S = 60.0


def metadata_of(spec: UploadSpec) -> dict[str, Any]:
    """What the new file is told to be."""
    metadata: dict[str, Any] = {"name": spec.name, "parents": [spec.parent_id], "mimeType": spec.mime_type}
    if spec.id is not None:
        metadata["id"] = spec.id
    if spec.modified_at is not None:
        metadata["modifiedTime"] = time_text(spec.modified_at)
    return metadata


async def upload_multipart(client: GoogleClient, spec: UploadSpec, content: bytes) -> Entry:
    """Metadata and content in one request. Raises EntryExistsError when the id has landed before."""
    boundary = secrets.token_hex(16)
    head = (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{json.dumps(metadata_of(spec))}\r\n"
        f"--{boundary}\r\nContent-Type: {spec.mime_type}\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()

    async def pieces() -> AsyncIterator[bytes]:
        yield head
        for start in range(0, len(content), _PIECE_BYTES):
            yield content[start : start + _PIECE_BYTES]
        yield tail

    headers = {
        "Content-Type": f"multipart/related; boundary={boundary}",
        "Content-Length": str(len(head) + len(content) + len(tail)),
    }
    params = {**_PARAMS, "uploadType": "multipart"}
    body = pieces if len(content) > _AT_ONCE_BYTES else head + content + tail
    async with client.answer("POST", client.url(_PATH), params=params, headers=headers, body=body) as answer:
        return entry_from(await read_json(answer))


async def begin_session(client: GoogleClient, spec: UploadSpec) -> URL:
    """Open a session; its address. Raises EntryExistsError when the id has landed before."""
    headers = {
        "Content-Type": "application/json; charset=UTF-8",
        "X-Upload-Content-Type": spec.mime_type,
        "X-Upload-Content-Length": str(spec.size_bytes),
    }
    params = {**_PARAMS, "uploadType": "resumable"}
    body = json.dumps(metadata_of(spec)).encode()

    async def once() -> URL:
        async with client.answer("POST", client.url(_PATH), params=params, headers=headers, body=body) as answer:
            location = answer.headers.get("Location")
        if not location:
            raise DriveUnreachableError("a session without an address")
        return URL(location, encoded=True)

    return await client.repeated(once)


class GoogleUpload:
    """An `UploadSession` whose token is the session's address, as good as a key: never logged."""

    def __init__(
        self, client: GoogleClient, address: URL, spec: UploadSpec, stat: Callable[[EntryId], Awaitable[Entry]]
    ) -> None:
        self._client = client
        self._address = address
        self._spec = spec
        self._stat = stat

    @property
    def token(self) -> str:
        """See the port."""
        return str(self._address)

    @making_sense
    async def received(self) -> int | Entry:
        """See the port."""
        headers = {"Content-Range": f"bytes */{self._spec.size_bytes}", "Content-Length": "0"}

        async def once() -> int | Entry:
            async with self._client.answer("PUT", self._address, headers=headers) as answer:
                return await self._outcome(answer)

        with _session_errors():
            return await self._client.repeated(once)

    async def send(self, chunks: AsyncIterator[bytes], offset: int) -> Entry | int:
        """See the port."""
        total = self._spec.size_bytes
        if offset >= total > 0:
            return await self.received()
        headers = {
            "Content-Length": str(total - offset),
            "Content-Range": f"bytes {offset}-{total - 1}/{total}" if total else "bytes */0",
        }
        try:
            async with asyncio.timeout(None) as patience:
                body = _Outgoing(chunks, total - offset, patience)
                with _session_errors():
                    try:
                        answer_to = self._client.answer(
                            "PUT", self._address, headers=headers, body=body.pieces, is_once_only=True
                        )
                        async with answer_to as answer:
                            return await self._outcome(answer)
                    except DriveUnreachableError:
                        # The network's error may only be the echo of the source's.
                        if body.failure is not None:
                            raise body.failure from None
                        raise
        except TimeoutError:
            raise DriveUnreachableError("the upload stood still") from None
        except _EndedEarlyError:
            return await self.received()
        except EntryExistsError:
            if self._spec.id is None:
                raise
            return await self._stat(self._spec.id)

    @making_sense
    async def cancel(self) -> None:
        """See the port."""
        try:
            async with self._client.answer("DELETE", self._address, headers={"Content-Length": "0"}):
                pass
        except DriveUnreachableError:
            raise
        except DriveError:
            # 499 is Google's "cancelled"; 404 and 410 say that it was gone already.
            return

    @making_sense
    async def _outcome(self, answer: aiohttp.ClientResponse) -> int | Entry:
        if answer.status != 308:
            return entry_from(await read_json(answer))
        held = _HELD.fullmatch(answer.headers.get("Range", "").replace(" ", ""))
        return int(held[1]) + 1 if held else 0


class _EndedEarlyError(Exception):
    """The source gave fewer bytes than were announced."""


@contextlib.contextmanager
def _session_errors() -> Iterator[None]:
    """Within a session, "not found" is the session's end, not an entry's."""
    try:
        yield
    except EntryNotFoundError as error:
        raise SessionGoneError(error.detail) from error


class _Outgoing:
    """The body of a PUT: counts what the source gives, remembers how it failed, and watches that the connection takes it."""

    def __init__(self, chunks: AsyncIterator[bytes], wanted_bytes: int, patience: asyncio.Timeout) -> None:
        self._chunks = chunks
        self._wanted_bytes = wanted_bytes
        self._patience = patience
        self.failure: Exception | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        """Exactly as many bytes as were announced, or a failure that breaks the request off."""
        loop = asyncio.get_running_loop()
        try:
            left = self._wanted_bytes
            async for chunk in self._chunks:
                left -= len(chunk)
                if left < 0:
                    raise DriveError("more bytes came than were announced")  # noqa: TRY301 - remembered below with the rest
                self._patience.reschedule(loop.time() + _STALL_TIMEOUT_S)
                if left == 0:
                    await self._expect_the_end()
                yield chunk
                # How long the source takes is not the connection's fault.
                self._patience.reschedule(None if left else loop.time() + _STALL_TIMEOUT_S)
                if left == 0:
                    return
            if left:
                raise _EndedEarlyError  # noqa: TRY301 - as above
        except Exception as error:
            self.failure = error
            raise

    async def _expect_the_end(self) -> None:
        """Before the last piece leaves: once it has, the file is made, and one byte too many would be noticed too late."""
        async for more in self._chunks:
            if more:
                raise DriveError("more bytes came than were announced")
