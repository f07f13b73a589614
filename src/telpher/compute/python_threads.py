"""Python threads at idle priority as a `Pool`, for kernels that are not C functions of our shape."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
import time

from telpher.compute.crew import Call, failure, settle, value_of
from telpher.compute.kernels import pool as native
from telpher.compute.port import Arguments, CallCancelledError, CallTiming, Module, Value


def call_module(module: Module, arguments: Arguments, control: native.Control) -> Value:
    """Run one call on this thread, whatever kind of kernel the module has."""
    if control.cancelled:
        raise CallCancelledError
    if module.native is not None:
        return value_of(
            module, arguments, native.call(module.native.function, module.native.encode(arguments), control)
        )
    if module.kernel is None:
        raise failure(f"{module.name} has no kernel")
    return module.kernel(arguments, control)


class PythonThreads:
    """Belongs to the event loop on which it was made."""

    def __init__(self, threads: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._executor = concurrent.futures.ThreadPoolExecutor(threads, "compute", initializer=native.become_idle)
        self._numbers: dict[int, int] = {}
        self._flying: set[Call] = set()

    def submit(self, module: Module, arguments: Arguments) -> Call:
        control = native.Control()
        future = self._loop.run_in_executor(self._executor, self._run, module, arguments, control)
        call = Call(control, future)
        self._flying.add(call)
        future.add_done_callback(lambda _: self._flying.discard(call))
        return call

    def _run(self, module: Module, arguments: Arguments, control: native.Control) -> CallTiming:
        number = self._numbers.setdefault(threading.get_ident(), len(self._numbers) + 1)
        start_s = time.perf_counter()
        value = call_module(module, arguments, control)
        return CallTiming(worker=f"thread {number}", start_s=start_s, end_s=time.perf_counter(), value=value)

    async def close(self) -> None:
        await settle(list(self._flying))
        self._executor.shutdown()
