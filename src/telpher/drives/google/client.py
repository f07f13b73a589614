"""One account's HTTP to Google: paced, authorised, errors translated, and what is safe to repeat repeated a little.

Long waits are not slept through here: the caller gets the error with its fate, and the queue waits.
"""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any, Protocol, TypeVar

import aiohttp
from aiohttp.abc import AbstractStreamWriter
from yarl import URL

from telpher.drives.google.errors import from_answer
from telpher.drives.pacing import Pace, backoff_s
from telpher.errors import DriveBusyError, DriveDisconnectedError, DriveError, DriveUnreachableError

T = TypeVar("T")

_log = logging.getLogger(__name__)

Body = bytes | Callable[[], AsyncIterator[bytes]]
"""A function makes the body anew for each attempt."""

Params = Mapping[str, str | int] | Mapping[str, str]

_TRIES = 4
_PATIENCE_S = 8.0
_CONNECT_TIMEOUT_S = 15.0
_ANSWER_TIMEOUT_S = 60.0
_ERROR_LIMIT_BYTES = 64 << 10
_RESUME_INCOMPLETE = 308


class _Streamed(aiohttp.AsyncIterablePayload):
    """A body that comes as it comes. The request's head does not wait for its first byte: what the server has to do before it takes
    any, it does meanwhile.
    """

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        writer.send_headers()
        await super().write_with_length(writer, content_length)


class Authorizer(Protocol):
    """Speaks for one account. Its tokens are never logged."""

    async def token(self) -> str:
        """An access token that is good for a while. Raises LoginRequiredError, DriveUnreachableError."""

    async def refused(self, token: str) -> None:
        """Google did not take `token`: get another one, unless that has happened already."""


class GoogleClient:
    """Connections of its own to one API root. Made within a running loop."""

    def __init__(self, api_url: str, authorizer: Authorizer, pace: Pace) -> None:
        self._root = URL(api_url)
        self._authorizer = authorizer
        self._pace = pace
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_TIMEOUT_S, sock_read=_ANSWER_TIMEOUT_S),
            headers={"User-Agent": "telpher (gzip)"},
            read_bufsize=1 << 20,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    def url(self, path: str) -> URL:
        """An address below the API's root."""
        return URL(f"{str(self._root).rstrip('/')}{path}", encoded=True)

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """A JSON call that may be repeated without harm. Raises DriveError."""
        headers = {} if body is None else {"Content-Type": "application/json; charset=UTF-8"}
        content = b"" if body is None else json.dumps(body).encode()

        async def once() -> dict[str, Any]:
            async with self.answer(method, self.url(path), params=params, headers=headers, body=content) as answer:
                return await read_json(answer)

        return await self.repeated(once)

    async def repeated(self, once: Callable[[], Awaitable[T]]) -> T:
        """Do `once` until it works, as long as that is a matter of seconds."""
        for attempt in range(1, _TRIES + 1):
            try:
                return await once()
            except (DriveBusyError, DriveUnreachableError) as error:
                wait_s = error.retry_after_s if error.retry_after_s is not None else backoff_s(attempt)
                if attempt == _TRIES or wait_s > _PATIENCE_S:
                    raise
                _log.info("Google: %s; attempt %d follows", error, attempt + 1)
                if not isinstance(error, DriveBusyError):
                    # A busy drive is waited for in the pace, together with everybody else.
                    await self._pace.pause(wait_s)
        raise AssertionError("unreachable")

    @contextlib.asynccontextmanager
    async def answer(
        self,
        method: str,
        url: URL,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        body: Body = b"",
        is_once_only: bool = False,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One request; yields an answer of 2xx or 308 whose body is not read yet.

        Refused tokens are replaced once and the request is made again; one that can be made `is_once_only` (its body is a stream) raises
        DriveUnreachableError instead, with a fresh token ready for the next. Raises DriveError.
        """
        response = await self._respond(method, url, params, headers or {}, body, is_once_only=is_once_only)
        try:
            yield response
        finally:
            # Not `release`: that would keep reading a large body that nobody wants.
            response.close() if not response.content.at_eof() else response.release()

    async def _respond(
        self,
        method: str,
        url: URL,
        params: Params | None,
        headers: Mapping[str, str],
        body: Body,
        *,
        is_once_only: bool,
    ) -> aiohttp.ClientResponse:
        has_new_token = False
        while True:
            await self._pace.turn()
            if self._session.closed:
                raise DriveDisconnectedError("this drive is closed")
            token = await self._authorizer.token()
            with translated():
                response = await self._session.request(
                    method,
                    url.update_query(params) if params else url,
                    headers={**headers, **self._authorization(url, token)},
                    data=body if isinstance(body, bytes) else _Streamed(body()),
                    allow_redirects=False,
                )
            if response.status < 300 or response.status == _RESUME_INCOMPLETE:
                self._pace.served()
                return response
            error = await self._error(response)
            if response.status != 401 or has_new_token:
                raise error
            await self._authorizer.refused(token)
            if is_once_only:
                raise DriveUnreachableError("the token had expired on the way")
            has_new_token = True

    def _authorization(self, url: URL, token: str) -> dict[str, str]:
        # A session's address is named by the server; the token goes nowhere but to the API that we were told of.
        return {"Authorization": f"Bearer {token}"} if url.origin() == self._root.origin() else {}

    async def _error(self, response: aiohttp.ClientResponse) -> DriveError:
        body = b""
        with translated():
            async for piece in response.content.iter_chunked(_ERROR_LIMIT_BYTES):
                body += piece
                if len(body) >= _ERROR_LIMIT_BYTES:
                    break
        response.close() if not response.content.at_eof() else response.release()
        error = from_answer(response.status, response.headers, body)
        if isinstance(error, DriveBusyError):
            error.retry_after_s = self._pace.refused(error.retry_after_s)
        return error


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Turn what the network does into ours."""
    try:
        yield
    except TimeoutError as error:
        raise DriveUnreachableError("no answer in time") from error
    except (aiohttp.ClientError, OSError) as error:
        # The exception's own text may hold an upload session's address, which is as good as a key.
        raise DriveUnreachableError(f"the connection failed ({type(error).__name__})") from error


async def read_json(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The answer's JSON object, empty for an empty body."""
    with translated():
        body = await answer.read()
    try:
        read = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        raise DriveUnreachableError("the answer was no JSON") from None
    if not isinstance(read, dict):
        raise DriveUnreachableError("the answer was no JSON object")
    return read
