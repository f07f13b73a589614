"""The embedded queue keeps the contract, and what is its own: constraints, no polling, the cost of a long queue."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from tests.contracts.queue_contract import TRANSFER_PER_PERSON, TRANSFER_TOTAL, Desk, QueueContract, echo, new
from tests.databases import Database

from telpher.errors import DriveUnreachableError
from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import JobRun, JobState, Payload, Queue
from telpher.jobs.retries import RetryPolicy
from telpher.jobs.turns import Lane
from telpher.store import Store, open_store
from telpher.store.schema import jobs

_QUICK = RetryPolicy(base_s=0.02, cap_s=0.05)
_LANES = (
    Lane(name="transfer", total=TRANSFER_TOTAL, per_person=TRANSFER_PER_PERSON, retries=_QUICK),
    Lane(name="light", total=50, per_person=50, retries=_QUICK),
)


class EmbeddedDesk(Desk):
    """Each crash goes on from a copy of the database as it was at that instant."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self.store: Store | None = None

    async def open(self) -> Queue:
        if self.store is None:
            self.store = open_store(self._database.where)
        return EmbeddedQueue(self.store, _LANES)

    async def crash(self) -> None:
        after = await asyncio.to_thread(self._database.copied)
        await self.close()
        self._database = after

    async def close(self) -> None:
        if self.store is not None:
            await self.queue.stop(grace_s=0)
            await self.store.close()
            self.store = None


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    desk = EmbeddedDesk(database)
    yield desk
    await desk.close()


class TestEmbeddedQueue(QueueContract):
    """The contract."""


@pytest.fixture
async def store(database: Database) -> AsyncIterator[Store]:
    store = open_store(database.where)
    yield store
    await store.close()


@pytest.mark.parametrize(
    ("before", "after", "more"),
    [
        ("queued", "succeeded", "finished_ms = 1"),
        ("succeeded", "queued", "finished_ms = NULL"),
        ("paused", "running", "attempt = 1"),
        ("waiting", "running", "attempt = 1, due_ms = NULL"),
        ("queued", "sleeping", "attempt = 1"),
        ("queued", "running", "attempt = 0"),
        ("queued", "running", "attempt = 1, result = '{}'"),
        ("queued", "waiting", "due_ms = NULL"),
        ("running", "succeeded", "finished_ms = NULL"),
    ],
)
async def test_the_table_refuses_states_that_make_no_sense(store: Store, before: str, after: str, more: str) -> None:
    row = {"key": "a", "kind": "k", "lane": "light", "person_id": 1, "payload": {}, "created_ms": 1, "state": before}
    row |= {"attempt": 1} if before in {"running", "succeeded"} else {}
    row |= {"finished_ms": 1} if before == "succeeded" else {}
    row |= {"due_ms": 1} if before == "waiting" else {}
    await store.write(lambda connection: connection.execute(sa.insert(jobs).values(**row)))

    with pytest.raises(sa.exc.IntegrityError):
        await store.write(lambda connection: connection.exec_driver_sql(f"UPDATE jobs SET state = '{after}', {more}"))
    assert await store.read(lambda connection: connection.scalar(sa.select(jobs.c.state))) == before


async def test_an_idle_queue_sets_no_timer_and_writes_nothing(desk: EmbeddedDesk) -> None:
    queue = await desk.begin({"echo": echo})
    job, _ = await queue.enqueue(new("a"))
    await desk.until(job.id, JobState.SUCCEEDED)
    await asyncio.sleep(0)
    loop = asyncio.get_running_loop()
    writes: list[str] = []
    assert desk.store is not None
    sa.event.listen(desk.store.engine, "before_cursor_execute", lambda *args: writes.append(args[2]))

    await asyncio.sleep(0.2)

    assert not writes
    assert isinstance(queue, EmbeddedQueue)
    assert queue._agenda._timer is None
    assert [task for task in asyncio.all_tasks(loop) if "jobs/" in task.get_name()] == []


