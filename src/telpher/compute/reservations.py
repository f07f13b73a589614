"""Cores and memory, reserved before a run starts and given back after it: first come, first served, so that a big run is not starved."""

from __future__ import annotations

import asyncio
import collections
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telpher.compute.machine import free_memory_bytes
from telpher.errors import MemoryShortError

# Of what is free, so much stays untouched: the bot, its drives and the system's caches live there.
_KEPT_FREE_SHARE = 0.1


class Reservations:
    """How many cores may compute at once, and how much memory they may hold (None: what the machine has free)."""

    def __init__(self, cores: int, memory_bytes: int | None = None) -> None:
        self._cores = cores
        self._memory_bytes = memory_bytes
        self._cores_taken = 0
        self._memory_taken = 0
        self._waiting: collections.deque[tuple[int, int, asyncio.Future[None]]] = collections.deque()

    def memory_bytes(self) -> int:
        """How much may be reserved in all. What runs already holds counts as there."""
        if self._memory_bytes is not None:
            return self._memory_bytes
        return int(free_memory_bytes() * (1 - _KEPT_FREE_SHARE)) + self._memory_taken

    def check(self, memory_bytes: int) -> None:
        """Raises MemoryShortError with the figures when so much could not be had even if nothing else ran."""
        if memory_bytes > (most := self.memory_bytes()):
            raise MemoryShortError(
                f"{memory_bytes:,} bytes of memory are needed, {most:,} are free",
                needed_bytes=memory_bytes,
                free_bytes=most,
            )

    @asynccontextmanager
    async def reserve(self, cores: int, memory_bytes: int) -> AsyncIterator[None]:
        """Wait for one's turn, then hold so much until the block is left."""
        self.check(memory_bytes)
        cores = min(cores, self._cores)
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((cores, memory_bytes, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(cores, memory_bytes)
            else:
                self._waiting.remove((cores, memory_bytes, turn))
                self._admit()
            raise
        try:
            yield
        finally:
            self._give_back(cores, memory_bytes)

    def _give_back(self, cores: int, memory_bytes: int) -> None:
        self._cores_taken -= cores
        self._memory_taken -= memory_bytes
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            cores, memory_bytes, turn = self._waiting[0]
            has_cores = self._cores_taken + cores <= self._cores
            has_memory = self._memory_taken == 0 or self._memory_taken + memory_bytes <= self.memory_bytes()
            if not (has_cores and has_memory):
                return
            self._waiting.popleft()
            self._cores_taken += cores
            self._memory_taken += memory_bytes
            turn.set_result(None)
