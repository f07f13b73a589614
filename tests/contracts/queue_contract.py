"""What every queue keeps, whichever engine it has. A test file gives the fixture `desk` and inherits `QueueContract`."""

from __future__ import annotations

import abc
import asyncio
import collections
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from telpher.errors import (
    AccessDeniedError,
    DriveBusyError,
    DriveUnreachableError,
    LoginRequiredError,
)
from telpher.jobs.port import Job, JobId, JobRun, JobState, NewJob, Payload, Queue

TRANSFER_TOTAL, TRANSFER_PER_PERSON = 4, 2


class Desk(abc.ABC):
    """A queue under test, and the news that it told. Lane `transfer` runs 4, 2 per person; `light` many; first retry within 50 ms."""

    def __init__(self) -> None:
        self.queue: Queue
        self.news: list[tuple[Job, object | None]] = []
        self._heard = asyncio.Event()

    @abc.abstractmethod
    async def open(self) -> Queue:
        """A new queue over what is stored."""

    @abc.abstractmethod
    async def crash(self) -> None:
        """End this queue as a power cut would, as far as the table can tell."""

    @abc.abstractmethod
    async def close(self) -> None: ...

    async def begin(
        self,
        works: dict[str, Callable[[JobRun], Awaitable[Payload | None]]],
        undos: dict[str, Callable[[Job], Awaitable[None]]] | None = None,
    ) -> Queue:
        self.queue = await self.open()
        for kind, work in works.items():
            self.queue.register(kind, work, (undos or {}).get(kind))
        self.queue.subscribe(self._hear)
        await self.queue.start()
        return self.queue

    def _hear(self, job: Job, progress: object | None) -> None:
        self.news.append((job, progress))
        self._heard.set()

    async def until(self, job_id: JobId, *states: JobState) -> Job:
        """Wait until the queue has told of one of these states, now or before."""
        async with asyncio.timeout(20):
            while True:
                told = [job for job, progress in self.news if job.id == job_id and progress is None]
                if told and told[-1].state in states:
                    return told[-1]
                self._heard.clear()
                await self._heard.wait()

    def states_of(self, job_id: JobId) -> list[JobState]:
        return [job.state for job, progress in self.news if job.id == job_id and progress is None]


def new(key: str, *, person_id: int = 1, kind: str = "echo", lane: str = "light", **more: Any) -> NewJob:
    return NewJob(key=key, kind=kind, person_id=person_id, payload={"key": key}, lane=lane, **more)


async def echo(run: JobRun) -> Payload:
    run.tell("half")
    return {"said": run.job.payload["key"]}


async def _retried(queue: Queue, job_id: JobId) -> None:
    while not await queue.retry(job_id):
        await asyncio.sleep(0.01)


