"""The pace of one account: how often it may ask, and how long all its transfers hold back when the drive says "slow down".

Pure arithmetic over a clock that is handed in, and one coroutine that waits by it. All transfers of an account share one `Pace`, so what
one of them is told, the others need not learn by being refused too.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

BASE_S = 1.0
CAP_S = 64.0
# Google allows a user 12,000 queries a minute: https://developers.google.com/workspace/drive/api/guides/limits
RATE_PER_S = 150.0
BURST = 300


def backoff_s(
    attempt: int, *, base_s: float = BASE_S, cap_s: float = CAP_S, draw: Callable[[], float] = random.random
) -> float:
    """How long to wait after failed attempt number `attempt` (from 1): truncated exponential growth with full jitter.

    https://developers.google.com/workspace/drive/api/guides/limits#exponential and, for the full jitter,
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """
    # The exponent is bounded before the power is taken: attempts may go on for days.
    return draw() * min(cap_s, base_s * 2.0 ** min(attempt - 1, 32))


class Pace:
    """A token bucket of `burst` requests that fills at `rate_per_s`, and a time before which nobody asks."""

    def __init__(
        self,
        *,
        rate_per_s: float = RATE_PER_S,
        burst: int = BURST,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._clock = clock
        self._sleep = sleep
        self._draw = draw
        self._tokens = float(burst)
        self._counted_at = clock()
        self._not_before = 0.0
        self._refusals = 0

    def reserve(self) -> float:
        """Take one turn; how many seconds from now it is. Turns come in the order in which they were taken."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._counted_at) * self._rate_per_s)
        self._counted_at = now
        self._tokens -= 1.0
        return max(0.0, -self._tokens / self._rate_per_s, self._not_before - now)

    async def turn(self) -> None:
        """Wait until it is this caller's turn, also when everybody is told meanwhile to hold back for longer."""
        wait_s = self.reserve()
        while wait_s > 0:
            await self._sleep(wait_s)
            wait_s = self._not_before - self._clock()

    async def pause(self, duration_s: float) -> None:
        """Wait alone, after a fault that says nothing about the others."""
        await self._sleep(duration_s)

    def refused(self, retry_after_s: float | None = None) -> float:
        """The drive asked to slow down: everybody holds back. Returns for how many seconds from now."""
        now = self._clock()
        if self._not_before <= now:
            # Refusals of requests that were under way together count once.
            self._refusals += 1
        wait_s = backoff_s(self._refusals, draw=self._draw)
        if retry_after_s is not None:
            # What the drive said is the least; the jitter keeps everybody from coming back in the same instant.
            wait_s = retry_after_s + self._draw() * min(BASE_S, retry_after_s)
        self._not_before = max(self._not_before, now + wait_s)
        return self._not_before - now

    def served(self) -> None:
        """The drive did what was asked: the next refusal counts from the start again."""
        if self._not_before <= self._clock():
            self._refusals = 0
