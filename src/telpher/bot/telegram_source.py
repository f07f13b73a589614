"""Files in Telegram as sources of transfers: looked up by getFile, streamed with Range, or read in place from a local server's disk.

Implements `transfers.port.Source` and `SourceOpener`. A `source_ref` is JSON: `file_id`, and `size_bytes` as the message told it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

from telegram.error import BadRequest, TelegramError

from telpher.bot.outbox import translated
from telpher.bot.request import AiohttpRequest, ApiAddress, Download
from telpher.errors import (
    DeliveryUnknownError,
    FileTooBigError,
    SourceBusyError,
    SourceGoneError,
    SourceUnreachableError,
    TelpherError,
)

# https://core.telegram.org/bots/api#getfile
_PUBLIC_LIMIT_BYTES = 20 << 20
# A local server fetches the whole file before it answers.
_LOCAL_ANSWER_S = 1800.0


@dataclasses.dataclass(frozen=True)
class _Found:
    """What getFile answered."""

    file_path: str
    size_bytes: int | None


class TelegramSources:
    """Opens what a `source_ref` names: the `SourceOpener` of transfers."""

    def __init__(self, request: AiohttpRequest, address: ApiAddress, *, is_local: bool) -> None:
        self._request = request
        self._address = address
        self._is_local = is_local

    async def __call__(self, source_ref: str) -> TelegramSource:
        """Raises SourceGoneError, FileTooBigError, SourceBusyError, SourceUnreachableError."""
        ref = json.loads(source_ref)
        file_id, told_bytes = ref["file_id"], ref.get("size_bytes")
        found = await self.find(file_id, told_bytes)
        here = await self._here(found)
        if here is None and self._is_local:
            # Another message of the same file may have been done with it a moment ago: asked again, the server fetches it again.
            found = await self.find(file_id, told_bytes)
            here = await self._here(found)
        return TelegramSource(self, file_id, found, here)

    async def _here(self, found: _Found) -> Path | None:
        """Where it lies on this machine, if it does."""
        path = Path(found.file_path)
        is_here = self._is_local and path.is_absolute() and await asyncio.to_thread(path.is_file)
        return path if is_here else None

    async def find(self, file_id: str, told_bytes: int | None) -> _Found:
        """Ask where the file lies now; Telegram promises the answer for an hour."""
        try:
            answer = await self._request.call(
                self._address.method("getFile"),
                {"file_id": file_id},
                read_timeout_s=_LOCAL_ANSWER_S if self._is_local else None,
            )
        except BadRequest as error:
            if "too big" in str(error).lower():
                raise FileTooBigError(
                    str(error), limit_bytes=_PUBLIC_LIMIT_BYTES, size_bytes=told_bytes or _PUBLIC_LIMIT_BYTES
                ) from None
            raise SourceGoneError(str(error)) from None
        except TelegramError as error:
            raise _as_source_error(error) from None
        if not answer.get("file_path"):
            raise SourceGoneError("Telegram tells no path for this file")
        return _Found(answer["file_path"], answer.get("file_size", told_bytes))

    def stream(self, found: _Found, offset: int) -> contextlib.AbstractAsyncContextManager[Download]:
        return self._request.download(self._address.file(found.file_path), offset)


class TelegramSource:
    """One file. Its address is asked for anew when it has expired."""

    def __init__(self, sources: TelegramSources, file_id: str, found: _Found, local_path: Path | None) -> None:
        self._sources = sources
        self._file_id = file_id
        self._found = found
        self._local_path = local_path

    @property
    def size_bytes(self) -> int | None:
        return self._found.size_bytes

    @property
    def local_path(self) -> Path | None:
        return self._local_path

    @contextlib.asynccontextmanager
    async def open(self, offset: int) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """See the port. A file whose address has expired is looked up once more; one that is gone then is gone."""
        async with contextlib.AsyncExitStack() as stack:
            try:
                answer = await stack.enter_async_context(self._sources.stream(self._found, offset))
                if answer.status == 404:
                    self._found = await self._sources.find(self._file_id, self._found.size_bytes)
                    answer = await stack.enter_async_context(self._sources.stream(self._found, offset))
            except TelegramError as error:
                raise _as_source_error(error) from None
            if answer.status == 416 and offset == self._found.size_bytes:
                yield offset, _nothing()
                return
            _check(answer)
            yield answer.offset, _translating(answer.chunks)

    async def dispose(self) -> None:
        """Delete the local server's copy; Telegram keeps the file itself."""
        if self._local_path is not None:
            await asyncio.to_thread(self._local_path.unlink, missing_ok=True)


def _check(answer: Download) -> None:
    if answer.status in {200, 206}:
        return
    if answer.status in {404, 410, 416}:
        raise SourceGoneError(f"Telegram answers {answer.status} for the file")
    if answer.status == 429:
        raise SourceBusyError("Telegram asks for a pause", retry_after_s=answer.retry_after_s)
    raise SourceUnreachableError(f"Telegram answers {answer.status} for the file")


async def _translating(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except TelegramError as error:
        raise _as_source_error(error) from None


async def _nothing() -> AsyncIterator[bytes]:
    empty: tuple[bytes, ...] = ()
    for chunk in empty:
        yield chunk


def _as_source_error(error: TelegramError) -> TelpherError:
    failure = translated(error)
    # For a question there is no delivery to be unsure of: asking again is safe.
    return SourceUnreachableError(failure.detail) if isinstance(failure, DeliveryUnknownError) else failure
