"""The request class: what goes over the wire, and what its errors say (and do not)."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from telegram import Bot, InputFile
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError, RetryAfter, TimedOut
from tests.driver import Person, media_of

from telpher.bot.request import AiohttpRequest, AnswerLostError, ApiAddress, NotDeliveredError, StreamedFile
from telpher.errors import DriveUnreachableError
from telpher.sandbox.service import Sandbox
from telpher.settings import Secret

Faults = Callable[..., Awaitable[None]]
TOKEN = "987654321:AAthis-is-a-token-that-nobody-may-see0"


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_the_library_works_over_it(sandbox: Sandbox, http: AiohttpRequest, anna: Person) -> None:
    bot = Bot(sandbox.token, base_url=f"{sandbox.url}/bot", request=http, get_updates_request=http)
    async with bot:
        assert bot.username == "telpher_sandbox_bot"
        streamed = StreamedFile(6, _chunks(b"abc", b"def"))
        document = InputFile(streamed, filename='say "hi", Привет.txt', read_file_handle=False)  # type: ignore[arg-type]
        await bot.send_document(1001, document, caption="<b>bold</b>", parse_mode="HTML")
    message = await anna.wait_for(lambda m: "document" in m)
    assert media_of(message)["file_name"] == "say 'hi', Привет.txt"
    assert message["caption"] == "bold"
    assert await anna.download(message) == b"abcdef"


async def test_a_streamed_body_has_a_length_and_is_never_whole_in_memory(http: AiohttpRequest) -> None:
    seen: dict[str, object] = {}
    made = 0
    most_ahead = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal made
        for _ in range(64):
            made += 1 << 20
            yield b"\0" * (1 << 20)

    async def take(request: web.Request) -> web.Response:
        nonlocal most_ahead
        seen.update(request.headers)
        got = 0
        async for chunk in request.content.iter_chunked(1 << 20):
            got += len(chunk)
            most_ahead = max(most_ahead, made - got)
        seen["got"] = got
        return web.json_response({"ok": True, "result": "taken"})

    async with _serving(take) as url:
        files = {"document": ("zeros", StreamedFile(64 << 20, chunks()), "application/zip")}
        assert await http.call(f"{url}/bot{TOKEN}/sendDocument", {"chat_id": 1}, files=files) == "taken"
    assert "Transfer-Encoding" not in seen
    assert int(str(seen["Content-Length"])) == seen["got"]
    assert most_ahead < 16 << 20


@pytest.mark.parametrize("chunks", [(b"short",), (b"much", b"too", b"long")])
async def test_a_file_of_another_size_than_announced_is_not_delivered(
    http: AiohttpRequest, address: ApiAddress, anna: Person, chunks: tuple[bytes, ...]
) -> None:
    files = {"document": ("f", StreamedFile(8, _chunks(*chunks)), "text/plain")}
    with pytest.raises(NetworkError, match="announced"):
        await http.call(address.method("sendDocument"), {"chat_id": 1001}, files=files)
    assert anna.messages == []


async def test_what_the_source_raises_is_the_cause(http: AiohttpRequest, address: ApiAddress) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise DriveUnreachableError("the drive broke off")

    with pytest.raises(NetworkError) as caught:
        await http.call(
            address.method("sendDocument"),
            {"chat_id": 1001},
            files={"document": ("f", StreamedFile(8, broken()), "text/plain")},
        )
    assert isinstance(caught.value.__cause__, DriveUnreachableError)


async def test_telegrams_own_errors_are_the_librarys(http: AiohttpRequest, address: ApiAddress, faults: Faults) -> None:
    with pytest.raises(BadRequest, match="Chat not found"):
        await http.call(address.method("sendMessage"), {"chat_id": 5, "text": "x"})
    with pytest.raises(InvalidToken):
        await http.call(ApiAddress(address.api_url, Secret(TOKEN)).method("getMe"), {})
    await faults(match="getMe", kind="status", status=429, retry_after=7, times=1)
    with pytest.raises(RetryAfter) as caught:
        await http.call(address.method("getMe"), {})
    assert caught.value._retry_after.total_seconds() == 7
    await faults(match="getMe", kind="status", status=409, times=1)
    with pytest.raises(Conflict):
        await http.call(address.method("getMe"), {})


async def test_no_error_shows_the_token(http: AiohttpRequest) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        closed_port = unused.getsockname()[1]

    async def hang_up(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def wait(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    async with _serving(hang_up) as hanging_up, _serving(wait) as silent, AiohttpRequest(read_timeout_s=0.1) as hasty:
        for request, root, kind in (
            (http, f"http://127.0.0.1:{closed_port}", NotDeliveredError),
            (http, "http://no such host", NetworkError),
            (http, hanging_up, AnswerLostError),
            (hasty, silent, TimedOut),
        ):
            place = ApiAddress(root, Secret(TOKEN))
            with pytest.raises(kind) as caught:
                await request.call(place.method("getMe"), {})
            with pytest.raises(NetworkError) as downloading:
                async with request.download(place.file("documents/file_1")):
                    pass
            for error in (caught.value, downloading.value):
                assert TOKEN not in "".join(traceback.format_exception(error)) + repr(error)
    assert TOKEN not in repr(ApiAddress("http://x", Secret(TOKEN)))


async def test_an_upload_that_stalls_ends(http: AiohttpRequest, address: ApiAddress) -> None:
    async def stalling() -> AsyncIterator[bytes]:
        yield b"some"
        await asyncio.sleep(30)

    async with AiohttpRequest(write_timeout_s=0.2) as hasty:
        with pytest.raises(NotDeliveredError):
            await hasty.call(
                address.method("sendDocument"),
                {"chat_id": 1001},
                files={"document": ("f", StreamedFile(8, stalling()), "text/plain")},
            )


class _serving:  # noqa: N801 - reads as a verb
    """A server of one handler for every address."""

    def __init__(self, handler: Callable[[web.Request], Awaitable[web.Response]]) -> None:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{any:.*}", handler)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> str:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *exc_info: object) -> None:
        await self._runner.cleanup()