async def test_a_patient_lane_gives_up_at_last(store: Store) -> None:
    now_s = 1_000_000.0

    async def down(run: JobRun) -> Payload | None:
        nonlocal now_s
        now_s += 50.0
        raise DriveUnreachableError("down")

    lane = Lane(name="light", total=1, per_person=1, retries=RetryPolicy(base_s=0, cap_s=0, give_up_after_s=600))
    queue = EmbeddedQueue(store, [lane], clock=lambda: now_s, steady=lambda: now_s)
    ended = asyncio.Event()
    queue.register("down", down)
    queue.subscribe(lambda job, _progress: ended.set() if job.state.is_final else None)
    await queue.start()
    job, _ = await queue.enqueue(new("a", kind="down"))
    async with asyncio.timeout(20):
        await ended.wait()
    await queue.stop(grace_s=1)

    stored = await queue.get(job.id)
    assert stored is not None
    assert (stored.state, stored.error_key) == (JobState.FAILED, "error.drive_unreachable")
    assert stored.attempt == 13


@pytest.mark.parametrize("jump_s", [-86_400.0, 10 * 86_400.0])
async def test_a_clock_that_jumps_makes_no_wait_longer_and_no_patience_shorter(store: Store, jump_s: float) -> None:
    wall_s = 1_000_000.0
    attempts = 0

    async def down(run: JobRun) -> Payload | None:
        nonlocal wall_s, attempts
        attempts += 1
        if attempts == 2:
            wall_s += jump_s
        if attempts < 5:
            raise DriveUnreachableError("down")
        return None

    lane = Lane(name="light", total=1, per_person=1, retries=RetryPolicy(base_s=0.02, cap_s=0.02, give_up_after_s=600))
    queue = EmbeddedQueue(store, [lane], clock=lambda: wall_s)
    ended = asyncio.Event()
    queue.register("down", down)
    queue.subscribe(lambda job, _progress: ended.set() if job.state.is_final else None)
    await queue.start()
    job, _ = await queue.enqueue(new("a", kind="down"))
    async with asyncio.timeout(20):
        await ended.wait()
    await queue.stop(grace_s=1)

    stored = await queue.get(job.id)
    assert stored is not None
    assert stored.state is JobState.SUCCEEDED


async def test_what_waits_for_a_moment_of_the_clock_follows_the_clock(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telpher.jobs.agenda._CLOCK_LOOKED_AT_EVERY_S", 0.02)
    wall_s = 1_000_000.0
    queue = EmbeddedQueue(store, clock=lambda: wall_s)
    ended = asyncio.Event()
    queue.register("echo", echo)
    queue.subscribe(lambda job, _progress: ended.set() if job.state.is_final else None)
    await queue.start()
    in_an_hour = dt.datetime.fromtimestamp(wall_s + 3600, dt.UTC)
    await queue.enqueue(new("a", run_at=in_an_hour))
    wall_s -= 7200.0
    await asyncio.sleep(0.1)
    assert not ended.is_set()
    wall_s += 10_800.0
    async with asyncio.timeout(20):
        await ended.wait()
    await queue.stop(grace_s=1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_full_database_delays_a_jobs_end_but_does_not_lose_it(desk: EmbeddedDesk) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def work(run: JobRun) -> Payload:
        begun.set()
        await go_on.wait()
        return {"text": "x" * 200_000}

    queue = await desk.begin({"work": work})
    job, _ = await queue.enqueue(new("a", kind="work"))
    await begun.wait()
    assert desk.store is not None
    pages = await desk.store.write(lambda connection: connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    await desk.store.write(lambda connection: connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 1}"))
    go_on.set()
    await asyncio.sleep(0.2)
    assert desk.states_of(job.id)[-1] is JobState.RUNNING

    await desk.store.write(lambda connection: connection.exec_driver_sql("PRAGMA max_page_count=1000000"))
    assert (await desk.until(job.id, JobState.SUCCEEDED)).result == {"text": "x" * 200_000}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("waiting", [0, 10_000])
async def test_the_statements_of_a_job_do_not_depend_on_how_many_wait(desk: EmbeddedDesk, waiting: int) -> None:
    """Counted in steps of SQLite's machine, which, unlike time, are the same on every run."""
    queue = await desk.begin({"echo": echo})
    await queue.pause_account("held")
    for start in range(0, waiting, 1000):
        await queue.enqueue_all([new(f"held-{n}", person_id=9, account="held") for n in range(start, start + 1000)])
    assert desk.store is not None
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def watch(connection: sa.Connection) -> None:
        connection.connection.driver_connection.set_progress_handler(count, 100)

    await desk.store.write(watch)
    for n in range(20):
        job, _ = await queue.enqueue(new(f"job-{n}", account="free"))
        await desk.until(job.id, JobState.SUCCEEDED)
        await queue.list_for(1)

    assert steps < 20 * 20
