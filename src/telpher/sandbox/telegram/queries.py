"""Questions that a person's app asks the bot and waits for: pressed buttons and inline queries, each answered at most once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from telpher.sandbox.telegram.errors import bad_request
from telpher.sandbox.telegram.ledger import Json, Ledger

_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


class Queries:
    """Open questions by id; they survive a restart until they are too old."""

    def __init__(self, ledger: Ledger, lifetime_s: float) -> None:
        self._ledger = ledger
        self._lifetime_s = lifetime_s
        self._waiting: dict[str, asyncio.Future[Any]] = {}

    def open(self, kind: str, user_id: int) -> str:
        """A new question's id; its answer is accepted for as long as the server allows."""
        # Real ids look like large numbers; the counter keeps them from repeating.
        query_id = str(4_300_000_000_000_000_000 + self._ledger.next_id("query"))
        self._ledger.set_fact("query", query_id, {"kind": kind, "user_id": user_id, "asked_at": time.time()})
        return query_id

    def settle(self, kind: str, query_id: str, answer: Any) -> Json:
        """Accept the bot's answer; raises 400 for a question that is unknown, answered or too old."""
        query: Json | None = self._ledger.fact("query", query_id)
        if query is None or query["kind"] != kind:
            raise bad_request(_TOO_OLD)
        self._ledger.set_fact("query", query_id, None)
        if time.time() - query["asked_at"] > self._lifetime_s:
            raise bad_request(_TOO_OLD)
        future = self._waiting.pop(query_id, None)
        if future is not None and not future.done():
            future.set_result(answer)
        return query

    async def answer(self, query_id: str, timeout_s: float) -> Any:
        """Wait for the bot's answer; None when it does not come in time."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting[query_id] = future
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return None
        finally:
            self._waiting.pop(query_id, None)
