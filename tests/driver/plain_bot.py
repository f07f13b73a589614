"""A bot of a few lines over bare HTTP, so that the chat page is tested against the Bot API and nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp

from telpher.tasks import Nursery

Update = dict[str, Any]


class PlainBot:
    """Calls methods and hands updates to a callable."""

    def __init__(self, http: aiohttp.ClientSession, api_url: str) -> None:
        self._http = http
        self._api_url = api_url

    async def call(self, method: str, **arguments: Any) -> Any:
        """The method's result. Raises AssertionError with Telegram's description when it is refused."""
        async with self._http.post(f"{self._api_url}/{method}", json=arguments) as response:
            answer = await response.json()
        assert answer["ok"], f"{method}: {answer['description']}"
        return answer["result"]

    async def poll(self, handle: Callable[[Update], Awaitable[None]]) -> None:
        """Handle updates one after the other, for ever; comes back after the server was away."""
        offset = 0
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                for update in await self.call("getUpdates", offset=offset, timeout=5):
                    offset = update["update_id"] + 1
                    await handle(update)


@contextlib.asynccontextmanager
async def plain_bot(
    url: str, token: str, handle: Callable[[PlainBot, Update], Awaitable[None]]
) -> AsyncIterator[PlainBot]:
    """A bot that answers updates with `handle(bot, update)` until the block ends."""
    async with aiohttp.ClientSession() as http, Nursery("plain bot") as nursery:
        bot = PlainBot(http, f"{url}/bot{token}")
        nursery.spawn(bot.poll(lambda update: handle(bot, update)), name="poll")
        yield bot
