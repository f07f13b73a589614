"""Whatever is asked of our own port is answered, shortly: never with an error of ours, a traceback, or an update taken in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.depth import depth

from telpher.settings import Secret
from telpher.web import Webhook, WebhookEndpoint, WebServer

_TOKEN = Secret("123456789:AAthis-is-a-token-that-nobody-may-see0")
_LIMIT_S = 10.0
_HEADER = "X-Telegram-Bot-Api-Secret-Token"

_methods = st.sampled_from(["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO"])
_pieces = st.sampled_from(
    [
        "telegram",
        "health",
        "live",
        "ready",
        "metrics",
        "oauth",
        "google",
        "..",
        ".",
        "%2e%2e",
        "%00",
        "%ff",
        "KEY",
        "x" * 900,
    ]
)
_paths = st.one_of(
    st.lists(_pieces, max_size=5).map(lambda pieces: "/" + "/".join(pieces)),
    st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=30).map("/".__add__),
)
_values = st.one_of(
    st.sampled_from(["application/json", "text/plain", "SECRET", "", "0", "127.0.0.1", "chunked", "é", "a" * 2000]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=30),
)
_headers = st.dictionaries(
    st.sampled_from([_HEADER, "Content-Type", "X-Forwarded-For", "Host", "Cookie", "Accept", "Range"]),
    _values,
    max_size=4,
)
_bodies = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"", b"{}", b'{"update_id": 1}', b"[" * 5000, b'"\\ud800"', b"NaN", b'{"update_id": 1e999}']),
)


class _Taken:
    def __init__(self) -> None:
        self.updates: list[Mapping[str, Any]] = []

    async def accept(self, update: Mapping[str, Any]) -> bool:
        self.updates.append(update)
        return True


@pytest.fixture
def taken() -> _Taken:
    return _Taken()


@pytest.fixture
def webhook() -> Webhook:
    return Webhook.of("https://bot.example/behind", _TOKEN, Secret())


@pytest.fixture
async def port(taken: _Taken, webhook: Webhook) -> AsyncIterator[int]:
    async with WebServer(
        "127.0.0.1",
        0,
        checks=lambda: {"telegram": True},
        metrics=lambda: "telpher_up 1\n",
        webhook=WebhookEndpoint(webhook, taken.accept, lambda: True),
        paths=webhook.paths,
    ) as server:
        yield server.port


async def _ask(port: int, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes:
    """Over a bare connection: a client library would set half of this right."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        lines = [f"{method} {path} HTTP/1.1", f"Content-Length: {len(body)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in {"Host": "bot.example", **headers}.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)
        await writer.drain()
        async with asyncio.timeout(_LIMIT_S):
            return await reader.read()
    finally:
        writer.close()


@pytest.mark.timeout(0)
async def test_whatever_is_asked_is_answered_shortly(port: int, webhook: Webhook, taken: _Taken) -> None:
    loop = asyncio.get_running_loop()

    @depth(300)
    @given(_methods, _paths, _headers, _bodies)
    def property_holds(method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        path = path.replace("KEY", str(webhook.path_key))
        answer = asyncio.run_coroutine_threadsafe(_ask(port, method, path, headers, body), loop).result()
        status = int(answer.split(None, 2)[1])
        assert status < 500, answer[:500]
        assert b"Traceback" not in answer
        # What cannot be read as a request at all is told to whoever sent it, with what they sent.
        assert len(answer) < 2000 + len(path)
        for secret in (_TOKEN, webhook.secret):
            assert secret.encode() not in answer

    await asyncio.to_thread(property_holds)
    assert taken.updates == []


@pytest.mark.timeout(0)
async def test_whatever_body_telegrams_door_is_given_is_an_update_or_refused(
    port: int, webhook: Webhook, taken: _Taken
) -> None:
    loop = asyncio.get_running_loop()
    headers = {_HEADER: str(webhook.secret), "Content-Type": "application/json"}

    @depth(150)
    @given(_bodies)
    def property_holds(body: bytes) -> None:
        path = f"/telegram/{webhook.path_key}"
        answer = asyncio.run_coroutine_threadsafe(_ask(port, "POST", path, headers, body), loop).result()
        assert int(answer.split(None, 2)[1]) in {200, 400}, answer[:500]

    await asyncio.to_thread(property_holds)
    assert all(isinstance(update, dict) for update in taken.updates)
