"""Delivers updates to the bot's webhook: in order per chat, several chats at once, again and again until the bot answers 2xx.

https://core.telegram.org/bots/api#setwebhook
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from telpher.sandbox.telegram.ledger import Json
from telpher.sandbox.telegram.world import World

_ANSWER_TIMEOUT_S = 60.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 30.0


class Webhook:
    """Runs while the server runs; without a webhook set it sleeps."""

    def __init__(self, world: World, call_method: Callable[[str, Json], Awaitable[None]]) -> None:
        self._world = world
        self._call_method = call_method
        self._wake = asyncio.Event()
        self._busy_chats: set[int] = set()
        world.updates.on_added = self._wake.set

    async def run(self) -> None:
        """Deliver until cancelled."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_TIMEOUT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as group:
            while True:
                self._wake.clear()
                webhook = self._world.ledger.fact("bot", "webhook")
                if webhook is not None:
                    free = webhook["max_connections"] - len(self._busy_chats)
                    for chat_id, update in self._world.updates.deliverable(free, self._busy_chats):
                        self._busy_chats.add(chat_id)
                        group.create_task(self._deliver(session, chat_id, update))
                await self._wake.wait()

    async def _deliver(self, session: aiohttp.ClientSession, chat_id: int, update: Json) -> None:
        pause_s = _FIRST_PAUSE_S
        try:
            while (webhook := self._world.ledger.fact("bot", "webhook")) is not None:
                problem = await self._post(session, webhook, update)
                if problem is None:
                    self._world.updates.confirm(update["update_id"])
                    return
                self._note(problem)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        finally:
            self._busy_chats.discard(chat_id)
            self._wake.set()

    async def _post(self, session: aiohttp.ClientSession, webhook: Json, update: Json) -> str | None:
        headers = {"Content-Type": "application/json"}
        if webhook.get("secret_token"):
            headers["X-Telegram-Bot-Api-Secret-Token"] = webhook["secret_token"]
        try:
            async with session.post(webhook["url"], data=json.dumps(update), headers=headers) as response:
                if not 200 <= response.status < 300:
                    return f"Wrong response from the webhook: {response.status} {response.reason}"
                await self._answer(await response.read())
                return None
        except TimeoutError:
            return "Read timeout expired"
        except aiohttp.ClientError as error:
            return f"Connection failed: {type(error).__name__}"

    async def _answer(self, body: bytes) -> None:
        """A bot may call one method in its answer; what the method says goes nowhere."""
        try:
            wanted: Any = json.loads(body)
        except ValueError:
            return
        if isinstance(wanted, dict) and isinstance(name := wanted.pop("method", None), str):
            await self._call_method(name, wanted)

    def _note(self, problem: str) -> None:
        webhook = self._world.ledger.fact("bot", "webhook")
        if webhook is not None:
            noted = {**webhook, "last_error_date": self._world.now(), "last_error_message": problem}
            self._world.ledger.set_fact("bot", "webhook", noted)
