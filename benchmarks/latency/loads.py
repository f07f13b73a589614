"""Eight computations at once, kept going in the ways that are compared, on the event loop that must not notice."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from telpher.compute import machine
from telpher.compute.kernels import pool as native
from telpher.compute.modules import registry
from telpher.compute.native_pool import NativePool
from telpher.compute.port import Arguments, Module
from telpher.compute.process_pool import ProcessPool
from telpher.compute.python_threads import call_module
from telpher.tasks import Nursery

JOBS = 8
WORKS: dict[str, tuple[str, Arguments]] = {
    "pi": ("pi", {}),
    "search": ("search", {}),
    "short": ("pi", {"terms": 100_000}),
}
WAYS = {
    "none": "nothing runs",
    "pool": "our pool: C threads at idle priority",
    "processes": "our processes, kept warm, at idle priority",
    "idle-threads": "Python threads at idle priority",
    "threads": "plain Python threads",
    "handler": "in the handler, as the tutorial does",
}

Call = Callable[[], Awaitable[object]]


class Load:
    """What runs beside the loop. `calls` counts what was finished."""

    def __init__(self) -> None:
        self.calls = 0


@contextlib.asynccontextmanager
async def running(way: str, work: str) -> AsyncIterator[Load]:
    """Keep eight computations going until the block is left."""
    module_name, arguments = WORKS[work]
    module = registry()[module_name]
    load = Load()
    async with contextlib.AsyncExitStack() as stack:
        call = await _caller(way, module, module.complete(arguments), stack)
        if call is not None:
            nursery = await stack.enter_async_context(Nursery("load"))
            for number in range(JOBS):
                nursery.spawn(_keep_calling(call, load), name=str(number))
        yield load


async def _keep_calling(call: Call, load: Load) -> None:
    while True:
        await call()
        load.calls += 1


async def _caller(way: str, module: Module, arguments: Arguments, stack: contextlib.AsyncExitStack) -> Call | None:
    loop = asyncio.get_running_loop()
    if way == "none":
        return None
    if way == "handler":

        async def in_the_handler() -> None:
            call_module(module, arguments, native.Control())
            await asyncio.sleep(0)

        return in_the_handler
    if way in {"threads", "idle-threads"}:
        set_up = native.become_idle if way == "idle-threads" else None
        executor = concurrent.futures.ThreadPoolExecutor(JOBS, initializer=set_up)
        stack.callback(executor.shutdown, cancel_futures=True)
        return lambda: loop.run_in_executor(executor, call_module, module, arguments, native.Control())
    pool: NativePool | ProcessPool
    if way == "pool":
        pool = NativePool(machine.cores())
    else:
        pool = ProcessPool(machine.cores())
        await pool.ready()
    stack.push_async_callback(pool.close)
    return lambda: pool.submit(module, arguments).timing
