"""Run a module of the workshop: the same calls in several ways, timed, on the queue and off the event loop."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from typing import Any

from telpher.access import Access, Right
from telpher.actions.computations import Computation, Computations
from telpher.actions.show_run import ShowRun
from telpher.compute.kernels import texts
from telpher.compute.port import Arguments, Module, Run, RunProgress, Value
from telpher.compute.workshop import Workshop
from telpher.errors import StaleButtonError
from telpher.jobs.port import Job, JobRun, NewJob, Payload, Queue

KIND = "run_module"
STRATEGIES = ("linear", "threads", "processes")
_LANGUAGES = ("en", "ru")
_LONGEST_ANSWER = 200
"""What is longer comes as a file."""


@dataclasses.dataclass(frozen=True)
class StrategyTime:
    """How long all calls took in one way, in seconds of wall time."""

    strategy: str
    wall_s: float


@dataclasses.dataclass(frozen=True)
class ComputeProgress:
    """Which ways are finished, and how far the one that runs is."""

    finished: tuple[StrategyTime, ...]
    current: RunProgress


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """What is to be run, and where that is told."""

    module: str
    chat_id: int
    message_id: int
    arguments: Arguments = dataclasses.field(default_factory=dict)
    strategies: tuple[str, ...] = STRATEGIES
    calls: int | None = None
    """None for as many as the module makes by itself."""
    is_lesson: bool = True
    """A step of the conversation that leads from module to module, rather than a run of the person's own making."""


@dataclasses.dataclass(frozen=True)
class RunAccepted:
    """It is on its way. `is_new` is False for a press that was accepted before."""

    job: Job
    is_new: bool


class RunModule:
    """`request` accepts at once; `work` is what the queue runs."""

    def __init__(
        self,
        *,
        access: Access,
        queue: Queue,
        workshop: Workshop,
        modules: Mapping[str, Module],
        computations: Computations,
        show_run: ShowRun,
    ) -> None:
        self._access = access
        self._queue = queue
        self._workshop = workshop
        self._modules = dict(modules)
        self._computations = computations
        self._show_run = show_run

    def offered(self) -> tuple[Module, ...]:
        """The modules that can be run here, in their order."""
        return tuple(module for module in self._modules.values() if module.unavailable is None)

    def check(self, person_id: int) -> None:
        """Raise AccessDeniedError unless this person may compute."""
        self._access.require(person_id, Right.COMPUTE)

    async def request(self, person_id: int, plan: Plan, *, key: str) -> RunAccepted:
        """Accept a run: durable when this returns.

        Raises AccessDeniedError, StaleButtonError when there is no such module, and what `Workshop.check` raises.
        """
        self.check(person_id)
        module = self._modules.get(plan.module)
        if module is None:
            raise StaleButtonError("no such module")
        arguments = module.complete(plan.arguments)
        calls = plan.calls or module.calls
        for strategy in plan.strategies:
            self._workshop.check(module.name, arguments, strategy, calls)
        payload = {
            "module": module.name,
            "titles": dict(module.titles),
            "arguments": arguments,
            "calls": calls,
            "strategies": {name: dict(self._workshop.strategy(name).titles) for name in plan.strategies},
            "chat_id": plan.chat_id,
            "message_id": plan.message_id,
            "is_lesson": plan.is_lesson,
        }
        job, is_new = await self._queue.enqueue(
            NewJob(key=f"{KIND}:{key}", kind=KIND, lane="compute", person_id=person_id, payload=payload)
        )
        return RunAccepted(job, is_new)

    async def show_again(self, done: Computation, *, chat_id: int, message_id: int, key: str) -> None:
        """Send an earlier run's picture once more."""
        await self._show_run.again(done, chat_id=chat_id, message_id=message_id, key=key)

    async def work(self, run: JobRun) -> Payload:
        """Each way in turn, so that they do not take the cores from each other; what came of it is kept, and its picture queued."""
        job, payload = run.job, run.job.payload
        kept = await self._computations.of_job(job.id)
        if kept is None:
            finished, is_agreed = await self._run_all(run)
            answer = str(finished[0].value)
            if len(answer) > _LONGEST_ANSWER:
                await self._show_run.hold_answer(job.id, answer)
            result: Payload = self._result(finished, is_agreed=is_agreed)
            await self._computations.keep(job.id, job.person_id, payload["module"], payload["arguments"], result)
        else:
            result = kept.result
        await self._show_run.promise(job, has_answer=result["has_file"])
        return {**result, "runs": [{name: done[name] for name in ("strategy", "wall_s")} for done in result["runs"]]}

    async def _run_all(self, run: JobRun) -> tuple[list[Run], bool]:
        """What each way came to, and whether all calls answered the same. Of equal answers, which may be long, one is kept."""
        payload = run.job.payload
        finished: list[Run] = []
        answers: list[Value] = []
        for strategy in payload["strategies"]:
            times = tuple(StrategyTime(done.strategy, done.wall_s) for done in finished)

            def tell(progress: RunProgress, times: tuple[StrategyTime, ...] = times) -> None:
                run.tell(ComputeProgress(times, progress))

            done = await self._workshop.run(
                payload["module"], payload["arguments"], strategy, int(payload["calls"]), tell=tell
            )
            finished.append(await asyncio.to_thread(_with_known_answers, done, answers))
        return finished, len(answers) == 1

    def _result(self, finished: list[Run], *, is_agreed: bool) -> dict[str, Any]:
        first = finished[0]
        module = self._modules[first.module]
        return {
            "runs": [
                {
                    "strategy": done.strategy,
                    "wall_s": done.wall_s,
                    "calls": [(call.worker, call.start_s, call.end_s) for call in done.calls],
                }
                for done in finished
            ],
            "calls": len(first.calls),
            "answers": {language: module.describe(first.value, first.arguments, language) for language in _LANGUAGES},
            "is_agreed": is_agreed,
            "has_file": len(str(first.value)) > _LONGEST_ANSWER,
            # What a limit counts: the time of each core that was kept busy, not that of the person who waited.
            "cpu_s": module.threads(first.arguments) * sum(call.took_s for done in finished for call in done.calls),
        }


def _with_known_answers(done: Run, answers: list[Value]) -> Run:
    """`done`, with answers that are equal to known ones replaced by those; others become known. Not on the loop."""
    calls = []
    for call in done.calls:
        known = next((answer for answer in answers if _are_same(answer, call.value)), None)
        if known is None:
            answers.append(known := call.value)
        calls.append(dataclasses.replace(call, value=known))
    return dataclasses.replace(done, calls=tuple(calls))


def _are_same(one: Value, other: Value) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return texts.are_same(one, other)
    return one == other
