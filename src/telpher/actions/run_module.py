"""Run a module of the workshop: the same calls in several ways, timed, on the queue and off the event loop."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from telpher.access import Access, Right
from telpher.compute.port import Module, Run, RunProgress
from telpher.compute.workshop import Workshop
from telpher.errors import StaleButtonError
from telpher.jobs.port import Job, JobRun, NewJob, Payload, Queue

KIND = "run_module"
STRATEGIES = ("linear", "threads", "processes")
_LANGUAGES = ("en", "ru")


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


@dataclasses.dataclass(frozen=True)
class RunAccepted:
    """It is on its way. `is_new` is False for a press that was accepted before."""

    job: Job
    is_new: bool


class RunModule:
    """`request` accepts at once; `work` is what the queue runs."""

    def __init__(self, *, access: Access, queue: Queue, workshop: Workshop, modules: Mapping[str, Module]) -> None:
        self._access = access
        self._queue = queue
        self._workshop = workshop
        self._modules = dict(modules)

    def offered(self) -> tuple[Module, ...]:
        """The modules that can be run here, in their order."""
        return tuple(module for module in self._modules.values() if module.unavailable is None)

    def check(self, person_id: int) -> None:
        """Raise AccessDeniedError unless this person may compute."""
        self._access.require(person_id, Right.COMPUTE)

    async def request(self, person_id: int, module_name: str, *, key: str) -> RunAccepted:
        """Accept a run: durable when this returns.

        Raises AccessDeniedError, StaleButtonError when there is no such module, and what `Workshop.check` raises.
        """
        self.check(person_id)
        module = self._modules.get(module_name)
        if module is None:
            raise StaleButtonError("no such module")
        arguments = module.complete({})
        for strategy in STRATEGIES:
            self._workshop.check(module_name, arguments, strategy)
        payload = {
            "module": module_name,
            "titles": dict(module.titles),
            "arguments": arguments,
            "calls": module.calls,
            "strategies": {name: dict(self._workshop.strategy(name).titles) for name in STRATEGIES},
        }
        job, is_new = await self._queue.enqueue(
            NewJob(key=f"{KIND}:{key}", kind=KIND, lane="compute", person_id=person_id, payload=payload)
        )
        return RunAccepted(job, is_new)

    async def work(self, run: JobRun) -> Payload:
        """Each way in turn, so that they do not take the cores from each other."""
        payload = run.job.payload
        finished: list[Run] = []
        for strategy in payload["strategies"]:
            times = tuple(StrategyTime(done.strategy, done.wall_s) for done in finished)

            def tell(progress: RunProgress, times: tuple[StrategyTime, ...] = times) -> None:
                run.tell(ComputeProgress(times, progress))

            finished.append(
                await self._workshop.run(
                    payload["module"], payload["arguments"], strategy, int(payload["calls"]), tell=tell
                )
            )
        return self._result(finished)

    def _result(self, finished: list[Run]) -> dict[str, Any]:
        first = finished[0]
        describe = self._modules[first.module].describe
        threads = self._modules[first.module].threads(first.arguments)
        values = [call.value for done in finished for call in done.calls]
        return {
            "runs": [{"strategy": done.strategy, "wall_s": done.wall_s} for done in finished],
            "calls": len(first.calls),
            "answers": {language: describe(first.value, first.arguments, language) for language in _LANGUAGES},
            "is_agreed": all(value == first.value for value in values),
            # What counts towards the person's limit of the day.
            "cpu_s": threads * sum(call.took_s for done in finished for call in done.calls),
        }
