"""Short faults are waited out on the spot; longer ones are handed to the queue, which is more patient and lets others go first."""

from __future__ import annotations

import asyncio
import dataclasses
import random

from telpher.errors import TelpherError


@dataclasses.dataclass(frozen=True, kw_only=True)
class PatienceLimits:
    """How much is waited for on the spot."""

    attempts: int = 5
    """So many faults in a row, without a byte of progress between them, are borne."""
    base_s: float = 0.25
    cap_s: float = 4.0
    landing_s: float = 3.0
    """So long what a broken-off request has begun may yet take to be done."""


_CHANCE = random.Random()  # noqa: S311 - spreads retries, guards nothing


class Patience:
    """One leg's faults in a row."""

    def __init__(self, limits: PatienceLimits) -> None:
        self._limits = limits
        self._faults = 0

    def progressed(self) -> None:
        """Bytes have moved since the last fault."""
        self._faults = 0

    async def bear(self, error: TelpherError) -> None:
        """Wait a growing, jittered time; raises `error` when it has happened too often or asks for a longer wait."""
        self._faults += 1
        asked_s = error.retry_after_s or 0.0
        if self._faults > self._limits.attempts or asked_s > self._limits.cap_s:
            raise error
        longest_s = min(self._limits.cap_s, self._limits.base_s * 2.0 ** (self._faults - 1))
        await asyncio.sleep(asked_s + _CHANCE.uniform(0.0, longest_s))
