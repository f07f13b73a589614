"""The queue for one machine: a table for the truth, a scheduler in memory for speed, and no polling.

Every change of state is committed before anybody is told. The scheduler knows only the ids of what is ready (`turns.py`) and when to
look at what waits (`agenda.py`), so a job costs the same however many wait, and an idle queue does nothing at all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from telpher.errors import DiskFullError, StoreError, TelpherError
from telpher.jobs import table
from telpher.jobs.agenda import Agenda
from telpher.jobs.attempts import Attempt
from telpher.jobs.outcomes import Outcomes
from telpher.jobs.port import Job, JobId, JobRun, JobState, Listener, NewJob, Payload, Undo, Work
from telpher.jobs.retries import PROMISE_RETRIES, TRANSFER_RETRIES
from telpher.jobs.turns import Lane, Turns
from telpher.jobs.undoing import Undoing
from telpher.store import Store
from telpher.store.schema import jobs
from telpher.tasks import Nursery

T = TypeVar("T")

_log = logging.getLogger(__name__)

DEFAULT_LANES = (
    Lane(name="transfer", total=8, per_person=3, retries=TRANSFER_RETRIES),
    Lane(name="compute", total=1, per_person=1),
    Lane(name="light", total=16, per_person=4),
    Lane(name="promise", total=4, per_person=4, retries=PROMISE_RETRIES),
)
_UNWIND_S = 1.0
"""How long a cancelled work is waited for before its person is answered."""
_STUBBORN_S = 5.0


class EmbeddedQueue:
    """`jobs.port.Queue` in one process. `clock` gives seconds since 1970, `steady` seconds that nobody sets back or forth.

    Waits after failures, and how long a job has been failing, go by `steady`: a clock that jumps makes none longer or shorter.
    """

    def __init__(
        self,
        store: Store,
        lanes: Iterable[Lane] = DEFAULT_LANES,
        *,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        self._store = store
        self._lanes = {lane.name: lane for lane in lanes}
        self._turns = {name: Turns(lane) for name, lane in self._lanes.items()}
        self._clock = clock
        self._steady = steady
        self._works: dict[str, Work] = {}
        self._undoing = Undoing(self._undone)
        self._listeners: list[Listener] = []
        self._nursery = Nursery("jobs")
        self._attempts: dict[JobId, Attempt] = {}
        self._claiming: dict[JobId, tuple[str, int]] = {}
        """Jobs that have a place, by lane and person, but whose start is not committed yet."""
        self._agenda = Agenda(self._on_due, self._lanes, clock=clock, steady=steady)
        # Chance spreads retries; it guards nothing.
        self._outcomes = Outcomes(self._lanes, clock=clock, steady=steady, chance=chance or random.Random())  # noqa: S311
        self._paused: set[str] = set()
        self._is_running = False

    # ---- what the port promises --------------------------------------------------------------------------------------

    def register(self, kind: str, work: Work, undo: Undo | None = None) -> None:
        self._works[kind] = work
        if undo is not None:
            self._undoing.register(kind, undo)

    def subscribe(self, listener: Listener) -> None:
        self._listeners.append(listener)

    async def start(self) -> None:
        taken_back, standing, self._paused = await self._store.write(table.recover)
        left_behind = await self._store.read(table.left_behind)
        self._is_running = True
        for job in taken_back:
            self._announce(job)
        for one in standing:
            if one.kind not in self._works:
                _log.warning("job %d is of the kind %s, which nobody here does: it stays queued", one.id, one.kind)
            self._place(one)
        for job in left_behind:
            if job.kind in self._undoing.kinds:
                self._undoing.owe(job.id)
                self._undoing.begin(job)
        self._pump()

    async def stop(self, grace_s: float) -> None:
        self._is_running = False
        self._agenda.stop()
        await self._undoing.stop()
        if await self._nursery.drain(grace_s):
            await self._nursery.close()
            return
        for attempt in list(self._attempts.values()):
            attempt.interrupt()
        if await self._nursery.drain(_STUBBORN_S):
            await self._nursery.close()
            return
        _log.error("%d jobs did not stop: they will be taken back at the next start", len(self._attempts))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNWIND_S):
                await self._nursery.close()

    async def enqueue(self, new: NewJob) -> tuple[Job, bool]:
        return (await self.enqueue_all([new]))[0]

    async def enqueue_all(self, new: Sequence[NewJob]) -> list[tuple[Job, bool]]:
        for one in new:
            if one.lane not in self._lanes:
                raise ValueError(f"there is no lane {one.lane}")
        return await self._surely(self._enqueue(new), "enqueue")

    async def get(self, job_id: JobId) -> Job | None:
        return await self._store.read(lambda connection: table.get(connection, jobs.c.id == job_id))

    async def find(self, key: str) -> Job | None:
        return await self._store.read(lambda connection: table.get(connection, jobs.c.key == key))

    async def list_for(self, person_id: int, *, only_unfinished: bool = True, limit: int = 50) -> list[Job]:
        return await self._store.read(lambda connection: table.list_for(connection, person_id, only_unfinished, limit))

    async def count_for(self, person_id: int) -> int:
        return await self._store.read(lambda connection: table.count_for(connection, person_id))

    async def place_of(self, job_id: JobId) -> int | None:
        job = await self.get(job_id)
        return None if job is None else self._turns[job.lane].place_of(job.person_id, job_id)

    def lengths(self) -> dict[tuple[str, ...], float]:
        """How many jobs stand where: by lane and `queued` or `running`, and over all lanes those that `waiting` for a time."""
        counts: dict[tuple[str, ...], float] = {
            (name, "queued"): turns.ready_count for name, turns in self._turns.items()
        }
        counts |= {(name, "running"): turns.taken_count for name, turns in self._turns.items()}
        return counts | {("all", "waiting"): len(self._agenda)}

    async def cancel(self, job_id: JobId) -> bool:
        return job_id in await self.cancel_all([job_id])

    async def cancel_all(self, job_ids: Collection[JobId]) -> set[JobId]:
        return await self._surely(self._cancel(job_ids), "cancel")

    async def retry(self, job_id: JobId) -> bool:
        return job_id in await self.retry_all([job_id])

    async def retry_all(self, job_ids: Collection[JobId]) -> set[JobId]:
        return await self._surely(self._retry(job_ids), "retry")

    async def pause_account(self, account: str) -> None:
        await self._surely(self._pause(account), "pause")

    async def resume_account(self, account: str) -> int:
        return await self._surely(self._resume(account), "resume")

    # ---- each of these commits, then brings the scheduler up to date --------------------------------------------------

    async def _surely(self, change: Coroutine[Any, Any, T], name: str) -> T:
        """Finish `change` even if the caller is cancelled: what was committed must also reach the scheduler."""
        return await asyncio.shield(self._nursery.spawn(change, name=name))

    async def _enqueue(self, new: Sequence[NewJob]) -> list[tuple[Job, bool]]:
        answers = await self._store.write(lambda connection: table.enqueue(connection, new, self._now_ms()))
        for job, is_new in answers:
            if is_new:
                self._announce(job)
                self._place_job(job)
        self._pump()
        return answers

    async def _cancel(self, job_ids: Collection[JobId]) -> set[JobId]:
        kinds = self._undoing.kinds
        cancelled, undo_due = await self._store.write(
            lambda connection: table.cancel(connection, job_ids, kinds, self._now_ms())
        )
        broken_off = []
        for job in cancelled:
            self._turns[job.lane].remove(job.person_id, job.id)
            self._agenda.drop(job.id)
            self._outcomes.forget(job.id)
            if job.id in undo_due:
                self._undoing.owe(job.id)
            self._announce(job)
            if (attempt := self._attempts.get(job.id)) is not None:
                attempt.cancel()
                broken_off.append(attempt)
            elif self._is_running:
                self._undoing.begin(job)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNWIND_S):
                await asyncio.gather(*(attempt.ended() for attempt in broken_off))
        return {job.id for job in cancelled}

    async def _retry(self, job_ids: Collection[JobId]) -> set[JobId]:
        # A work that was cancelled may still be unwinding; the next attempt must not meet it.
        ending = [
            attempt for job_id in job_ids if (attempt := self._attempts.get(job_id)) and attempt.cancelled.is_set()
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STUBBORN_S):
                await asyncio.gather(*(attempt.ended() for attempt in ending))
        stubborn = {attempt.job.id for attempt in ending if not attempt.has_ended}
        states = (JobState.FAILED, JobState.CANCELLED, JobState.WAITING, JobState.PAUSED)
        condition = sa.and_(jobs.c.id.in_(set(job_ids) - stubborn), jobs.c.state.in_([state.value for state in states]))
        again = await self._store.write(lambda connection: table.requeue(connection, condition, afresh=True))
        self._go_on(again)
        return {job.id for job in again}

    async def _undone(self, job_id: JobId) -> None:
        await self._commit(lambda connection: table.undone(connection, job_id))

    async def _pause(self, account: str, error: TelpherError | None = None) -> None:
        key, params = (None, None) if error is None else (error.text_key, dict(error.params))
        paused = await self._store.write(
            lambda connection: table.pause_account(connection, account, key, params, self._now_ms())
        )
        self._hold_back(account, paused)

    async def _resume(self, account: str) -> int:
        again = await self._store.write(lambda connection: table.resume_account(connection, account))
        self._paused.discard(account)
        self._go_on(again)
        return len(again)

    def _on_due(self, job_ids: list[JobId]) -> None:
        self._nursery.spawn(self._wake(job_ids), name="wake")

    async def _wake(self, job_ids: list[JobId]) -> None:
        self._go_on(await self._commit(lambda connection: table.wake(connection, job_ids)))

    async def _claim(self, job_ids: list[JobId]) -> None:
        self._begin(job_ids, await self._commit(lambda connection: table.claim(connection, job_ids)))

    async def _commit(self, work: Callable[[sa.Connection], T]) -> T:
        """For what the scheduler does by itself, and nobody could do again: a database in trouble is waited for."""
        wait_s = 0.5
        while True:
            try:
                return await self._store.write(work)
            except (DiskFullError, StoreError) as error:
                _log.warning("%s; trying again in %.1f s", error, wait_s)
            await asyncio.sleep(wait_s)
            wait_s = min(30.0, wait_s * 2)

    # ---- attempts -----------------------------------------------------------------------------------------------------

    def _pump(self) -> None:
        """Start what may start."""
        if job_ids := self._take():
            self._nursery.spawn(self._claim(job_ids), name="claim")

    def _take(self) -> list[JobId]:
        """Give places to those whose turn it is."""
        taken: list[JobId] = []
        if self._is_running:
            for lane, turns in self._turns.items():
                while (next_one := turns.take()) is not None:
                    person_id, job_id = next_one
                    self._claiming[job_id] = (lane, person_id)
                    taken.append(job_id)
        return taken

    def _begin(self, job_ids: list[JobId], claimed: list[table.Claimed]) -> None:
        places = {job_id: self._claiming.pop(job_id) for job_id in job_ids}
        for one in claimed:
            del places[one.job.id]
            if one.is_undo_due and one.job.kind in self._undoing.kinds:
                self._undoing.owe(one.job.id)
            attempt = Attempt(one, self._begun_clean(self._works[one.job.kind]), self._announce)
            if not self._is_running:
                attempt.interrupt()
            self._attempts[one.job.id] = attempt
            self._announce(one.job)
            self._nursery.spawn(self._see_through(attempt), name=f"{one.job.kind}-{one.job.id}")
        for lane, person_id in places.values():
            # Cancelled or paused between its turn and its start.
            self._turns[lane].release(person_id)
        self._pump()

    def _begun_clean(self, work: Work) -> Work:
        async def after_undo(run: JobRun) -> Payload | None:
            await self._undoing.make_sure(run.job)
            return await work(run)

        return after_undo

    async def _see_through(self, attempt: Attempt) -> None:
        """Run one attempt, and store what it came to in one commit with the start of those whose turn is next."""
        job = attempt.job
        began_s = self._steady()
        ended = await attempt.run(self._nursery)
        change = self._outcomes.change_after(attempt, ended, self._steady() - began_s)
        is_account_stuck = change.state is JobState.PAUSED and job.account is not None
        self._turns[job.lane].release(job.person_id)
        following = self._take()

        def commit(connection: sa.Connection) -> tuple[Job | None, list[Job], list[table.Claimed]]:
            now_ms = self._now_ms()
            settled = table.settle(connection, job.id, change, now_ms)
            paused: list[Job] = []
            if is_account_stuck and settled is not None:
                assert job.account is not None
                paused = table.pause_account(connection, job.account, change.error_key, change.error_params, now_ms)
            return settled, paused, table.claim(connection, following)

        try:
            settled, paused, claimed = await self._commit(commit)
        finally:
            del self._attempts[job.id]
            if attempt.cancelled.is_set():
                self._undoing.begin(job)
            attempt.end()
        if settled is not None:
            self._announce(settled)
            self._place_job(settled, is_retry=True)
        if is_account_stuck and job.account is not None:
            self._hold_back(job.account, paused)
        self._begin(following, claimed)
        if settled is None and (now := await self.get(job.id)) is not None:
            # Cancelled meanwhile; and asked for again, perhaps, before anybody could know that this attempt is over.
            self._place_job(now)
            self._pump()
        if change.state is JobState.SUCCEEDED and job.account in self._paused:
            # Someone tried again after making room or logging in, and it went: so will the others.
            await self._resume(job.account)

    # ---- the scheduler's knowledge --------------------------------------------------------------------------------------

    def _go_on(self, again: list[Job]) -> None:
        for job in again:
            self._announce(job)
            self._place_job(job)
        self._pump()

    def _hold_back(self, account: str, paused: list[Job]) -> None:
        self._paused.add(account)
        for job in paused:
            self._turns[job.lane].remove(job.person_id, job.id)
            self._agenda.drop(job.id)
            self._announce(job)

    def _place_job(self, job: Job, *, is_retry: bool = False) -> None:
        due_ms = None if job.due_at is None else table.to_ms(job.due_at)
        self._place(table.Standing(job.id, job.kind, job.lane, job.person_id, job.state, due_ms, is_retry))

    def _place(self, one: table.Standing) -> None:
        """Make a committed job known to the scheduler. Before `start` and after `stop` there is none: the table is read at start."""
        if not self._is_running or one.kind not in self._works or one.lane not in self._turns:
            return
        self._agenda.drop(one.id)
        if one.state is JobState.QUEUED and one.id not in self._claiming and one.id not in self._attempts:
            self._turns[one.lane].add(one.person_id, one.id)
        elif one.state is JobState.WAITING and one.due_ms is not None:
            self._agenda.put(one, one.due_ms)

    def _announce(self, job: Job, progress: object | None = None) -> None:
        for listener in self._listeners:
            try:
                listener(job, progress)
            except Exception:  # noqa: BLE001 - a listener must not stop the queue
                _log.exception("a listener failed")

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)
