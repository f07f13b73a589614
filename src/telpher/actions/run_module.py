"""Run a module of the workshop: the same calls in several ways, timed, on the queue and off the event loop."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from telpher.access import Access, Right
from telpher.compute.port import Module, Strategy
from telpher.compute.workshop import Workshop
from telpher.errors import StaleButtonError
from telpher.jobs.port import Job, JobRun, NewJob, Payload, Queue

KIND = "run_module"
CALLS = 5
STRATEGIES = (Strategy.LINEAR, Strategy.THREADS, Strategy.PROCESSES)


@dataclasses.dataclass(frozen=True)
class StrategyTime:
    """How long all calls took in one way, in seconds of wall time."""

    strategy: str
    wall_s: float


@dataclasses.dataclass(frozen=True)
class ComputeProgress:
    """Which ways are finished, which one is running, and how many of its calls have ended."""

    finished: tuple[StrategyTime, ...]
    strategy: str
    done_calls: int
    total_calls: int


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
        """The modules of the conversation, in their order."""
        return tuple(self._modules.values())

    def check(self, person_id: int) -> None:
        """Raise AccessDeniedError unless this person may compute."""
        self._access.require(person_id, Right.COMPUTE)

    async def request(self, person_id: int, module_name: str, *, key: str) -> RunAccepted:
        """Accept a run: durable when this returns. Raises AccessDeniedError, StaleButtonError when there is no such module."""
        self.check(person_id)
        module = self._modules.get(module_name)
        if module is None:
            raise StaleButtonError("no such module")
        payload = {
            "module": module_name,
            "titles": dict(module.titles),
            "parameters": {parameter.name: parameter.default for parameter in module.parameters},
            "calls": CALLS,
            "strategies": [strategy.value for strategy in STRATEGIES],
        }
        job, is_new = await self._queue.enqueue(
            NewJob(key=f"{KIND}:{key}", kind=KIND, lane="compute", person_id=person_id, payload=payload)
        )
        return RunAccepted(job, is_new)

    async def work(self, run: JobRun) -> Payload:
        """Each way in turn, so that they do not take the cores from each other."""
        payload = run.job.payload
        finished: list[StrategyTime] = []
        values: list[Any] = []
        total_calls = int(payload["calls"])
        for strategy in payload["strategies"]:
            done_calls = 0

            def tell(_call: object, strategy: str = strategy) -> None:
                nonlocal done_calls
                done_calls += 1
                run.tell(ComputeProgress(tuple(finished), strategy, done_calls, total_calls))

            run.tell(ComputeProgress(tuple(finished), strategy, 0, total_calls))
            timed = await self._workshop.run(
                payload["module"], payload["parameters"], Strategy(strategy), total_calls, tell=tell
            )
            finished.append(StrategyTime(strategy, timed.wall_s))
            values.extend(call.value for call in timed.calls)
        return {
            "runs": [dataclasses.asdict(time) for time in finished],
            "value": values[0],
            "is_agreed": all(value == values[0] for value in values),
        }
