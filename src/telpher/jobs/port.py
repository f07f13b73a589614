"""The queue's port: jobs that survive restarts, run at least once at a time by one worker, and are told apart by their key.

One contract suite (`tests/contracts/queue_contract.py`) runs over every engine. A job may run twice (a crash between its effect and
its commit), so effects are idempotent; enqueueing the same key twice gives one job.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import enum
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any, NewType, Protocol

JobId = NewType("JobId", int)
Payload = Mapping[str, Any]
"""JSON."""


class JobState(enum.StrEnum):
    """queued → running → succeeded | failed | cancelled; running → waiting (until `due_at`) or paused (until `resume`) → queued."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


@dataclasses.dataclass(frozen=True, kw_only=True)
class NewJob:
    """What to run. `lane` names the limits it runs under (`transfer`, `compute`, `light`)."""

    key: str
    """Idempotency: at most one job with this key ever exists."""
    kind: str
    person_id: int
    payload: Payload
    lane: str = "light"
    account: str | None = None
    """What `pause_account` and `resume_account` act on."""
    run_at: dt.datetime | None = None
    """Not before; None for at once."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Job:
    """A job as stored. Times are aware, UTC."""

    id: JobId
    key: str
    kind: str
    lane: str
    person_id: int
    account: str | None
    payload: Payload
    state: JobState
    attempt: int
    """How many times it has been started."""
    due_at: dt.datetime | None
    created_at: dt.datetime
    finished_at: dt.datetime | None
    result: Payload | None
    error_key: str | None
    error_params: Payload | None


class JobRun(Protocol):
    """What a work function is given."""

    @property
    def job(self) -> Job: ...

    @property
    def cancelled(self) -> asyncio.Event:
        """Set when the person pressed Cancel; the work is then cancelled too (asyncio), within a second."""

    def tell(self, progress: object) -> None:
        """Pass `progress` (`transfers.port.Progress`, …) to the queue's listeners at once; it is not stored."""


Work = Callable[[JobRun], Awaitable[Payload | None]]
"""Raises a TelpherError, whose fate decides: RETRY and RETRY_AFTER wait, NEEDS_USER pauses, PERMANENT fails."""

Undo = Callable[[Job], Awaitable[None]]
"""Frees what a cancelled work leaves behind; no error if there is nothing (any more). Raises a TelpherError."""

Listener = Callable[[Job, object | None], None]
"""Called on the loop after a job's state was committed (second argument None) and for each `tell`. Returns at once, raises nothing."""


class Queue(Protocol):
    """A durable queue. A person's jobs are started in turn with other people's (fairness), each person's own in order."""

    def register(self, kind: str, work: Work, undo: Undo | None = None) -> None:
        """Before `start`. A job of an unregistered kind stays queued.

        `undo` is awaited for every cancelled job that had ever been begun, when its work has ended, however far it had come; before the
        job begins anew; and again if it raises (unless that is permanent), or if this process ends before it does.
        """

    def subscribe(self, listener: Listener) -> None: ...

    async def start(self) -> None:
        """Take back what an earlier process left running, and begin to run."""

    async def stop(self, grace_s: float) -> None:
        """Stop taking jobs; after `grace_s` cancel those that run (they go back to queued, nothing is lost)."""

    async def enqueue(self, new: NewJob) -> tuple[Job, bool]:
        """The job with this key, and whether this call made it. Durable when it returns."""

    async def enqueue_all(self, new: Sequence[NewJob]) -> list[tuple[Job, bool]]:
        """Several, in one transaction."""

    async def get(self, job_id: JobId) -> Job | None: ...

    async def find(self, key: str) -> Job | None: ...

    async def list_for(self, person_id: int, *, only_unfinished: bool = True, limit: int = 50) -> list[Job]:
        """Newest first."""

    async def count_for(self, person_id: int) -> int:
        """How many unfinished jobs this person has."""

    async def place_of(self, job_id: JobId) -> int | None:
        """How many jobs of its lane start before it; None when it is not queued."""

    async def cancel(self, job_id: JobId) -> bool:
        """Cancel it in any unfinished state; a running one is interrupted and ends cancelled. False when it had ended."""

    async def cancel_all(self, job_ids: Collection[JobId]) -> set[JobId]:
        """Several, in one transaction; which of them had not ended."""

    async def retry(self, job_id: JobId) -> bool:
        """Queue a failed, cancelled, waiting or paused job again, now. False when there is nothing to retry."""

    async def retry_all(self, job_ids: Collection[JobId]) -> set[JobId]:
        """Several, in one transaction; which of them are queued now."""

    async def pause_account(self, account: str) -> None: ...

    async def resume_account(self, account: str) -> int:
        """How many jobs go on."""
