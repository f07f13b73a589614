"""Follow jobs: see one's own, cancel them, try them again."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence

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
        """`forget` is told, for a kind of job, of one that was cancelled while it waited; `begin_anew` first when one that has ended is
        to run again. What a cancelled job left behind is freed by the queue."""
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
        return bool(await self.cancel_all(person_id, [job_id]))

    async def cancel_all(self, person_id: int, job_ids: Sequence[int]) -> set[JobId]:
        """At once; which of them had not ended. Raises AccessDeniedError, StaleButtonError when one is not theirs."""
        theirs = [await self.get(person_id, job_id) for job_id in job_ids]
        cancelled = await self._queue.cancel_all([job.id for job in theirs if not job.state.is_final])
        for job in theirs:
            if job.id in cancelled and job.state is not JobState.RUNNING:
                await self.free(job)
        return cancelled

    async def free(self, job: Job) -> None:
        """Tell of a job that was cancelled while it waited."""
        if (forget := self._forget.get(job.kind)) is not None:
            await forget(job)

    async def retry(self, person_id: int, job_id: int) -> bool:
        """False when there is nothing to try again. Raises AccessDeniedError, StaleButtonError."""
        return bool(await self.retry_all(person_id, [job_id]))

    async def retry_all(self, person_id: int, job_ids: Sequence[int]) -> set[JobId]:
        """At once; which of them are tried again. Raises AccessDeniedError, StaleButtonError when one is not theirs."""
        theirs = [await self.get(person_id, job_id) for job_id in job_ids]
        for job in theirs:
            if job.state.is_final and (begin_anew := self._begin_anew.get(job.kind)):
                await begin_anew(job)
        return await self._queue.retry_all([job.id for job in theirs])

    def _check(self, person_id: int) -> None:
        if not self._access.is_served(person_id):
            raise AccessDeniedError(f"{person_id} is a stranger")
