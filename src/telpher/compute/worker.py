"""The program of one worker process (`python -m telpher.compute.worker`): calls come in over a socket, answers go out, until it closes.

Each packet is a JSON object. Controls lie in memory shared with the parent; an answer that is too long for a packet is handed over
in shared memory too.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from telpher.compute.kernels import pool as native
from telpher.compute.modules import registry
from telpher.compute.port import Arguments, CallCancelledError, Module, Value
from telpher.compute.python_threads import call_module
from telpher.errors import TelpherError

PACKET_BYTES = 32 << 10
"""No packet is longer; longer texts travel in shared memory."""


def main(arguments: list[str]) -> None:
    """`worker SOCKET CONTROLS`: two inherited descriptors."""
    socket_fd, controls_fd = map(int, arguments)
    native.become_idle()
    native.die_with_parent()
    shared = memoryview(mmap.mmap(controls_fd, 0))
    modules = registry()
    # The parent may leave at any time; then the line ends or breaks, and so does this process.
    with socket.socket(fileno=socket_fd) as line, contextlib.suppress(ConnectionError):
        line.send(b'{"ready": true}')
        while packet := line.recv(PACKET_BYTES):
            order: dict[str, Any] = json.loads(packet)
            if "cool" in order:
                modules[order["cool"]].cool()
                continue
            control = native.Control(shared[order["control"] :][: native.CONTROL_SIZE])
            _answer(line, *obey(modules[order["module"]], order["arguments"], control))


def obey(module: Module, arguments: Arguments, control: native.Control) -> tuple[dict[str, Any], str]:
    """One call: what came of it and when, as JSON can hold it, and beside it a text that is too long for a packet."""
    answer: dict[str, Any] = {"start_s": time.perf_counter()}
    text = ""
    try:
        value: Value = call_module(module, arguments, control)
        if isinstance(value, str) and len(value) > PACKET_BYTES // 8:
            text, answer["shared"] = value, True
        else:
            answer["value"] = value
    except CallCancelledError:
        answer["cancelled"] = True
    except TelpherError as error:
        answer["error"] = {"kind": type(error).__name__, "params": error.params}
    except Exception as error:  # noqa: BLE001 - whatever a module raises is told to whoever asked; the worker goes on
        answer["error"] = {"kind": "ComputationFailedError", "params": {"reason": f"{type(error).__name__}: {error}"}}
    answer["end_s"] = time.perf_counter()
    return answer, text


def _answer(line: socket.socket, answer: Mapping[str, Any], text: str) -> None:
    packet = json.dumps(answer).encode()
    if not text:
        line.send(packet)
        return
    content_fd = hand_over(text)
    try:
        socket.send_fds(line, [packet], [content_fd])
    finally:
        os.close(content_fd)


def hand_over(text: str) -> int:
    """A descriptor of memory that holds `text`, for `process_pool.long_text_in`."""
    content_fd = os.memfd_create("telpher-answer", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(content_fd), "wb") as file:
        file.write(text.encode())
    return content_fd


if __name__ == "__main__":
    main(sys.argv[1:])
