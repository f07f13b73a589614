"""The ways to run a module's calls: one after another, in threads, in processes. Adding one is one class, and its name in `ALL`."""

# ruff: noqa: ARG002 - each strategy is asked with all there is to know, and uses what it needs

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from telpher import errors
from telpher.compute import interpreter_pool, machine
from telpher.compute.crew import Call, Pool, failure, settle
from telpher.compute.kernels import texts
from telpher.compute.native_pool import NativePool
from telpher.compute.port import Arguments, CallTiming, Module, Run, RunProgress, Strategy, TellRun, Titles
from telpher.compute.process_pool import ProcessPool, child_environment
from telpher.compute.python_threads import PythonThreads
from telpher.errors import ComputationFailedError

_TICK_S = 0.2


class Crew:
    """The pools that strategies share, each made when it is first needed and kept warm until the workshop closes."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._native: dict[int, NativePool] = {}
        self._python: dict[int, PythonThreads] = {}
        self._processes: ProcessPool | None = None
        self._interpreters: interpreter_pool.InterpreterPool | None = None

    def threads(self, module: Module, count: int) -> Pool:
        """`count` threads that fit the module's kernel: C threads where it needs no Python."""
        if module.native is not None:
            if count not in self._native:
                self._native[count] = NativePool(count)
            return self._native[count]
        if count not in self._python:
            self._python[count] = PythonThreads(count)
        return self._python[count]

    def processes(self) -> ProcessPool:
        if self._processes is None:
            self._processes = ProcessPool(self.workers)
        return self._processes

    def interpreters(self) -> interpreter_pool.InterpreterPool:
        if self._interpreters is None:
            self._interpreters = interpreter_pool.InterpreterPool(self.workers)
        return self._interpreters

    def cool(self, module: Module) -> None:
        """Give back the memory that the module's calls have kept warm, here and in worker processes."""
        module.cool()
        if self._processes is not None:
            self._processes.cool(module)

    async def close(self) -> None:
        pools: list[Pool] = [*self._native.values(), *self._python.values()]
        pools += [pool for pool in (self._processes, self._interpreters) if pool is not None]
        self._native, self._python, self._processes, self._interpreters = {}, {}, None, None
        for pool in pools:
            await pool.close()


