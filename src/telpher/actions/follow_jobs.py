"""Follow jobs: see one's own, cancel them, try them again."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping

from telpher.access import Access
from telpher.errors import AccessDeniedError, StaleButtonError
from telpher.jobs.port import Job, JobId, JobState, Queue


@dataclasses.dataclass(frozen=True)
class JobLine:
    """One of a person's jobs; `place` is how many start before it, None when it does not wait for its turn."""

    job: Job
    place: int | None


class FollowJobs:
    """Another person's job is to everyone else as if it did not exist."""

    def __init__(
        self,
        access: Access,
        queue: Queue,
        forget: Mapping[str, Callable[[Job], Awaitable[None]]] | None = None,
        begin_anew: Mapping[str, Callable[[Job], Awaitable[None]]] | None = None,
    ) -> None:
        """`forget` frees, for a kind of job, what one that was cancelled while it waited left behind; `begin_anew` is told first when
        one that has ended is to run again."""
        self._access = access
        self._queue = queue
        self._forget = dict(forget or {})
        self._begin_anew = dict(begin_anew or {})

    async def unfinished(self, person_id: int, limit: int = 10) -> tuple[JobLine, ...]:
        """The person's unfinished jobs, newest first. Raises AccessDeniedError."""
        self._check(person_id)
        jobs = await self._queue.list_for(person_id, limit=limit)
        return tuple([JobLine(job, await self.place_of(job)) for job in jobs])

    async def get(self, person_id: int, job_id: int) -> Job:
        """Raises AccessDeniedError, StaleButtonError when there is no such job of theirs."""
        self._check(person_id)
        job = await self._queue.get(JobId(job_id))
        if job is None or job.person_id != person_id:
            raise StaleButtonError("no such job of theirs")
        return job

    async def place_of(self, job: Job) -> int | None:
        """How many start before it; None when it does not wait for its turn."""
        return await self._queue.place_of(job.id) if job.state is JobState.QUEUED else None

    async def cancel(self, person_id: int, job_id: int) -> bool:
        """False when it had ended already. Raises AccessDeniedError, StaleButtonError."""
        job = await self.get(person_id, job_id)
        was_cancelled = await self._queue.cancel(job.id)
        if was_cancelled and job.state is not JobState.RUNNING:
            await self.free(job)
        return was_cancelled

    async def free(self, job: Job) -> None:
        """Free what a job that was cancelled while it waited left behind."""
        if (forget := self._forget.get(job.kind)) is not None:
            await forget(job)

    async def retry(self, person_id: int, job_id: int) -> bool:
        """False when there is nothing to try again. Raises AccessDeniedError, StaleButtonError."""
        job = await self.get(person_id, job_id)
        if job.state.is_final and (begin_anew := self._begin_anew.get(job.kind)):
            await begin_anew(job)
        return await self._queue.retry(job.id)

    def _check(self, person_id: int) -> None:
        if not self._access.is_served(person_id):
            raise AccessDeniedError(f"{person_id} is a stranger")
