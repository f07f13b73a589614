"""When to look at which waiting job: one timer stands for the first of them, and an empty agenda does nothing at all.

A wait after a failure is counted in steady time, so that a clock that is set makes it neither longer nor shorter. What waits for a
moment that somebody named is looked at now and then, because clocks are set.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping

from telpher.jobs.port import JobId
from telpher.jobs.table import Standing
from telpher.jobs.turns import Lane

_WAKE_LIMIT = 500
_CLOCK_LOOKED_AT_EVERY_S = 600.0


class Agenda:
    """The waiting jobs. `wake` is called on the loop with those whose time has come; they are off the agenda then."""

    def __init__(
        self,
        wake: Callable[[list[JobId]], None],
        lanes: Mapping[str, Lane],
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self._wake = wake
        self._lanes = lanes
        self._clock = clock
        self._steady = steady
        self._due: list[tuple[float, JobId]] = []
        """When to look at a job, in steady time; the smallest first. Some may be out of date."""
        self._waiting: dict[JobId, tuple[float, Standing]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._is_stopped = False

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, one: Standing, due_ms: int) -> None:
        """It waits until `due_ms`."""
        look_at_s = self._steady() + self._wait_s(one, due_ms)
        self._waiting[one.id] = (look_at_s, one)
        heapq.heappush(self._due, (look_at_s, one.id))
        self._arm()

    def drop(self, job_id: JobId) -> None:
        """No effect for one that does not wait."""
        self._waiting.pop(job_id, None)

    def stop(self) -> None:
        """Nobody is woken any more."""
        self._is_stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait_s(self, one: Standing, due_ms: int) -> float:
        """How long until it is looked at."""
        left_s = max(0.0, due_ms / 1000 - self._clock())
        if one.is_retry:
            return min(left_s, self._lanes[one.lane].retries.longest_wait_s)
        return max(0.001, min(left_s, _CLOCK_LOOKED_AT_EVERY_S))

    def _arm(self) -> None:
        """Set the one timer to the first job that is to be looked at."""
        while self._due and self._waiting.get(self._due[0][1], (None,))[0] != self._due[0][0]:
            heapq.heappop(self._due)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._due and not self._is_stopped:
            wait_s = max(0.0, self._due[0][0] - self._steady())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._on_due)

    def _on_due(self) -> None:
        self._timer = None
        due: list[JobId] = []
        now_ms, now_s = int(self._clock() * 1000), self._steady()
        while self._due and self._due[0][0] <= now_s and len(due) < _WAKE_LIMIT:
            look_at_s, job_id = heapq.heappop(self._due)
            known_at_s, one = self._waiting.get(job_id, (None, None))
            if one is None or known_at_s != look_at_s:
                continue
            if one.is_retry or one.due_ms is None or one.due_ms <= now_ms:
                del self._waiting[job_id]
                due.append(job_id)
            else:
                self.put(one, one.due_ms)
        if due:
            self._wake(due)
        self._arm()
