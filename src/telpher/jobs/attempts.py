"""One attempt at a job: the work's task, and the two ways to break it off."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable
from typing import Any

from telpher.errors import StoreError, TelpherError
from telpher.jobs.port import Job, Payload, Work
from telpher.jobs.table import Claimed
from telpher.logs import about_job
from telpher.tasks import Nursery

_log = logging.getLogger(__name__)

# Wherever in a work they come up, they pass, or are mended by whoever looks after the machine.
_MACHINE_TROUBLE = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EROFS, errno.EIO, errno.ENOSPC, errno.EDQUOT}


class Interrupted(Exception):  # noqa: N818 - nothing went wrong: we are going down, and the job goes on at the next start
    """The attempt was broken off because the queue stops."""


class Attempt:
    """What a work is given (`jobs.port.JobRun`), and what the queue holds of it."""

    def __init__(self, claimed: Claimed, work: Work, tell: Callable[[Job, object], None]) -> None:
        self.job = claimed.job
        self.failures = claimed.failures
        self.first_failed_ms = claimed.first_failed_ms
        self.cancelled = asyncio.Event()
        self._work = work
        self._tell = tell
        self._is_interrupted = False
        self._task: asyncio.Task[Payload | Exception | None] | None = None
        self._has_ended = asyncio.Event()

    def tell(self, progress: object) -> None:
        self._tell(self.job, progress)

    async def run(self, nursery: Nursery) -> Payload | Exception | None:
        """The work's result, or the error that it ended in. The task is one of its own, so that only the work is ever cancelled."""
        if self.cancelled.is_set() or self._is_interrupted:
            return Interrupted()
        self._task = nursery.spawn(self._try(), name=f"work-{self.job.id}")
        try:
            await asyncio.wait({self._task})
        finally:
            self._task.cancel()
        if self._task.cancelled():
            if self.cancelled.is_set() or self._is_interrupted:
                return Interrupted()
            return RuntimeError("the work cancelled itself")
        return self._task.result()

    def cancel(self) -> None:
        """The person pressed Cancel."""
        self.cancelled.set()
        if self._task is not None:
            self._task.cancel()

    def interrupt(self) -> None:
        """The queue stops."""
        self._is_interrupted = True
        if self._task is not None:
            self._task.cancel()

    def end(self) -> None:
        self._has_ended.set()

    @property
    def has_ended(self) -> bool:
        return self._has_ended.is_set()

    async def ended(self) -> None:
        """Return when it has."""
        await self._has_ended.wait()

    async def _try(self) -> Any:
        try:
            with about_job(self.job.id):
                return await self._work(self)
        except TelpherError as error:
            _log.info("job %d (%s): %s: %s", self.job.id, self.job.kind, type(error).__name__, error)
            return error
        except OSError as error:
            if error.errno not in _MACHINE_TROUBLE:
                _log.exception("job %d (%s) ended in an error that is not ours", self.job.id, self.job.kind)
                return error
            _log.warning("job %d (%s): this machine is in trouble: %s", self.job.id, self.job.kind, error)
            return StoreError(str(error))
        except Exception as error:  # noqa: BLE001 - the queue decides what becomes of it
            _log.exception("job %d (%s) ended in an error that is not ours", self.job.id, self.job.kind)
            return error
