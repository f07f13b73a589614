"""The web endpoints: only Telegram gets in, and only this machine sees how we are."""

from __future__ import annotations

import io
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from telpher.errors import BadInputError, DiskFullError, SettingsInvalidError, StoreError
from telpher.settings import Secret
from telpher.web import Webhook, WebhookEndpoint, WebServer

TOKEN = Secret("123456789:AAthis-is-a-token-that-nobody-may-see0")
HEADER = "X-Telegram-Bot-Api-Secret-Token"


class Bot:
    """What the endpoint is handed."""

    def __init__(self) -> None:
        self.accepted: list[Mapping[str, Any]] = []
        self.has_room = True
        self.failure: Exception | None = None
        self.is_ready = True

    async def accept(self, update: Mapping[str, Any]) -> bool:
        if self.failure is not None:
            raise self.failure
        self.accepted.append(update)
        return True


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def webhook() -> Webhook:
    return Webhook.of("https://bot.example/behind/a/proxy", TOKEN, Secret())


@pytest.fixture
async def server(bot: Bot, webhook: Webhook) -> AsyncIterator[WebServer]:
    endpoint = WebhookEndpoint(webhook, bot.accept, lambda: bot.has_room)
    async with WebServer(
        "127.0.0.1",
        0,
        checks=lambda: {"telegram": bot.is_ready},
        metrics=lambda: f"telpher_updates_total {len(bot.accepted)}\n",
        webhook=endpoint,
        paths=webhook.paths,
    ) as running:
        yield running


@pytest.fixture
async def client(server: WebServer) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{server.port}") as session:
        yield session


def _telegram(webhook: Webhook) -> dict[str, str]:
    return {HEADER: webhook.secret}


async def test_telegram_is_let_in(client: aiohttp.ClientSession, webhook: Webhook, bot: Bot) -> None:
    for path in (f"/telegram/{webhook.path_key}", webhook.url.removeprefix("https://bot.example")):
        async with client.post(path, json={"update_id": 1}, headers=_telegram(webhook)) as answer:
            assert answer.status == 200
    assert bot.accepted == [{"update_id": 1}, {"update_id": 1}]


async def test_nobody_else_is(client: aiohttp.ClientSession, webhook: Webhook, bot: Bot) -> None:
    right = f"/telegram/{webhook.path_key}"
    for path, headers, status in (
        ("/telegram/guess", _telegram(webhook), 404),
        (f"/telegram/{webhook.path_key[:-1]}", _telegram(webhook), 404),
        (right, {}, 403),
        (right, {HEADER: webhook.secret[:-1]}, 403),
        (right, {HEADER: "ünicode"}, 403),
    ):
        async with client.post(path, json={"update_id": 1}, headers=headers) as answer:
            assert answer.status == status, path
    async with client.get(right, headers=_telegram(webhook)) as answer:
        assert answer.status == 405
    assert bot.accepted == []


async def test_only_updates_are_taken(client: aiohttp.ClientSession, webhook: Webhook, bot: Bot) -> None:
    path, headers = f"/telegram/{webhook.path_key}", _telegram(webhook) | {"Content-Type": "application/json"}
    for body, status in ((b"{", 400), (b"[1]", 400), (b"\xff\xfe", 400), (b'"' + b"x" * (1 << 20) + b'"', 413)):
        async with client.post(path, data=io.BytesIO(body), headers=headers) as answer:
            assert answer.status == status, body[:10]
    async with client.post(path, data=b"{}", headers=headers | {"Content-Type": "text/plain"}) as answer:
        assert answer.status == 415
    bot.failure = BadInputError("an update without an update_id")
    async with client.post(path, data=b"{}", headers=headers) as answer:
        assert answer.status == 400
    assert bot.accepted == []


async def test_what_was_not_stored_gets_no_200(client: aiohttp.ClientSession, webhook: Webhook, bot: Bot) -> None:
    path = f"/telegram/{webhook.path_key}"
    bot.has_room = False
    async with client.post(path, json={"update_id": 1}, headers=_telegram(webhook)) as answer:
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    bot.has_room, bot.failure = True, OSError(28, "No space left on device")
    async with client.post(path, json={"update_id": 1}, headers=_telegram(webhook)) as answer:
        assert answer.status == 500
        assert "space" not in await answer.text()
    for failure in (StoreError("locked"), DiskFullError("full")):
        bot.failure = failure
        async with client.post(path, json={"update_id": 1}, headers=_telegram(webhook)) as answer:
            assert answer.status == 503
            assert await answer.text() == ""


async def test_health_and_metrics_are_for_this_machine(client: aiohttp.ClientSession, bot: Bot) -> None:
    async with client.get("/health/live") as answer:
        assert answer.status == 200
    async with client.get("/health/ready") as answer:
        assert (answer.status, await answer.json()) == (200, {"telegram": True})
    bot.is_ready = False
    async with client.get("/health/ready") as answer:
        assert (answer.status, await answer.json()) == (503, {"telegram": False})
    async with client.get("/metrics") as answer:
        assert await answer.text() == "telpher_updates_total 0\n"
    for path in ("/health/live", "/health/ready", "/metrics"):
        async with client.get(path, headers={"X-Forwarded-For": "203.0.113.7"}) as answer:
            assert answer.status == 404


async def test_a_busy_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = WebServer("127.0.0.1", port, checks=dict, metrics=str, webhook=None, paths=set())
        with pytest.raises(SettingsInvalidError, match=rf"127\.0\.0\.1:{port} is in use .* WEB_PORT"):
            await server.start()


def test_path_and_secret_are_the_same_after_a_restart_and_tell_nothing() -> None:
    first, second = (Webhook.of("https://bot.example", TOKEN, Secret()) for _ in range(2))
    assert first == second
    assert first != Webhook.of("https://bot.example", Secret(TOKEN[:-1] + "1"), Secret())
    assert len({first.path_key, first.secret}) == 2
    assert TOKEN.partition(":")[2] not in first.url + first.secret
    assert first.secret not in repr(first)
    assert first.path_key not in repr(first)
    assert Webhook.of("https://bot.example", TOKEN, Secret("my-own_1")).secret == "my-own_1"
    with pytest.raises(SettingsInvalidError, match="WEBHOOK_SECRET"):
        Webhook.of("https://bot.example", TOKEN, Secret("no spaces"))
