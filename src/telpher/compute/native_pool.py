"""C threads at idle priority as a `Pool`: native calls run and end without the interpreter's lock, the loop watches one eventfd."""

from __future__ import annotations

import asyncio

from telpher.compute.crew import Call, failure, settle, value_of
from telpher.compute.kernels import pool as native
from telpher.compute.port import Arguments, CallTiming, Module


class NativePool:
    """Belongs to the event loop on which it was made."""

    def __init__(self, threads: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = native.Pool(threads)
        self._flying: dict[int, tuple[Call, Module, Arguments]] = {}
        self._loop.add_reader(self._pool.fileno(), self._collect)

    def submit(self, module: Module, arguments: Arguments) -> Call:
        if module.native is None:
            raise failure(f"{module.name} is not a native module")
        call = Call(native.Control(), self._loop.create_future())
        number = self._pool.submit(module.native.function, module.native.encode(arguments), call.control)
        self._flying[number] = (call, module, arguments)
        return call

    def _collect(self) -> None:
        for number, outcome in self._pool.take():
            if isinstance(outcome[3], native.LongAnswer):
                # In a thread of the usual priority: one at idle priority that holds the GIL could be put off its core with it.
                reading = self._loop.run_in_executor(None, self._read, number, outcome)
                reading.add_done_callback(lambda ended, number=number: self._end(number, ended.result()))  # type: ignore[misc]
            else:
                self._end(number, self._read(number, outcome))

    def _read(self, number: int, outcome: native.Outcome) -> CallTiming | Exception:
        _, module, arguments = self._flying[number]
        worker, started_ns, ended_ns = outcome[4:]
        try:
            value = value_of(module, arguments, outcome)
        except Exception as error:  # noqa: BLE001 - whatever a module's decode raises belongs to whoever awaits the call
            return error
        return CallTiming(worker=f"thread {worker}", start_s=started_ns / 1e9, end_s=ended_ns / 1e9, value=value)

    def _end(self, number: int, read: CallTiming | Exception) -> None:
        call = self._flying.pop(number)[0]
        if isinstance(read, CallTiming):
            call.answer(read)
        else:
            call.fail(read)

    async def close(self) -> None:
        await settle([call for call, _, _ in self._flying.values()])
        self._loop.remove_reader(self._pool.fileno())
        # Its threads end when they next have a core, and others may want it more.
        await self._loop.run_in_executor(None, self._pool.close)
