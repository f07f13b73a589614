"""What the end of an attempt means for its job: done, tried again and when, paused, or given up.

How long a job has been failing is counted in steady time, so that a clock that is set makes nobody give up sooner or later.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from telpher.errors import Fate, TelpherError
from telpher.jobs.attempts import Attempt, Interrupted
from telpher.jobs.port import JobId, JobState
from telpher.jobs.table import Change
from telpher.jobs.turns import Lane


class Outcomes:
    """Remembers since when each job has been failing, for as long as it is tried again."""

    def __init__(
        self,
        lanes: Mapping[str, Lane],
        *,
        clock: Callable[[], float],
        steady: Callable[[], float],
        chance: random.Random,
    ) -> None:
        self._lanes = lanes
        self._clock = clock
        self._steady = steady
        self._chance = chance
        self._failing_since: dict[JobId, float] = {}
        """In steady time; may lie before this process began."""

    def forget(self, job_id: JobId) -> None:
        """It was cancelled."""
        self._failing_since.pop(job_id, None)

    def change_after(self, attempt: Attempt, ended: Any, lasted_s: float) -> Change:
        """`ended` is the work's result, or the error that it ended in."""
        change = self._change_after(attempt, ended, lasted_s)
        if change.state is not JobState.WAITING:
            self.forget(attempt.job.id)
        return change

    def _change_after(self, attempt: Attempt, ended: Any, lasted_s: float) -> Change:
        if not isinstance(ended, Exception):
            return Change(state=JobState.SUCCEEDED, result=ended)
        if isinstance(ended, Interrupted):
            return Change(state=JobState.QUEUED, failures=attempt.failures, first_failed_ms=attempt.first_failed_ms)
        key, params = "error.unexpected", {}
        if isinstance(ended, TelpherError):
            key, params = ended.text_key, dict(ended.params)
            if ended.fate is Fate.NEEDS_USER:
                return Change(state=JobState.PAUSED, error_key=key, error_params=params)
        retries = self._lanes[attempt.job.lane].retries
        now_ms = int(self._clock() * 1000)
        failures, first_failed_ms = attempt.failures + 1, attempt.first_failed_ms
        if first_failed_ms is None or lasted_s >= retries.settled_after_s:
            failures, first_failed_ms = 1, now_ms
            self._failing_since[attempt.job.id] = self._steady()
        known_for_s = max(0, now_ms - first_failed_ms) / 1000
        failing_since = self._failing_since.setdefault(attempt.job.id, self._steady() - known_for_s)
        is_over = retries.gives_up(ended, failures, self._steady() - failing_since)
        wait_s = 0.0 if is_over else retries.wait_s(failures, getattr(ended, "retry_after_s", None), self._chance)
        return Change(
            state=JobState.FAILED if is_over else JobState.WAITING,
            due_ms=None if is_over else now_ms + round(wait_s * 1000),
            failures=failures,
            first_failed_ms=first_failed_ms,
            error_key=key,
            error_params=params,
        )
