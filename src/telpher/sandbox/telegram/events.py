"""What a person's chat window sees happen, in order: stored, numbered, and handed on the moment it happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from telpher.sandbox.telegram.ledger import Json, Ledger


class Events:
    """Appends events for people and lets any number of windows follow them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._waiting: set[asyncio.Future[None]] = set()
        self._is_closed = False

    def add(self, user_ids: Iterable[int], event: Json) -> None:
        """Append `event` to what each of these people sees."""
        for user_id in user_ids:
            self._ledger.add_event(user_id, event)
        self._wake()

    async def follow(self, user_id: int, after: int, *, idle_s: float) -> AsyncIterator[tuple[int, str] | None]:
        """Yield (sequence number, JSON text) for every event after `after`, forever; None after each `idle_s` of silence."""
        while not self._is_closed:
            found = self._ledger.events(user_id, after)
            for seq, body in found:
                after = seq
                yield seq, body
            if not found and not await self._changed(idle_s):
                yield None

    def close(self) -> None:
        """Let every follower end."""
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    async def _changed(self, timeout_s: float) -> bool:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            done, _ = await asyncio.wait([future], timeout=timeout_s)
            return bool(done)
        finally:
            self._waiting.discard(future)
