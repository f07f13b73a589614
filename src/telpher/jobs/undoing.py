"""Frees what cancelled jobs have left behind: soon, again after each failure, and at the next start what this process did not come to.

What is due stands in the table, committed with the cancelling itself. A job that is to begin anew is undone first.
"""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Awaitable, Callable, Collection

from telpher.errors import Fate, TelpherError
from telpher.jobs.port import Job, JobId, Undo
from telpher.tasks import Nursery

_log = logging.getLogger(__name__)

_AT_ONCE = 4
_AGAIN_S = (5.0, 30.0, 120.0, 600.0)


class Undoing:
    """`is_done` is awaited with the job whose undo has ended, and commits that."""

    def __init__(self, is_done: Callable[[JobId], Awaitable[None]]) -> None:
        self._is_done = is_done
        self._undos: dict[str, Undo] = {}
        self._due: set[JobId] = set()
        self._tasks: dict[JobId, asyncio.Task[None]] = {}
        self._turns: weakref.WeakValueDictionary[JobId, asyncio.Lock] = weakref.WeakValueDictionary()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._nursery = Nursery("undo")
        self._is_stopped = False

    @property
    def kinds(self) -> Collection[str]:
        """The kinds of job that leave something behind."""
        return self._undos.keys()

    def register(self, kind: str, undo: Undo) -> None:
        """Before anything is due."""
        self._undos[kind] = undo

    def owe(self, job_id: JobId) -> None:
        """It is due, as committed; `begin` when nothing runs of it any more."""
        self._due.add(job_id)

    def begin(self, job: Job) -> None:
        """Undo it in the background, as often as it takes. No effect when nothing is due, and after `stop`."""
        if job.id not in self._due or self._is_stopped:
            return
        if (earlier := self._tasks.get(job.id)) is not None:
            # It may be waiting for its next try.
            earlier.cancel()
        task = self._tasks[job.id] = self._nursery.spawn(self._until_done(job), name=f"{job.kind}-{job.id}")
        task.add_done_callback(lambda ended: self._tasks.pop(job.id) if self._tasks.get(job.id) is ended else None)

    async def make_sure(self, job: Job) -> None:
        """Before an attempt begins: undo what is still due. Raises what keeps it from being undone."""
        async with self._turn(job.id):
            if job.id in self._due:
                await self._undo(job)

    async def stop(self) -> None:
        """What is still due is left for the next start."""
        self._is_stopped = True
        await self._nursery.close()

    def _turn(self, job_id: JobId) -> asyncio.Lock:
        return self._turns.setdefault(job_id, asyncio.Lock())

    async def _until_done(self, job: Job) -> None:
        failures = 0
        while True:
            try:
                async with self._places:
                    await self.make_sure(job)
            except TelpherError as error:
                wait_s = _AGAIN_S[min(failures, len(_AGAIN_S) - 1)]
                failures += 1
                _log.warning("what job %d left behind is freed later, in %.0f s: %s", job.id, wait_s, error)
                await asyncio.sleep(wait_s)
            else:
                return

    async def _undo(self, job: Job) -> None:
        try:
            await self._undos[job.kind](job)
        except TelpherError as error:
            if error.fate is not Fate.PERMANENT:
                raise
            _log.warning("what job %d left behind stays there: %s", job.id, error)
        except Exception:  # noqa: BLE001 - trying again changes nothing: the job is cancelled all the same
            _log.exception("what job %d left behind could not be freed", job.id)
        await self._is_done(job.id)
        self._due.discard(job.id)
