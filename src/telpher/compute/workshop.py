"""Runs modules: checks what is asked, reserves cores and memory, runs it off the event loop, and stops within 100 ms when told."""

from __future__ import annotations

from typing import Self

from telpher.compute import machine, modules
from telpher.compute.port import Arguments, Module, Run, RunProgress, Strategy, TellRun, Titles, in_language
from telpher.compute.reservations import Reservations
from telpher.compute.strategies import Crew, all_strategies
from telpher.errors import BadInputError, ModuleUnknownError, StrategyUnavailableError

MOST_CALLS = 1000


def _hush(_: RunProgress) -> None:
    """For those who do not ask how it goes."""


class Workshop:
    """The room's front door. Made and used on one event loop; nothing is started before the first run.

    `workers` is how many cores may compute at once (all that this process may use by default), `memory_bytes` how much memory they
    may hold (by default what is free when a run starts).
    """

    def __init__(self, workers: int | None = None, memory_bytes: int | None = None) -> None:
        self.workers = max(1, workers or machine.cores())
        self._crew = Crew(self.workers)
        self._reservations = Reservations(self.workers, memory_bytes)
        self._strategies = {strategy.name: strategy for strategy in all_strategies(self._crew)}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    @property
    def strategies(self) -> tuple[Strategy, ...]:
        """All of them, also those that cannot be used here."""
        return tuple(self._strategies.values())

    def module(self, name: str) -> Module:
        """The module of this name; raises ModuleUnknownError."""
        known = modules.registry()
        if name not in known:
            raise ModuleUnknownError(
                f"there is no module {name}; there are: {', '.join(known)}", name=name, known=", ".join(known)
            )
        return known[name]

    def strategy(self, name: str) -> Strategy:
        """The strategy of this name; raises ModuleUnknownError."""
        if name not in self._strategies:
            raise ModuleUnknownError(f"there is no strategy {name}", name=name, known=", ".join(self._strategies))
        return self._strategies[name]

    def unavailable(self, module_name: str, strategy_name: str) -> Titles | None:
        """Why this module cannot be run this way here; None when it can."""
        return self.strategy(strategy_name).unavailable(self.module(module_name))

    def check(self, module_name: str, arguments: Arguments, strategy_name: str, calls: int | None = None) -> None:
        """Raise what `run` would raise before it starts anything: for a refusal before a job is queued."""
        self._plan(module_name, arguments, strategy_name, calls)

    async def run(
        self,
        module_name: str,
        arguments: Arguments | None = None,
        strategy_name: str = "linear",
        calls: int | None = None,
        *,
        tell: TellRun = _hush,
    ) -> Run:
        """Run `calls` calls (the module's own number by default) when there is room, and return their times and values.

        Cancelled, it stops the kernels first. Raises ModuleUnknownError, ParameterInvalidError, StrategyUnavailableError,
        MemoryShortError (nothing has been started then), ComputationFailedError.
        """
        module, complete, strategy, count, memory_bytes = self._plan(module_name, arguments or {}, strategy_name, calls)
        cores = strategy.concurrency(module, complete, count) * module.threads(complete)
        async with self._reservations.reserve(cores, memory_bytes):
            try:
                return await strategy.run(module, complete, count, tell)
            finally:
                self._crew.cool(module)

    def _plan(
        self, module_name: str, arguments: Arguments, strategy_name: str, calls: int | None
    ) -> tuple[Module, Arguments, Strategy, int, int]:
        module, strategy = self.module(module_name), self.strategy(strategy_name)
        reason = strategy.unavailable(module)
        if reason is not None:
            raise StrategyUnavailableError(reason["en"], name=strategy.name, reason=in_language(reason, "en"))
        complete = module.complete(arguments)
        count = module.calls if calls is None else calls
        if not 1 <= count <= MOST_CALLS:
            raise BadInputError(f"calls is {count}; it should be from 1 to {MOST_CALLS}")
        memory_bytes = module.memory_bytes(complete) * strategy.concurrency(module, complete, count)
        memory_bytes += module.answer_bytes(complete) * count
        self._reservations.check(memory_bytes)
        return module, complete, strategy, count, memory_bytes

    async def close(self) -> None:
        """Stop what runs and end all threads and processes. The workshop may be used again afterwards."""
        await self._crew.close()
