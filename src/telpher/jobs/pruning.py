"""Jobs that ended long ago are forgotten, unless something else still tells of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import sqlalchemy as sa

from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import jobs

KEPT_MS = 30 * 24 * 3600 * 1000


class OldJobs:
    """A job's key keeps a replay from making a second one: whatever could be replayed is forgotten long before."""

    def __init__(
        self,
        store: Store,
        is_told_of: sa.ColumnElement[bool],
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """`is_told_of` is a condition on the table `jobs`: these stay."""
        self._store = store
        self._is_told_of = is_told_of
        self._now_ms = now_ms

    async def prune(self) -> int:
        """Remove the jobs that ended a month ago; how many."""
        is_over = sa.and_(jobs.c.finished_ms < self._now_ms() - KEPT_MS, jobs.c.is_undo_due.is_(False))
        is_old = sa.and_(is_over, ~self._is_told_of)
        return await prune(self._store, jobs, is_old)
