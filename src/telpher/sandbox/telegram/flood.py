"""Telegram's patience with a bot that writes too fast: off by default, a bucket per chat when asked for."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from telpher.sandbox.telegram.errors import ApiError


@dataclass(frozen=True)
class FloodLimit:
    """At most `burst` calls at once to one chat, refilled by one each `per_call_s`."""

    burst: int
    per_call_s: float


class FloodGate:
    """Refuses with 429 and `retry_after` once a chat's bucket is empty; without a limit it lets everything pass."""

    def __init__(self, limit: FloodLimit | None) -> None:
        self._limit = limit
        self._next_free_s: dict[int, float] = {}

    def pass_or_refuse(self, chat_id: int) -> None:
        """Count one call to this chat."""
        if self._limit is None:
            return
        now = time.monotonic()
        # The moment at which the bucket would be full again; each call moves it on by one interval.
        full_at = max(self._next_free_s.get(chat_id, now), now)
        wait_s = full_at - now - (self._limit.burst - 1) * self._limit.per_call_s
        if wait_s > 0:
            seconds = math.ceil(wait_s)
            raise ApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
        self._next_free_s[chat_id] = full_at + self._limit.per_call_s
