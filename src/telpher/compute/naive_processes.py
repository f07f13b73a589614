"""The program behind the strategy of that name: a fresh process for each call, answers gathered in a Manager's list.

Run as `python -m telpher.compute.naive_processes` with {"module", "arguments", "calls", "texts_fd"} as JSON on standard input; writes the
calls' times as JSON, and answers that are texts into that descriptor, with the place and the length of each in the JSON. It is a program of
its own because forking a process that has threads and an event loop is unsafe.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import MutableSequence
from typing import Any

from telpher.compute.kernels import pool as native
from telpher.compute.modules import registry
from telpher.compute.port import Arguments, Module
from telpher.compute.python_threads import call_module
from telpher.errors import TelpherError


def run(module: Module, arguments: Arguments, calls: int) -> dict[str, Any]:
    """Make the calls, all at once, each in a process of its own."""
    context = multiprocessing.get_context("fork")
    start_s = time.perf_counter()
    with context.Manager() as manager:
        answers = manager.list()
        processes = [context.Process(target=_call, args=(module, arguments, answers)) for _ in range(calls)]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        gathered = list(answers)
    return {"start_s": start_s, "end_s": time.perf_counter(), "calls": gathered}


def _call(module: Module, arguments: Arguments, answers: MutableSequence[dict[str, Any]]) -> None:
    native.die_with_parent()
    answer: dict[str, Any] = {"worker": f"process {os.getpid()}", "start_s": time.perf_counter()}
    try:
        answer["value"] = call_module(module, arguments, native.Control())
    except TelpherError as error:
        answer["error"] = {"kind": type(error).__name__, "params": error.params}
    answer["end_s"] = time.perf_counter()
    answers.append(answer)


def main() -> None:
    os.setpgid(0, 0)  # to be ended with all of its children; a Ctrl-C in a terminal is for whoever started it
    native.become_idle()
    native.die_with_parent()
    order = json.load(sys.stdin)
    made = run(registry()[order["module"]], order["arguments"], order["calls"])
    with os.fdopen(order["texts_fd"], "wb") as file:
        for call in made["calls"]:
            value = call.get("value")
            if isinstance(value, str):
                call["value"] = [file.tell(), file.write(value.encode())]
    json.dump(made, sys.stdout)


if __name__ == "__main__":
    main()