class Gate:
    """A work that waits to be let through, and counts."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.order: list[str] = []
        self.now: collections.Counter[int] = collections.Counter()
        self.most: collections.Counter[int] = collections.Counter()
        self.most_in_all = 0
        self.entered = asyncio.Condition()

    async def __call__(self, run: JobRun) -> None:
        person_id = run.job.person_id
        self.order.append(run.job.key)
        self.now[person_id] += 1
        self.most[person_id] = max(self.most[person_id], self.now[person_id])
        self.most_in_all = max(self.most_in_all, self.now.total())
        async with self.entered:
            self.entered.notify_all()
        try:
            await self.open.wait()
        finally:
            self.now[person_id] -= 1

    async def until_running(self, count: int) -> None:
        async with asyncio.timeout(20), self.entered:
            await self.entered.wait_for(lambda: self.now.total() >= count)


class QueueContract:
    """Inherit, and give the fixture `desk`."""

    async def test_a_job_runs_and_its_result_is_kept(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        job, is_new = await queue.enqueue(new("a", person_id=7))
        assert is_new
        assert (job.state, job.attempt, job.person_id) == (JobState.QUEUED, 0, 7)

        done = await desk.until(job.id, JobState.SUCCEEDED)

        assert done.result == {"said": "a"}
        assert done.attempt == 1
        assert done.finished_at is not None
        assert done.finished_at >= done.created_at
        assert await queue.get(job.id) == done
        assert await queue.find("a") == done
        assert desk.states_of(job.id) == [JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED]
        assert [progress for told, progress in desk.news if told.id == job.id and progress] == ["half"]

    async def test_one_key_is_one_job(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        answers = await asyncio.gather(*(queue.enqueue(new("same")) for _ in range(10)))
        assert len({job.id for job, _ in answers}) == 1
        assert [is_new for _, is_new in answers].count(True) == 1
        await desk.until(answers[0][0].id, JobState.SUCCEEDED)

        again, is_new = await queue.enqueue(new("same"))
        assert not is_new
        assert again.state is JobState.SUCCEEDED
        assert desk.states_of(again.id).count(JobState.RUNNING) == 1

    async def test_several_at_once(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        await queue.enqueue(new("b"))
        answers = await queue.enqueue_all([new("a"), new("b"), new("a"), new("c")])
        assert [(job.key, is_new) for job, is_new in answers] == [("a", True), ("b", False), ("a", False), ("c", True)]
        for job, _ in answers:
            await desk.until(job.id, JobState.SUCCEEDED)

    async def test_limits_in_total_and_per_person_hold(self, desk: Desk) -> None:
        gate = Gate()
        queue = await desk.begin({"gate": gate})
        made = await queue.enqueue_all(
            [
                new(f"{person}-{n}", person_id=person, kind="gate", lane="transfer")
                for n in range(5)
                for person in (1, 2, 3)
            ]
        )
        await gate.until_running(TRANSFER_TOTAL)
        gate.open.set()
        for job, _ in made:
            await desk.until(job.id, JobState.SUCCEEDED)

        assert gate.most_in_all == TRANSFER_TOTAL
        assert max(gate.most.values()) <= TRANSFER_PER_PERSON

    async def test_a_crowd_of_one_person_holds_up_nobody(self, desk: Desk) -> None:
        gate = Gate()
        queue = await desk.begin({"gate": gate})
        await queue.enqueue_all([new(f"crowd-{n}", person_id=1, kind="gate", lane="transfer") for n in range(400)])
        await gate.until_running(TRANSFER_PER_PERSON)
        alone, _ = await queue.enqueue(new("alone", person_id=2, kind="gate", lane="transfer"))

        await desk.until(alone.id, JobState.RUNNING)
        await gate.until_running(TRANSFER_PER_PERSON + 1)

        assert gate.order == ["crowd-0", "crowd-1", "alone"]

    async def test_people_take_turns_and_each_ones_own_go_in_order(self, desk: Desk) -> None:
        order: list[str] = []

        async def note(run: JobRun) -> None:
            order.append(run.job.key)

        async def block(run: JobRun) -> None:
            await blocked.wait()

        blocked = asyncio.Event()
        queue = await desk.begin({"note": note, "block": block})
        blockers = await queue.enqueue_all(
            [new(f"block-{n}", person_id=90 + n, kind="block", lane="transfer") for n in range(TRANSFER_TOTAL)]
        )
        for job, _ in blockers:
            await desk.until(job.id, JobState.RUNNING)
        made = await queue.enqueue_all(
            [new(f"1-{n}", person_id=1, kind="note", lane="transfer") for n in range(4)]
            + [new(f"2-{n}", person_id=2, kind="note", lane="transfer") for n in range(2)]
        )
        places = [await queue.place_of(job.id) for job, _ in made]
        blocked.set()
        for job, _ in made:
            await desk.until(job.id, JobState.SUCCEEDED)

        assert places == [0, 2, 4, 5, 1, 3]
        assert [key for key in order if key.startswith("1")] == ["1-0", "1-1", "1-2", "1-3"]
        assert [key for key in order if key.startswith("2")] == ["2-0", "2-1"]
        assert await queue.place_of(made[0][0].id) is None

    async def test_a_temporary_failure_is_tried_again(self, desk: Desk) -> None:
        async def third_time(run: JobRun) -> Payload:
            if run.job.attempt < 3:
                raise DriveUnreachableError("down")
            return {}

        queue = await desk.begin({"third_time": third_time})
        job, _ = await queue.enqueue(new("a", kind="third_time"))

        done = await desk.until(job.id, JobState.SUCCEEDED)

        assert done.attempt == 3
        assert done.error_key is None
        waiting = [told for told, _ in desk.news if told.state is JobState.WAITING]
        assert len(waiting) == 2
        assert all(told.due_at is not None and told.error_key == "error.drive_unreachable" for told in waiting)

    async def test_the_other_sides_wish_to_wait_is_respected(self, desk: Desk) -> None:
        async def busy(run: JobRun) -> Payload | None:
            raise DriveBusyError("slow down", retry_after_s=3600)

        queue = await desk.begin({"busy": busy})
        before = dt.datetime.now(dt.UTC)
        job, _ = await queue.enqueue(new("a", kind="busy"))

        waiting = await desk.until(job.id, JobState.WAITING)

        assert waiting.due_at is not None
        assert waiting.due_at >= before + dt.timedelta(seconds=3600)

    async def test_a_permanent_failure_ends_it_and_retry_revives_it(self, desk: Desk) -> None:
        async def denied_once(run: JobRun) -> Payload:
            if run.job.attempt == 1:
                raise AccessDeniedError("no", limit=5)
            return {"ok": True}

        queue = await desk.begin({"denied": denied_once})
        job, _ = await queue.enqueue(new("a", kind="denied"))
        failed = await desk.until(job.id, JobState.FAILED)
        assert (failed.error_key, failed.error_params) == ("error.access_denied", {"limit": 5})

        assert await queue.retry(job.id)
        done = await desk.until(job.id, JobState.SUCCEEDED)

        assert (done.result, done.error_key, done.attempt) == ({"ok": True}, None, 2)
        assert not await queue.retry(job.id)

    async def test_a_bug_ends_a_job_after_a_few_attempts(self, desk: Desk) -> None:
        async def bug(run: JobRun) -> Payload | None:
            raise ZeroDivisionError

        queue = await desk.begin({"bug": bug})
        job, _ = await queue.enqueue(new("a", kind="bug"))

        failed = await desk.until(job.id, JobState.FAILED)

        assert failed.error_key == "error.unexpected"
        assert 2 <= failed.attempt <= 10

    async def test_what_needs_the_person_pauses_the_account_and_nothing_else(self, desk: Desk) -> None:
        is_logged_in = False

        async def needs_login(run: JobRun) -> Payload:
            if run.job.account == "google" and not is_logged_in:
                raise LoginRequiredError("invalid_grant")
            return {}

        queue = await desk.begin({"work": needs_login})
        first, _ = await queue.enqueue(new("first", kind="work", account="google"))
        paused = await desk.until(first.id, JobState.PAUSED)
        assert paused.error_key == "error.login_required"

        second, _ = await queue.enqueue(new("second", kind="work", account="google"))
        other, _ = await queue.enqueue(new("other", kind="work", account="folder"))
        await desk.until(other.id, JobState.SUCCEEDED)
        assert second.state is JobState.PAUSED
        assert second.error_key == "error.login_required"

        is_logged_in = True
        assert await queue.resume_account("google") == 2
        for job in (first, second):
            await desk.until(job.id, JobState.SUCCEEDED)

    async def test_one_that_goes_after_retry_frees_the_account(self, desk: Desk) -> None:
        has_room = False

        async def needs_room(run: JobRun) -> Payload:
            if not has_room:
                raise LoginRequiredError("no")
            return {}

        queue = await desk.begin({"work": needs_room})
        made = [(await queue.enqueue(new(f"{n}", kind="work", account="a")))[0] for n in range(3)]
        for job in made:
            await desk.until(job.id, JobState.PAUSED)
        has_room = True

        assert await queue.retry(made[1].id)

        for job in made:
            await desk.until(job.id, JobState.SUCCEEDED)

    async def test_an_account_can_be_held_back(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        await queue.pause_account("google")
        job, _ = await queue.enqueue(new("a", account="google"))
        assert job.state is JobState.PAUSED
        assert await queue.resume_account("google") == 1
        await desk.until(job.id, JobState.SUCCEEDED)

    async def test_cancel_ends_a_job_that_waits_for_its_turn(self, desk: Desk) -> None:
        gate = Gate()
        queue = await desk.begin({"gate": gate})
        made = await queue.enqueue_all([new(f"{n}", kind="gate", lane="transfer") for n in range(4)])
        await gate.until_running(TRANSFER_PER_PERSON)
        last = made[-1][0]

        assert await queue.cancel(last.id)
        assert not await queue.cancel(last.id)
        gate.open.set()
        for job, _ in made[:-1]:
            await desk.until(job.id, JobState.SUCCEEDED)

        assert await queue.place_of(last.id) is None
        assert gate.order == ["0", "1", "2"]
        assert desk.states_of(last.id)[-1] is JobState.CANCELLED

    async def test_cancel_interrupts_a_running_job(self, desk: Desk) -> None:
        ends: list[bool] = []

        async def patient(run: JobRun) -> None:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                await asyncio.sleep(0)
                ends.append(run.cancelled.is_set())
                raise

        queue = await desk.begin({"patient": patient})
        job, _ = await queue.enqueue(new("a", kind="patient"))
        await desk.until(job.id, JobState.RUNNING)

        assert await queue.cancel(job.id)

        assert ends == [True]
        stored = await queue.get(job.id)
        assert stored is not None
        assert stored.state is JobState.CANCELLED
        assert desk.states_of(job.id)[-1] is JobState.CANCELLED

    @pytest.mark.parametrize("has_ended", [False, True])
    async def test_what_a_cancelled_work_leaves_is_undone_before_it_may_begin_again(
        self, desk: Desk, has_ended: bool
    ) -> None:
        told: list[str] = []

        async def work(run: JobRun) -> Payload | None:
            told.append(f"attempt {run.job.attempt}")
            if run.job.attempt == 1:
                try:
                    await asyncio.sleep(3600)
                except asyncio.CancelledError:
                    # The press came as it had just ended.
                    if not has_ended:
                        raise
            return None

        async def undo(job: Job) -> None:
            await asyncio.sleep(0.05)
            told.append(f"undone {job.key}")
            raise OSError("the drive is away")

        queue = await desk.begin({"work": work}, {"work": undo})
        job, _ = await queue.enqueue(new("a", kind="work"))
        await desk.until(job.id, JobState.RUNNING)
        await asyncio.gather(queue.cancel(job.id), _retried(queue, job.id))
        await desk.until(job.id, JobState.SUCCEEDED)
        assert told == ["attempt 1", "undone a", "attempt 2"]

    async def test_what_a_job_left_that_was_cancelled_while_it_waited_is_undone_too(self, desk: Desk) -> None:
        undone: asyncio.Queue[str] = asyncio.Queue()

        async def busy(run: JobRun) -> Payload | None:
            raise DriveBusyError("slow down", retry_after_s=3600)

        async def undo(job: Job) -> None:
            undone.put_nowait(job.key)

        queue = await desk.begin({"busy": busy}, {"busy": undo})
        begun, _ = await queue.enqueue(new("begun", kind="busy"))
        await desk.until(begun.id, JobState.WAITING)
        run_at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        never, _ = await queue.enqueue(new("never", kind="busy", run_at=run_at))
        assert await queue.cancel_all([begun.id, never.id]) == {begun.id, never.id}
        assert await queue.cancel_all([begun.id, never.id]) == set()
        async with asyncio.timeout(20):
            assert await undone.get() == "begun"
        assert undone.empty()

    @pytest.mark.parametrize("has_begun", [False, True])
    async def test_an_undo_outlives_the_process(self, desk: Desk, has_begun: bool) -> None:
        undoing = asyncio.Event()

        async def patient(run: JobRun) -> None:
            await asyncio.sleep(3600)

        async def never(job: Job) -> None:
            undoing.set()
            await asyncio.sleep(3600)

        queue = await desk.begin({"patient": patient}, {"patient": never})
        job, _ = await queue.enqueue(new("a", kind="patient"))
        other, _ = await queue.enqueue(new("b", kind="patient"))
        await desk.until(job.id, JobState.RUNNING)
        cancelling = asyncio.get_running_loop().create_task(queue.cancel(job.id))
        await desk.until(job.id, JobState.CANCELLED)
        if has_begun:
            await undoing.wait()
        await desk.crash()
        await asyncio.gather(cancelling, return_exceptions=True)

        undone: asyncio.Queue[str] = asyncio.Queue()

        async def undo(job: Job) -> None:
            undone.put_nowait(job.key)

        await desk.begin({"patient": patient}, {"patient": undo})
        async with asyncio.timeout(20):
            assert await undone.get() == "a"
        await desk.until(other.id, JobState.RUNNING)
        assert undone.empty()

    async def test_what_could_not_be_undone_is_undone_before_the_next_attempt_or_fails_it(self, desk: Desk) -> None:
        told: list[str] = []
        is_away = True

        async def work(run: JobRun) -> Payload | None:
            told.append("work")
            if len(told) == 1:
                await asyncio.sleep(3600)
            return {}

        async def undo(job: Job) -> None:
            told.append("undo")
            if is_away:
                raise DriveUnreachableError("away")

        queue = await desk.begin({"work": work}, {"work": undo})
        job, _ = await queue.enqueue(new("a", kind="work"))
        await desk.until(job.id, JobState.RUNNING)
        while "work" not in told:
            await asyncio.sleep(0)
        await queue.cancel(job.id)
        assert await queue.retry(job.id)
        waiting = await desk.until(job.id, JobState.WAITING)
        assert waiting.error_key == DriveUnreachableError.text_key
        is_away = False
        await desk.until(job.id, JobState.SUCCEEDED)
        assert told.count("work") == 2
        assert told[0] == told[-1] == "work"

    async def test_many_are_cancelled_at_once_and_tried_again_at_once(self, desk: Desk) -> None:
        gate = Gate()
        queue = await desk.begin({"gate": gate})
        made = [
            job for job, _ in await queue.enqueue_all([new(f"{n}", kind="gate", lane="transfer") for n in range(9)])
        ]
        await gate.until_running(TRANSFER_PER_PERSON)
        ids = [job.id for job in made]

        assert sum(map(len, await asyncio.gather(queue.cancel_all(ids), queue.cancel_all(ids)))) == len(ids)
        assert await queue.count_for(1) == 0
        assert gate.now.total() == 0
        gate.open.set()
        assert sum(map(len, await asyncio.gather(queue.retry_all(ids), queue.retry_all(ids)))) == len(ids)
        ended = [await desk.until(job_id, JobState.SUCCEEDED) for job_id in ids]
        assert [job.attempt for job in ended] == [2] * TRANSFER_PER_PERSON + [1] * (len(ids) - TRANSFER_PER_PERSON)
        assert await queue.retry_all(ids) == set()
        assert await queue.cancel_all([]) == set()

    async def test_a_cancelled_job_may_be_tried_again(self, desk: Desk) -> None:
        async def patient_once(run: JobRun) -> Payload:
            if run.job.attempt == 1:
                await asyncio.sleep(3600)
            return {}

        queue = await desk.begin({"patient": patient_once})
        job, _ = await queue.enqueue(new("a", kind="patient"))
        await desk.until(job.id, JobState.RUNNING)
        await asyncio.gather(queue.cancel(job.id), queue.cancel(job.id))

        assert await queue.retry(job.id)
        await desk.until(job.id, JobState.SUCCEEDED)

    async def test_cancel_reaches_a_job_that_waits_for_its_next_attempt(self, desk: Desk) -> None:
        async def busy(run: JobRun) -> Payload | None:
            raise DriveBusyError("slow down", retry_after_s=3600)

        queue = await desk.begin({"busy": busy})
        job, _ = await queue.enqueue(new("a", kind="busy"))
        await desk.until(job.id, JobState.WAITING)
        assert await queue.cancel(job.id)
        assert desk.states_of(job.id)[-1] is JobState.CANCELLED

    async def test_retry_does_not_wait_for_the_time(self, desk: Desk) -> None:
        async def busy_once(run: JobRun) -> Payload:
            if run.job.attempt == 1:
                raise DriveBusyError("slow down", retry_after_s=3600)
            return {}

        queue = await desk.begin({"busy": busy_once})
        job, _ = await queue.enqueue(new("a", kind="busy"))
        await desk.until(job.id, JobState.WAITING)
        assert await queue.retry(job.id)
        await desk.until(job.id, JobState.SUCCEEDED)

    async def test_a_later_time_is_waited_for(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        run_at = dt.datetime.now(dt.UTC) + dt.timedelta(milliseconds=200)
        late, _ = await queue.enqueue(new("late", run_at=run_at))
        soon, _ = await queue.enqueue(new("soon"))
        assert late.state is JobState.WAITING
        await desk.until(soon.id, JobState.SUCCEEDED)
        await desk.until(late.id, JobState.SUCCEEDED)
        began = next(n for n, (job, _) in enumerate(desk.news) if job.id == late.id and job.state is JobState.RUNNING)
        ended = next(n for n, (job, _) in enumerate(desk.news) if job.id == soon.id and job.state is JobState.SUCCEEDED)
        assert ended < began

    async def test_what_a_crash_interrupted_runs_again(self, desk: Desk) -> None:
        gate = Gate()
        queue = await desk.begin({"gate": gate})
        made = await queue.enqueue_all([new(f"{n}", kind="gate", lane="transfer") for n in range(5)])
        await gate.until_running(TRANSFER_PER_PERSON)
        await desk.crash()
        desk.news.clear()

        gate.open.set()
        queue = await desk.begin({"gate": gate})

        ends = [await desk.until(job.id, JobState.SUCCEEDED) for job, _ in made]
        assert [job.attempt for job in ends] == [2, 2, 1, 1, 1]

    async def test_a_pause_and_a_wait_outlive_the_process(self, desk: Desk) -> None:
        async def busy_once(run: JobRun) -> Payload:
            if run.job.attempt == 1:
                raise DriveBusyError("slow down", retry_after_s=0.3)
            return {}

        queue = await desk.begin({"busy": busy_once, "echo": echo})
        await queue.pause_account("google")
        paused, _ = await queue.enqueue(new("paused", account="google"))
        waiting, _ = await queue.enqueue(new("waiting", kind="busy"))
        await desk.until(waiting.id, JobState.WAITING)
        await desk.crash()
        desk.news.clear()

        queue = await desk.begin({"busy": busy_once, "echo": echo})
        await desk.until(waiting.id, JobState.SUCCEEDED)
        stored = await queue.get(paused.id)
        assert stored is not None
        assert stored.state is JobState.PAUSED
        assert await queue.resume_account("google") == 1
        await desk.until(paused.id, JobState.SUCCEEDED)

    async def test_a_graceful_stop_lets_the_quick_end_and_takes_back_the_slow(self, desk: Desk) -> None:
        gate = Gate()

        async def quick(run: JobRun) -> Payload:
            await asyncio.sleep(0.05)
            return {}

        queue = await desk.begin({"quick": quick, "gate": gate})
        fast, _ = await queue.enqueue(new("fast", kind="quick"))
        slow, _ = await queue.enqueue(new("slow", kind="gate"))
        await gate.until_running(1)
        await desk.until(fast.id, JobState.RUNNING, JobState.SUCCEEDED)
        await queue.stop(grace_s=0.5)

        assert desk.states_of(fast.id)[-1] is JobState.SUCCEEDED
        assert desk.states_of(slow.id)[-1] is JobState.QUEUED
        desk.news.clear()
        gate.open.set()
        await desk.begin({"quick": quick, "gate": gate})
        assert (await desk.until(slow.id, JobState.SUCCEEDED)).attempt == 2

    async def test_a_job_of_an_unknown_kind_waits_for_someone_who_knows(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        job, _ = await queue.enqueue(new("a", kind="later"))
        other, _ = await queue.enqueue(new("b"))
        await desk.until(other.id, JobState.SUCCEEDED)
        stored = await queue.get(job.id)
        assert stored is not None
        assert stored.state is JobState.QUEUED
        await queue.stop(grace_s=1)

        await desk.begin({"echo": echo, "later": echo})
        await desk.until(job.id, JobState.SUCCEEDED)

    async def test_each_person_sees_their_own(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        await queue.pause_account("held")
        held = [(await queue.enqueue(new(f"held-{n}", person_id=1, account="held")))[0].id for n in range(3)]
        done, _ = await queue.enqueue(new("done", person_id=1))
        await queue.enqueue(new("other", person_id=2, account="held"))
        await desk.until(done.id, JobState.SUCCEEDED)

        assert [job.id for job in await queue.list_for(1)] == held[::-1]
        assert [job.id for job in await queue.list_for(1, only_unfinished=False)] == [done.id, *held[::-1]]
        assert [job.id for job in await queue.list_for(1, limit=1)] == [held[-1]]
        assert await queue.list_for(3) == []
        assert [await queue.count_for(person_id) for person_id in (1, 2, 3)] == [3, 1, 0]

    async def test_a_listener_that_fails_stops_nothing(self, desk: Desk) -> None:
        def broken(job: Job, progress: object | None) -> None:
            raise ValueError("a listener's bug")

        queue = await desk.begin({"echo": echo})
        queue.subscribe(broken)
        job, _ = await queue.enqueue(new("a"))
        await desk.until(job.id, JobState.SUCCEEDED)

    async def test_a_cancelled_caller_has_enqueued_all_the_same(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        calls = [asyncio.get_running_loop().create_task(queue.enqueue(new(f"{n}"))) for n in range(5)]
        await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        last, _ = await queue.enqueue(new("last"))
        await desk.until(last.id, JobState.SUCCEEDED)
        for key in "01234":
            job = await queue.find(key)
            if job is not None:
                await desk.until(job.id, JobState.SUCCEEDED)

    async def test_unknown_jobs_and_lanes(self, desk: Desk) -> None:
        queue = await desk.begin({"echo": echo})
        nobody = JobId(987654)
        assert await queue.get(nobody) is None
        assert await queue.find("nothing") is None
        assert await queue.place_of(nobody) is None
        assert not await queue.cancel(nobody)
        assert not await queue.retry(nobody)
        assert await queue.resume_account("nobody") == 0
        with pytest.raises(ValueError, match="no lane"):
            await queue.enqueue(new("a", lane="nowhere"))
