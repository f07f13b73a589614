"""Limits hold at the one door to the queue, and what was used is put into the day's account, however it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telpher.access import Access, Role
from telpher.access.day_use import DayUse, Used
from telpher.actions.housekeeping import Housekeeping
from telpher.actions.limited_queue import LimitedQueue, PersonLimits
from telpher.errors import AccessDeniedError, CpuSpentError, DayFullError, QueueFullError, SourceGoneError
from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import Job, JobRun, JobState, NewJob, Payload
from telpher.store import Store, open_store

OWNER, BORIS, STRANGER = 1001, 1002, 4004
LIMITS = PersonLimits(jobs_at_once=3, queue_length=2, day_bytes=100, day_cpu_s=10)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


@pytest.fixture
async def access(store: Store) -> Access:
    access = Access(store, [OWNER])
    await access.let_in(BORIS, Role.MEMBER)
    return access


@pytest.fixture
def day_use(store: Store) -> DayUse:
    return DayUse(store)


@pytest.fixture
async def queue(store: Store, access: Access, day_use: DayUse) -> AsyncIterator[LimitedQueue]:
    queue = LimitedQueue(EmbeddedQueue(store), access=access, day_use=day_use, limits=LIMITS)

    async def work(run: JobRun) -> Payload | None:
        if run.job.payload.get("fails"):
            raise SourceGoneError
        return run.job.payload

    queue.register("work", work)
    await queue.start()
    yield queue
    await queue.stop(1.0)


def _new(key: str, *, person_id: int = BORIS, lane: str = "transfer", **payload: object) -> NewJob:
    return NewJob(key=key, kind="work", person_id=person_id, lane=lane, payload=payload)


async def _ended(queue: LimitedQueue, job: Job) -> Job:
    async with asyncio.timeout(10):
        while not ((now := await queue.get(job.id)) and now.state.is_final):
            await asyncio.sleep(0.01)
    return now


async def _do(queue: LimitedQueue, new: NewJob) -> Job:
    return await _ended(queue, (await queue.enqueue(new))[0])


async def test_a_days_bytes(queue: LimitedQueue, day_use: DayUse) -> None:
    await _do(queue, _new("a", size_bytes=60))
    with pytest.raises(DayFullError) as refused:
        await queue.enqueue(_new("b", size_bytes=60))
    assert refused.value.params["used_bytes"] == 60
    assert 0 < float(refused.value.params["left_s"]) <= 25 * 3600
    _, is_new = await queue.enqueue(_new("a", size_bytes=60))
    assert not is_new
    await _do(queue, _new("c", size_bytes=40))
    assert await day_use.today(BORIS) == Used(100, 0.0)
    with pytest.raises(DayFullError):
        await queue.enqueue(_new("d", size_bytes=None))
    await _do(queue, _new("e", person_id=OWNER, size_bytes=1000))


async def test_a_days_computing(queue: LimitedQueue, day_use: DayUse) -> None:
    await _do(queue, _new("a", lane="compute", cpu_s=12.5))
    assert await day_use.today(BORIS) == Used(0, 12.5)
    with pytest.raises(CpuSpentError):
        await queue.enqueue(_new("b", lane="compute"))
    await _do(queue, _new("c", size_bytes=1))


async def test_what_failed_has_used_its_time(queue: LimitedQueue, day_use: DayUse) -> None:
    job = await _do(queue, _new("a", lane="compute", fails=True))
    assert job.state is JobState.FAILED
    assert (await day_use.today(BORIS)).cpu_s < 10


async def test_a_full_queue(queue: LimitedQueue) -> None:
    await queue.pause_account("held")
    for key in ("a", "b"):
        await queue.enqueue(NewJob(key=key, kind="work", person_id=BORIS, lane="transfer", payload={}, account="held"))
    with pytest.raises(QueueFullError):
        await queue.enqueue(_new("c"))
    _, is_new = await queue.enqueue(_new("a"))
    assert not is_new
    use = await queue.use_of(BORIS)
    assert (use.unfinished, use.limits) == (2, LIMITS)
    assert (await queue.use_of(OWNER)).limits is None


async def test_strangers_enqueue_nothing_and_their_jobs_do_not_begin(queue: LimitedQueue, access: Access) -> None:
    with pytest.raises(AccessDeniedError):
        await queue.enqueue(_new("a", person_id=STRANGER))
    await queue.pause_account("held")
    new = NewJob(key="b", kind="work", person_id=BORIS, lane="transfer", payload={}, account="held")
    job, _ = await queue.enqueue(new)
    await access.shut_out(BORIS)
    await queue.resume_account("held")
    ended = await _ended(queue, job)
    assert (ended.state, ended.error_key) == (JobState.FAILED, "error.access_denied")


async def test_nobodys_jobs_have_no_limits(queue: LimitedQueue) -> None:
    job = await _do(queue, _new("a", person_id=0, size_bytes=10_000))
    assert job.state is JobState.SUCCEEDED


async def test_one_chores_fault_keeps_none_of_the_others() -> None:
    async def breaks() -> int:
        raise OSError

    async def removes() -> int:
        return 3

    assert await Housekeeping({"first": breaks, "second": removes}).clean() == {"second": 3}
