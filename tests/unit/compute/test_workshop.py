"""The workshop: every strategy gives the same answers, stops when told, refuses what cannot be, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import concurrent.futures
import dataclasses
import json
import os
import signal
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from telpher.compute import interpreter_pool, modules, process_pool, workshop
from telpher.compute.kernels import pool
from telpher.compute.port import Arguments, CallCancelledError, Control, Module, Parameter, RunProgress, Titles, Value
from telpher.compute.reservations import Reservations
from telpher.compute.workshop import Workshop
from telpher.errors import (
    BadInputError,
    ComputationFailedError,
    MemoryShortError,
    ModuleUnknownError,
    ParameterInvalidError,
    StrategyUnavailableError,
)

STRATEGIES = ("linear", "threads", "processes", "naive-processes")
ENDLESS = {"terms": 10**12}
SEARCH = modules.registry()["search"].complete({})


@pytest.fixture
async def shop() -> AsyncIterator[Workshop]:
    async with Workshop(workers=2) as opened:
        yield opened


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_every_strategy_gives_the_same_answer(shop: Workshop, strategy: str) -> None:
    run = await shop.run("search", {"n": 50_000, "sought": 1234}, strategy, 5)
    assert (run.module, run.strategy, len(run.calls)) == ("search", strategy, 5)
    assert [call.value for call in run.calls] == [1234] * 5
    assert run.value == 1234
    assert all(0 <= call.start_s <= call.end_s <= run.wall_s for call in run.calls)
    assert [call.start_s for call in run.calls] == sorted(call.start_s for call in run.calls)


async def test_linear_calls_run_one_after_another(shop: Workshop) -> None:
    run = await shop.run("pi", {"terms": 200_000}, "linear", 5)
    assert {call.worker for call in run.calls} == {"thread 1"}
    assert all(before.end_s <= after.start_s for before, after in zip(run.calls, run.calls[1:], strict=False))


async def test_threads_and_processes_run_calls_at_the_same_time(shop: Workshop) -> None:
    for strategy in ("threads", "processes"):
        run = await shop.run("pi", {"terms": 20_000_000}, strategy, 2)
        first, second = run.calls
        assert second.start_s < first.end_s, strategy
        assert first.worker != second.worker


async def test_processes_are_kept_warm(shop: Workshop) -> None:
    first = await shop.run("pi", {"terms": 1000}, "processes", 2)
    second = await shop.run("pi", {"terms": 1000}, "processes", 2)
    workers = {f"process {child.pid}" for child in psutil.Process().children()}
    assert len(workers) == 2
    assert {call.worker for run in (first, second) for call in run.calls} <= workers


async def test_processes_that_nobody_needs_leave() -> None:
    warm = process_pool.ProcessPool(2, kept_warm_s=0.2)
    try:
        assert (await warm.submit(modules.registry()["search"], {**SEARCH, "n": 10}).timing).value == 9
        assert psutil.Process().children()
        deadline = time.monotonic() + 10
        while psutil.Process().children():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)
        assert (await warm.submit(modules.registry()["search"], {**SEARCH, "n": 10}).timing).value == 9
    finally:
        await warm.close()


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_cancelled_run_stops(shop: Workshop, strategy: str) -> None:
    progress: list[RunProgress] = []
    running = asyncio.create_task(shop.run("pi", ENDLESS, strategy, 3, tell=progress.append))  # noqa: TID251 - the test's own
    deadline = time.monotonic() + 60  # at idle priority, beside whatever else the machine does
    while not (progress or (strategy == "naive-processes" and len(psutil.Process().children(recursive=True)) >= 4)):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 10)
    # What ran has stopped: the next run has its workers at once.
    assert (await asyncio.wait_for(shop.run("search", {"n": 10}, "linear", 1), 10)).value == 9
    if strategy != "naive-processes":
        assert all(0 <= one.fraction < 1 for one in progress)


async def test_progress_ends_at_one(shop: Workshop) -> None:
    progress: list[RunProgress] = []
    await shop.run("search", {"n": 1000}, "threads", 4, tell=progress.append)
    assert progress[-1] == RunProgress(strategy="threads", calls_done=4, calls=4, fraction=1.0)


async def test_the_loop_goes_on_while_kernels_run(shop: Workshop) -> None:
    running = asyncio.create_task(shop.run("pi", {"terms": 50_000_000}, "threads", 4))  # noqa: TID251 - the test's own
    ticks = 0
    while not running.done():
        await asyncio.sleep(0.005)
        ticks += 1
    assert ticks >= 4
    assert (await running).value == pytest.approx(3.14159263, abs=1e-7)


async def test_what_is_wrong_is_refused_before_anything_starts(shop: Workshop) -> None:
    threads = threading.active_count()
    with pytest.raises(ModuleUnknownError, match="no module tau"):
        await shop.run("tau")
    with pytest.raises(ModuleUnknownError, match="no strategy magic"):
        await shop.run("pi", {}, "magic")
    with pytest.raises(ParameterInvalidError, match="terms is 0; it should be from 1 to"):
        await shop.run("pi", {"terms": 0})
    with pytest.raises(ParameterInvalidError, match="way is 'quick'; it should be one of plain"):
        await shop.run("pi", {"way": "quick"})
    with pytest.raises(ParameterInvalidError, match="no parameter speed"):
        await shop.run("pi", {"speed": 1})
    with pytest.raises(ParameterInvalidError):
        await shop.run("pi", {"terms": True})
    with pytest.raises(BadInputError, match="calls is 0"):
        await shop.run("pi", {}, "linear", 0)
    assert threading.active_count() == threads
    assert not psutil.Process().children()


async def test_memory_that_is_not_there_is_refused_with_the_figure() -> None:
    async with Workshop(workers=2, memory_bytes=100 << 20) as small:
        with pytest.raises(MemoryShortError) as caught:
            await small.run("search", {"n": 100 << 20})
        assert caught.value.params == {"needed_bytes": 400 << 20, "free_bytes": 100 << 20}
        with pytest.raises(MemoryShortError):
            small.check("search", {"n": 20 << 20}, "threads")
        small.check("search", {"n": 20 << 20}, "linear")


@pytest.mark.skipif("ASAN_OPTIONS" in os.environ, reason="the sanitiser needs the address space that is limited here")
async def test_a_failed_allocation_is_survived() -> None:
    import resource

    # Told that there is room, the kernels find that there is none.
    async with Workshop(workers=1, memory_bytes=1 << 40) as trusting:
        await trusting.run("search", {"n": 10}, "linear", 1)
        now = psutil.Process().memory_info().vms
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (now + (1 << 30), hard))
        try:
            for way in ("plain", "fresh", "warm", "batch"):
                with pytest.raises(MemoryShortError):
                    await trusting.run("search", {"n": 2**31 - 1, "way": way}, "linear", 2)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
        assert (await trusting.run("search", {"n": 10}, "linear", 1)).value == 9


async def test_runs_share_the_cores_first_come_first_served() -> None:
    reservations = Reservations(2, 100)
    order: list[str] = []

    async def hold(name: str, cores: int, memory_bytes: int, until: asyncio.Event) -> None:
        async with reservations.reserve(cores, memory_bytes):
            order.append(name)
            await until.wait()

    async with asyncio.TaskGroup() as group:
        first, rest = asyncio.Event(), asyncio.Event()
        group.create_task(hold("one core", 1, 60, first))
        await asyncio.sleep(0)
        group.create_task(hold("too much memory beside it", 1, 60, rest))
        waiting = group.create_task(hold("given up", 2, 0, rest))
        group.create_task(hold("small, but later", 1, 0, rest))
        await asyncio.sleep(0.01)
        assert order == ["one core"]
        waiting.cancel()
        first.set()
        async with asyncio.timeout(20):
            while len(order) < 3:
                await asyncio.sleep(0)
        assert order == ["one core", "too much memory beside it", "small, but later"]
        rest.set()


async def test_a_worker_process_that_dies_fails_its_call_and_is_replaced(shop: Workshop) -> None:
    await shop.run("pi", {"terms": 1000}, "processes", 2)
    running = asyncio.create_task(shop.run("pi", ENDLESS, "processes", 2))  # noqa: TID251 - the test's own
    await asyncio.sleep(0.1)
    os.kill(psutil.Process().children()[0].pid, signal.SIGKILL)
    with pytest.raises(ComputationFailedError, match="ended"):
        await asyncio.wait_for(running, 10)
    assert (await shop.run("search", {"n": 10}, "processes", 4)).value == 9


async def test_closing_leaves_no_thread_and_no_process() -> None:
    async with Workshop(workers=2) as opened:
        for strategy in STRATEGIES:
            await opened.run("search", {"n": 1000}, strategy, 2)
        assert len(list(Path("/proc/self/task").iterdir())) > 1
        natives = _compute_threads()
        assert natives
    assert not psutil.Process().children()
    assert not _compute_threads()


def _compute_threads() -> list[int]:
    """The threads of this process at idle priority: ours."""
    return [
        int(task.name)
        for task in Path("/proc/self/task").iterdir()
        if os.sched_getscheduler(int(task.name)) == os.SCHED_IDLE
    ]


async def test_interpreters_run_or_say_why_not(shop: Workshop) -> None:
    reason = shop.unavailable("pi", "interpreters")
    if hasattr(concurrent.futures, "InterpreterPoolExecutor"):
        assert reason is None
        assert (await shop.run("search", {"n": 1000}, "interpreters", 4)).value == 999
    else:
        assert reason is not None
        assert "3.14" in reason["en"]
        assert "3.14" in reason["ru"]
        with pytest.raises(StrategyUnavailableError, match=r"3\.14"):
            await shop.run("search", {"n": 1000}, "interpreters")


def test_what_crosses_an_interpreters_border_is_texts_and_numbers() -> None:
    control = pool.Control()
    answer = json.loads(interpreter_pool.call_here("search", json.dumps({**SEARCH, "n": 1000}), control.address))
    assert answer["value"] == 999
    assert answer["start_s"] <= answer["end_s"]
    control.cancel()
    assert json.loads(interpreter_pool.call_here("search", json.dumps({**SEARCH, "n": 1000}), control.address))[
        "cancelled"
    ]


# ---- modules that are not C functions of our shape


def _module(**changes: object) -> Module:
    base = Module(
        name="echo",
        titles={"en": "Echo"},
        descriptions={"en": "Answers what it is given."},
        parameters=(Parameter(name="n", titles={"en": "N"}, default=3, minimum=0, maximum=100),),
        reference=lambda arguments: int(arguments["n"]),
        units={"en": "echoes"},
        work=lambda _: 1,
        describe=lambda value, _arguments, _language: str(value),
        kernel=_echo,
    )
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def _echo(arguments: Arguments, control: Control) -> Value:
    return int(arguments["n"])


def _wait_to_be_cancelled(arguments: Arguments, control: Control) -> Value:
    while not control.cancelled:
        time.sleep(0.001)
    raise CallCancelledError


def _fail(arguments: Arguments, control: Control) -> Value:
    raise ComputationFailedError(reason="it never works")


def _add(monkeypatch: pytest.MonkeyPatch, module: Module) -> None:
    known = {**modules.registry(), module.name: module}
    monkeypatch.setattr(workshop.modules, "registry", lambda: known)


async def test_a_python_kernel_runs_in_python_threads(monkeypatch: pytest.MonkeyPatch, shop: Workshop) -> None:
    _add(monkeypatch, _module())
    for strategy in ("linear", "threads"):
        run = await shop.run("echo", {"n": 7}, strategy)
        assert [call.value for call in run.calls] == [7] * 5


async def test_a_python_kernel_is_cancelled_too(monkeypatch: pytest.MonkeyPatch, shop: Workshop) -> None:
    _add(monkeypatch, _module(kernel=_wait_to_be_cancelled))
    running = asyncio.create_task(shop.run("echo", {}, "threads"))  # noqa: TID251 - the test's own
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 10)


async def test_a_kernels_failure_is_the_runs(monkeypatch: pytest.MonkeyPatch, shop: Workshop) -> None:
    _add(monkeypatch, _module(kernel=_fail))
    with pytest.raises(ComputationFailedError) as caught:
        await shop.run("echo", {}, "threads")
    assert caught.value.params == {"reason": "it never works"}


async def test_an_unavailable_module_says_why(monkeypatch: pytest.MonkeyPatch, shop: Workshop) -> None:
    why: Titles = {"en": "built without GMP", "ru": "собрано без GMP"}
    _add(monkeypatch, _module(unavailable=why))
    assert shop.unavailable("echo", "threads") == why
    with pytest.raises(StrategyUnavailableError, match="built without GMP"):
        await shop.run("echo")
