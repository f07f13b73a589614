"""An offline Telegram, a request class, and an empty database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.driver import Person

from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.sandbox.service import Sandbox
from telpher.settings import Secret
from telpher.store import Store, open_store


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def address(sandbox: Sandbox) -> ApiAddress:
    return ApiAddress(sandbox.url, Secret(sandbox.token))


@pytest.fixture
async def http() -> AsyncIterator[AiohttpRequest]:
    async with AiohttpRequest(read_timeout_s=5.0) as request:
        yield request


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Person]:
    async with Person(sandbox.url) as person:
        yield person


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "telpher.db")


@pytest.fixture
async def faults(sandbox: Sandbox) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    async with aiohttp.ClientSession() as session:

        async def add(**rule: Any) -> None:
            async with session.post(f"{sandbox.url}/sandbox/faults", json=rule) as response:
                assert response.status == 200, await response.text()

        yield add
