"""Subinterpreters as a `Pool`, where this Python has them (3.14 and later): each in a thread at idle priority, with a GIL of its own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import ctypes
import json
import sys
import threading
from collections.abc import Mapping
from typing import Any

from telpher.compute.crew import Call, settle
from telpher.compute.kernels import pool as native
from telpher.compute.modules import registry
from telpher.compute.port import Arguments, Module, Titles
from telpher.compute.process_pool import finish, long_text_in
from telpher.compute.worker import hand_over, obey

_EXECUTOR = "InterpreterPoolExecutor"


def unavailable() -> Titles | None:
    """Why there are no interpreters here; None when there are."""
    if hasattr(concurrent.futures, _EXECUTOR):
        return None
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {
        "en": f"pools of subinterpreters came with Python 3.14; this is {here}",
        "ru": f"пулы субинтерпретаторов появились в Python 3.14; здесь {here}",
    }


def call_here(module_name: str, arguments: str, control_address: int) -> str:
    """What runs inside an interpreter: only texts and numbers cross its border."""
    place = (ctypes.c_char * native.CONTROL_SIZE).from_address(control_address)
    if module_name not in registry():  # its import was refused here, and logged
        reason = f"{module_name} cannot be loaded into a subinterpreter"
        error = {"kind": "ComputationFailedError", "params": {"reason": reason}}
        return json.dumps({"error": error, "thread": threading.get_native_id()})
    answer, text = obey(registry()[module_name], json.loads(arguments), native.Control(place))
    shared = {"shared": hand_over(text)} if text else {}
    return json.dumps({**answer, **shared, "thread": threading.get_native_id()})


class InterpreterPool:
    """Belongs to the event loop on which it was made."""

    def __init__(self, interpreters: int) -> None:
        self._loop = asyncio.get_running_loop()
        executor: Any = getattr(concurrent.futures, _EXECUTOR)
        self._executor: concurrent.futures.Executor = executor(interpreters, initializer=native.become_idle)
        self._numbers: dict[int, int] = {}
        self._flying: set[Call] = set()

    def submit(self, module: Module, arguments: Arguments) -> Call:
        call = Call(native.Control(), self._loop.create_future())
        asked = (module.name, json.dumps(dict(arguments)), call.control.address)
        self._flying.add(call)
        running = self._loop.run_in_executor(self._executor, call_here, *asked)
        running.add_done_callback(lambda done: self._finish(call, done))
        return call

    def _finish(self, call: Call, done: asyncio.Future[str]) -> None:
        error = done.exception()
        if error is not None:
            self._end(call, {"error": {"kind": "ComputationFailedError", "params": {"reason": str(error)}}}, "")
            return
        answer = json.loads(done.result())
        name = f"interpreter {self._numbers.setdefault(answer['thread'], len(self._numbers) + 1)}"
        if "shared" in answer:
            reading = self._loop.run_in_executor(None, long_text_in, answer["shared"])
            reading.add_done_callback(lambda text: self._end(call, {**answer, "value": text.result()}, name))
        else:
            self._end(call, answer, name)

    def _end(self, call: Call, answer: Mapping[str, Any], name: str) -> None:
        self._flying.discard(call)
        finish(call, answer, name)

    async def close(self) -> None:
        await settle(list(self._flying))
        self._executor.shutdown()