class _Pooled:
    """What strategies that hand calls to a pool have in common."""

    name: ClassVar[str]
    titles: ClassVar[Titles]
    descriptions: ClassVar[Titles]

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def unavailable(self, module: Module) -> Titles | None:
        return module.unavailable

    def concurrency(self, module: Module, arguments: Arguments, calls: int) -> int:
        return max(1, min(calls, self._crew.workers // module.threads(arguments)))

    async def _pool(self, module: Module, concurrency: int) -> Pool:
        return self._crew.threads(module, concurrency)

    async def run(self, module: Module, arguments: Arguments, calls: int, tell: TellRun) -> Run:
        concurrency = self.concurrency(module, arguments, calls)
        pool = await self._pool(module, concurrency)
        if module.warms(arguments):
            await _finish(
                self.name, module, arguments, [pool.submit(module, arguments) for _ in range(concurrency)], _hush
            )
        start_s = time.perf_counter()
        handed_in = [pool.submit(module, arguments) for _ in range(calls)]
        timings = await _finish(self.name, module, arguments, handed_in, tell)
        return _run(self.name, module, arguments, start_s, time.perf_counter(), timings)


def _hush(_: RunProgress) -> None:
    """Calls that only warm up tell nothing."""


async def _finish(
    strategy: str, module: Module, arguments: Arguments, calls: Sequence[Call], tell: TellRun
) -> list[CallTiming]:
    """Wait for calls, telling of their progress; the first failure, or being cancelled, stops them all."""
    work = max(1, module.work(arguments))
    pending = {call.timing for call in calls}
    try:
        while pending:
            done, pending = await asyncio.wait(pending, timeout=_TICK_S, return_when=asyncio.FIRST_EXCEPTION)
            if any(timing.exception() for timing in done):
                break
            shares = (1.0 if call.timing.done() else min(1.0, call.control.done / work) for call in calls)
            tell(
                RunProgress(
                    strategy=strategy,
                    calls_done=len(calls) - len(pending),
                    calls=len(calls),
                    fraction=sum(shares) / len(calls),
                )
            )
    finally:
        if pending:
            failed = next(
                (call.timing.exception() for call in calls if call.timing.done() and call.timing.exception()), None
            )
            await settle(calls)
            if failed is not None:
                raise failed
    return [call.timing.result() for call in calls]


def _run(  # noqa: PLR0917
    strategy: str, module: Module, arguments: Arguments, start_s: float, end_s: float, timings: Sequence[CallTiming]
) -> Run:
    calls = [
        CallTiming(worker=one.worker, start_s=one.start_s - start_s, end_s=one.end_s - start_s, value=one.value)
        for one in sorted(timings, key=lambda timing: timing.start_s)
    ]
    return Run(module=module.name, arguments=arguments, strategy=strategy, wall_s=end_s - start_s, calls=tuple(calls))


class Linear(_Pooled):
    """One thread, one call after another: what the others are compared with."""

    name = "linear"
    titles: ClassVar[Titles] = {"en": "Linear", "ru": "По очереди"}
    descriptions: ClassVar[Titles] = {
        "en": "one call after another, in one thread",
        "ru": "вызовы один за другим, в одном потоке",
    }

    def concurrency(self, module: Module, arguments: Arguments, calls: int) -> int:
        return 1


class Threads(_Pooled):
    """As many threads as there are cores. Kernels that release the lock, or never take it, run at the same time."""

    name = "threads"
    titles: ClassVar[Titles] = {"en": "Threads", "ru": "Потоки"}

    @property
    def descriptions(self) -> Titles:  # type: ignore[override]
        if machine.has_gil():
            return {
                "en": "threads of this process: parallel, because the kernel holds no GIL",
                "ru": "потоки этого процесса: параллельно, потому что ядро не держит GIL",
            }
        return {
            "en": "threads of this process, on a free-threaded Python: even Python code runs in parallel",
            "ru": "потоки этого процесса, Python без GIL: параллельно идёт даже код на Python",
        }


class Processes(_Pooled):
    """Processes that were started before and wait for calls; a call is two small packets, the rest lies in shared memory."""

    name = "processes"
    titles: ClassVar[Titles] = {"en": "Processes", "ru": "Процессы"}
    descriptions: ClassVar[Titles] = {
        "en": "processes that are kept warm, each with a GIL of its own",
        "ru": "прогретые процессы, у каждого свой GIL",
    }

    async def _pool(self, module: Module, concurrency: int) -> Pool:
        pool = self._crew.processes()
        await pool.ready()
        return pool


class Interpreters(_Pooled):
    """Interpreters of their own in threads of this process: a GIL each, without the weight of a process."""

    name = "interpreters"
    titles: ClassVar[Titles] = {"en": "Interpreters", "ru": "Интерпретаторы"}
    descriptions: ClassVar[Titles] = {
        "en": "subinterpreters in threads of this process, each with a GIL of its own",
        "ru": "субинтерпретаторы в потоках этого процесса, у каждого свой GIL",
    }

    def unavailable(self, module: Module) -> Titles | None:
        return module.unavailable or interpreter_pool.unavailable()

    async def _pool(self, module: Module, concurrency: int) -> Pool:
        return self._crew.interpreters()


class NaiveProcesses:
    """The lesson's way: for every run new processes and a Manager, which cost more than a short call is worth."""

    name = "naive-processes"
    titles: ClassVar[Titles] = {"en": "New processes", "ru": "Новые процессы"}
    descriptions: ClassVar[Titles] = {
        "en": "a new process for each call, answers in a Manager's list",
        "ru": "новый процесс на каждый вызов, ответы в списке Manager",
    }

    def __init__(self, crew: Crew) -> None:
        self._crew = crew

    def unavailable(self, module: Module) -> Titles | None:
        return module.unavailable

    def concurrency(self, module: Module, arguments: Arguments, calls: int) -> int:
        return calls

    async def run(self, module: Module, arguments: Arguments, calls: int, tell: TellRun) -> Run:
        texts_fd = os.memfd_create("telpher-answers", os.MFD_CLOEXEC)
        try:
            answer = await self._answer(module, arguments, calls, texts_fd)
        finally:
            os.close(texts_fd)
        for call in answer["calls"]:
            if "error" in call:
                raise getattr(errors, call["error"]["kind"], ComputationFailedError)(**call["error"]["params"])
        if len(answer["calls"]) < calls:
            raise failure(f"{calls - len(answer['calls'])} processes ended without an answer")
        tell(RunProgress(strategy=self.name, calls_done=calls, calls=calls, fraction=1.0))
        timings = [CallTiming(**call) for call in answer["calls"]]
        return _run(self.name, module, arguments, answer["start_s"], answer["end_s"], timings)

    async def _answer(self, module: Module, arguments: Arguments, calls: int, texts_fd: int) -> dict[str, Any]:
        order = {"module": module.name, "arguments": dict(arguments), "calls": calls, "texts_fd": texts_fd}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "telpher.compute.naive_processes"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            pass_fds=(texts_fd,),
            env=child_environment(),
        )
        try:
            output, _ = await process.communicate(json.dumps(order).encode())
        finally:
            if process.returncode is None:
                _kill_with_children(process.pid)
                await process.wait()
                assert process.stdout is not None
                await process.stdout.read()  # to its end: then the pipe is closed as well
        if process.returncode != 0:
            raise failure(f"the processes ended with status {process.returncode}")
        answer: dict[str, Any] = json.loads(output)
        for call in answer["calls"]:
            if isinstance(call.get("value"), list):
                call["value"] = await asyncio.to_thread(_text_at, texts_fd, *call["value"])
        return answer


def _kill_with_children(pid: int) -> None:
    # It makes itself a group's first soon after it has started; before that it has no children.
    with contextlib.suppress(ProcessLookupError):
        if os.getpgid(pid) == pid:
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def _text_at(descriptor: int, start: int, size_bytes: int) -> str:
    return texts.from_utf8(os.pread(descriptor, size_bytes, start))


def all_strategies(crew: Crew) -> tuple[Strategy, ...]:
    """Every strategy, in the order in which they are shown."""
    return tuple(kind(crew) for kind in ALL)


ALL: tuple[Any, ...] = (Linear, Threads, Processes, Interpreters, NaiveProcesses)
