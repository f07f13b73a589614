"""The queue as people have it: within their own limits, and only while they are served.

Every action enqueues through this door, so none can forget a limit. Owners have none; nobody's own jobs (person 0) neither. What was
accepted before is accepted again, whatever has been used since: a replayed update is not refused.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Collection, Sequence
from typing import Any

from telpher.access import Access, Role
from telpher.access.day_use import DayUse, Used
from telpher.errors import AccessDeniedError, CpuSpentError, DayFullError, QueueFullError
from telpher.jobs.port import Job, JobId, JobRun, Listener, NewJob, Payload, Queue, Undo, Work

_NOBODY = 0
_UNLIMITED_LANES = frozenset({"light", "promise", "login"})
_CPU_LANES = frozenset({"compute", "media"})


@dataclasses.dataclass(frozen=True, kw_only=True)
class PersonLimits:
    """What one member or guest may have; 0 is no limit."""

    jobs_at_once: int
    """How many files are carried for them at the same time: the queue's own lanes hold this."""
    queue_length: int
    day_bytes: int
    day_cpu_s: int


@dataclasses.dataclass(frozen=True)
class MyUse:
    """A person's limits (None: an owner's, who has none) and what they have used."""

    limits: PersonLimits | None
    used: Used
    unfinished: int
    left_s: float
    """How long this day yet is."""


class LimitedQueue:
    """`jobs.port.Queue` over another one."""

    def __init__(self, queue: Queue, *, access: Access, day_use: DayUse, limits: PersonLimits) -> None:
        self._queue = queue
        self._access = access
        self._day_use = day_use
        self._limits = limits

    async def use_of(self, person_id: int) -> MyUse:
        """What a person may, and has used today."""
        is_limited = self._access.role_of(person_id) is not Role.OWNER
        return MyUse(
            self._limits if is_limited else None,
            await self._day_use.today(person_id),
            await self._queue.count_for(person_id),
            self._day_use.left_s(),
        )

    async def enqueue(self, new: NewJob) -> tuple[Job, bool]:
        """Raises AccessDeniedError for strangers, QueueFullError, DayFullError, CpuSpentError."""
        await self._admit(new)
        return await self._queue.enqueue(new)

    async def enqueue_all(self, new: Sequence[NewJob]) -> list[tuple[Job, bool]]:
        """Raises as `enqueue` does, at the first that is too much; nothing is enqueued then."""
        for one in new:
            await self._admit(one)
        return await self._queue.enqueue_all(new)

    async def _admit(self, new: NewJob) -> None:
        if new.person_id == _NOBODY:
            return
        if not self._access.is_served(new.person_id):
            raise AccessDeniedError(f"{new.person_id} is a stranger")
        if new.lane in _UNLIMITED_LANES:
            return
        is_limited = self._access.role_of(new.person_id) is not Role.OWNER
        unfinished = await self._queue.count_for(new.person_id) if is_limited else 0
        size_bytes = _size_of(new.payload)

        def check(used: Used) -> None:
            limits = self._limits
            if not is_limited:
                return
            if limits.queue_length and unfinished >= limits.queue_length:
                raise QueueFullError(limit=limits.queue_length)
            left_s = self._day_use.left_s()
            if limits.day_bytes and size_bytes and used.size_bytes + size_bytes > limits.day_bytes:
                raise DayFullError(limit_bytes=limits.day_bytes, used_bytes=used.size_bytes, left_s=left_s)
            if limits.day_bytes and new.lane not in _CPU_LANES and used.size_bytes >= limits.day_bytes:
                raise DayFullError(limit_bytes=limits.day_bytes, used_bytes=used.size_bytes, left_s=left_s)
            if limits.day_cpu_s and new.lane in _CPU_LANES and used.cpu_s >= limits.day_cpu_s:
                raise CpuSpentError(limit_s=limits.day_cpu_s, left_s=left_s)

        await self._day_use.take(new.key, new.person_id, size_bytes, check)

    def register(self, kind: str, work: Work, undo: Undo | None = None) -> None:
        """`work` is not begun for somebody who is not served any more; what it used is put into the day's account."""

        async def within_limits(run: JobRun) -> Payload | None:
            job = run.job
            if job.person_id != _NOBODY and not self._access.is_served(job.person_id):
                raise AccessDeniedError(f"{job.person_id} is a stranger")
            began_s = time.monotonic()
            result: Payload | None = None
            try:
                result = await work(run)
            finally:
                if job.person_id != _NOBODY and job.lane not in _UNLIMITED_LANES:
                    await self._settle(job, result, time.monotonic() - began_s)
            return result

        self._queue.register(kind, within_limits, undo)

    async def _settle(self, job: Job, result: Payload | None, lasted_s: float) -> None:
        told: Payload = result or {}
        size_bytes, cpu_s = told.get("size_bytes"), told.get("cpu_s")
        if job.lane in _CPU_LANES:
            # A run that broke off says nothing of itself: it had one core at least.
            await self._day_use.settle(job.key, cpu_s=float(cpu_s) if cpu_s is not None else lasted_s)
        elif isinstance(size_bytes, int):
            await self._day_use.settle(job.key, size_bytes=size_bytes)

    # ---- the rest is the queue's own ----------------------------------------------------------------------------------

    def subscribe(self, listener: Listener) -> None:
        self._queue.subscribe(listener)

    async def start(self) -> None:
        await self._queue.start()

    async def stop(self, grace_s: float) -> None:
        await self._queue.stop(grace_s)

    async def get(self, job_id: JobId) -> Job | None:
        return await self._queue.get(job_id)

    async def find(self, key: str) -> Job | None:
        return await self._queue.find(key)

    async def list_for(self, person_id: int, *, only_unfinished: bool = True, limit: int = 50) -> list[Job]:
        return await self._queue.list_for(person_id, only_unfinished=only_unfinished, limit=limit)

    async def count_for(self, person_id: int) -> int:
        return await self._queue.count_for(person_id)

    async def place_of(self, job_id: JobId) -> int | None:
        return await self._queue.place_of(job_id)

    async def cancel(self, job_id: JobId) -> bool:
        return await self._queue.cancel(job_id)

    async def cancel_all(self, job_ids: Collection[JobId]) -> set[JobId]:
        return await self._queue.cancel_all(job_ids)

    async def retry(self, job_id: JobId) -> bool:
        return await self._queue.retry(job_id)

    async def retry_all(self, job_ids: Collection[JobId]) -> set[JobId]:
        return await self._queue.retry_all(job_ids)

    async def pause_account(self, account: str) -> None:
        await self._queue.pause_account(account)

    async def resume_account(self, account: str) -> int:
        return await self._queue.resume_account(account)


def _size_of(payload: Any) -> int:
    size_bytes = payload.get("size_bytes")
    return size_bytes if isinstance(size_bytes, int) and size_bytes > 0 else 0
