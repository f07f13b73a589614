"""Worker processes kept warm, at idle priority, as a `Pool`: a call costs two small packets, its control lies in shared memory."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from telpher import errors
from telpher.compute.crew import Call, failure
from telpher.compute.kernels import pool as native
from telpher.compute.kernels import texts
from telpher.compute.port import Arguments, CallCancelledError, CallTiming, Module
from telpher.compute.worker import PACKET_BYTES
from telpher.errors import ComputationFailedError

_STRIDE_BYTES = 64  # a cache line for each control, so that workers do not disturb one another
_SLOTS = 4096  # so many calls may be on their way at once
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD")


def child_environment() -> dict[str, str]:
    """What a child process is told of ours: nothing secret, and whatever Python and the sanitisers need."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    prefixes = ("PYTHON", "ASAN_", "UBSAN_", "LSAN_")
    return kept | {name: value for name, value in os.environ.items() if name.startswith(prefixes)}


@dataclasses.dataclass(frozen=True)
class _Order:
    call: Call
    slot: int
    module: Module
    arguments: Arguments


@dataclasses.dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    line: socket.socket
    is_ready: bool = False
    order: _Order | None = None


def finish(call: Call, answer: Mapping[str, Any], worker: str) -> None:
    """End a call with what `worker.obey` told of it."""
    if "cancelled" in answer:
        call.fail(CallCancelledError())
    elif "error" in answer:
        kind = getattr(errors, answer["error"]["kind"], ComputationFailedError)
        params = answer["error"]["params"]
        call.fail(kind(str(params.get("reason", "")), **params))
    else:
        times = {"start_s": answer["start_s"], "end_s": answer["end_s"]}
        call.answer(CallTiming(worker=worker, value=answer["value"], **times))


class ProcessPool:
    """Belongs to the event loop on which it was made.

    Workers start with the first call, are replaced when they die, and leave when nothing was asked of them for `kept_warm_s`.
    """

    def __init__(self, workers: int, kept_warm_s: float = 300.0) -> None:
        self._kept_warm_s = kept_warm_s
        self._leaving: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self._size = workers
        self._controls_fd = os.memfd_create("telpher-controls", os.MFD_CLOEXEC)
        os.ftruncate(self._controls_fd, _SLOTS * _STRIDE_BYTES)
        self._controls = memoryview(mmap.mmap(self._controls_fd, _SLOTS * _STRIDE_BYTES))
        self._free_slots = list(range(_SLOTS))
        self._ending: set[asyncio.Future[Any]] = set()
        self._workers: list[_Worker | None] = [None] * workers
        self._waiting: collections.deque[_Order] = collections.deque()

    def submit(self, module: Module, arguments: Arguments) -> Call:
        if not self._free_slots:
            raise failure(f"more than {_SLOTS} calls at once")
        slot = self._free_slots.pop()
        call = Call(native.Control(self._place(slot)), self._loop.create_future())
        call.control.reset()
        call.timing.add_done_callback(lambda _: self._free_slots.append(slot))
        self._waiting.append(_Order(call, slot, module, arguments))
        self._stay()
        self.warm_up()
        self._hand_out()
        return call

    def _stay(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._leaving = self._loop.call_later(self._kept_warm_s, self._leave)

    def _leave(self) -> None:
        if self._waiting or any(worker is not None and worker.order is not None for worker in self._workers):
            self._stay()
            return
        for worker in self._workers:
            if worker is not None:
                self._dismiss(worker)
        self._workers = [None] * self._size

    def _dismiss(self, worker: _Worker) -> None:
        """A worker whose line ends, ends."""
        self._loop.remove_reader(worker.line.fileno())
        worker.line.close()
        self._see_off(worker)

    def warm_up(self) -> None:
        """Start the workers that do not run yet."""
        for place, worker in enumerate(self._workers):
            if worker is None:
                self._workers[place] = self._start(place)

    async def ready(self) -> None:
        """Start the workers, and wait until all have said that they are there."""
        self.warm_up()
        while not all(worker is not None and worker.is_ready for worker in self._workers):
            await asyncio.sleep(0.005)
            if any(worker is None for worker in self._workers):
                raise failure("a worker process ended before it was ready")

    def cool(self, module: Module) -> None:
        """Let the workers give back what the module's calls left behind."""
        for worker in self._workers:
            if worker is not None and worker.order is None:
                _send(worker, {"cool": module.name})

    def _place(self, slot: int) -> memoryview:
        return self._controls[slot * _STRIDE_BYTES :][: native.CONTROL_SIZE]

    def _start(self, place: int) -> _Worker:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        with theirs:
            descriptors = (theirs.fileno(), self._controls_fd)
            process = subprocess.Popen(  # noqa: S603 - our own program and two numbers
                [sys.executable, "-m", "telpher.compute.worker", *map(str, descriptors)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=descriptors,
                env=child_environment(),
                # Ctrl-C in a terminal is for the parent, which then closes the socket. Not a new session: Linux gives each session
                # an equal share of the cores (sched_autogroup), however low the priority of those inside.
                process_group=0,
            )
        worker = _Worker(process, ours)
        self._loop.add_reader(ours.fileno(), self._hear, worker, place)
        return worker

    def _hand_out(self) -> None:
        for worker in self._workers:
            while self._waiting and worker is not None and worker.is_ready and worker.order is None:
                order = self._waiting.popleft()
                if order.call.control.cancelled:
                    order.call.fail(CallCancelledError())
                    continue
                worker.order = order
                place = order.slot * _STRIDE_BYTES
                message = {"module": order.module.name, "arguments": dict(order.arguments), "control": place}
                _send(worker, message)

    def _hear(self, worker: _Worker, place: int) -> None:
        try:
            packet, descriptors, _, _ = socket.recv_fds(worker.line, PACKET_BYTES, 1)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        if not packet:
            self._bury(worker, place)
            return
        answer: dict[str, Any] = json.loads(packet)
        if "ready" in answer:
            worker.is_ready = True
        else:
            self._finish(worker, answer, descriptors)
        self._hand_out()

    def _finish(self, worker: _Worker, answer: dict[str, Any], descriptors: list[int]) -> None:
        order, worker.order = worker.order, None
        if order is None:
            return
        name = f"process {worker.process.pid}"
        if "shared" not in answer:
            finish(order.call, answer, name)
            return
        reading = self._loop.run_in_executor(None, long_text_in, descriptors[0])
        self._ending.add(reading)
        reading.add_done_callback(self._ending.discard)
        reading.add_done_callback(lambda text: finish(order.call, {**answer, "value": text.result()}, name))

    def _bury(self, worker: _Worker, place: int) -> None:
        """A worker's line has broken: what it was doing has failed, and the next call starts another."""
        self._loop.remove_reader(worker.line.fileno())
        worker.line.close()
        self._workers[place] = None
        self._see_off(worker)
        reason = f"worker process {worker.process.pid} ended"
        failed = [worker.order] if worker.order is not None else []
        if not worker.is_ready:  # it could not even start: neither would its successor
            failed += self._waiting
            self._waiting.clear()
        for order in failed:
            error = CallCancelledError() if order.call.control.cancelled else failure(reason)
            order.call.fail(error)
        if self._waiting:
            self.warm_up()

    async def close(self) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        workers = [worker for worker in self._workers if worker is not None]
        self._workers = [None] * self._size
        for order in [*self._waiting, *(worker.order for worker in workers if worker.order is not None)]:
            order.call.control.cancel()
            if not order.call.timing.done():
                order.call.fail(CallCancelledError())
                order.call.timing.exception()  # heard
        self._waiting.clear()
        for worker in workers:
            worker.order = None
            self._dismiss(worker)
        if self._ending:
            await asyncio.wait(self._ending)
        os.close(self._controls_fd)

    def _see_off(self, worker: _Worker) -> None:
        ending = self._loop.run_in_executor(None, _end, worker.process)
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)


def _send(worker: _Worker, message: Mapping[str, Any]) -> None:
    # A worker that has just died is heard of by the end of its line, which then fails what it was given.
    with contextlib.suppress(OSError):
        worker.line.send(json.dumps(message).encode())


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=1)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def long_text_in(descriptor: int) -> str:
    """A long answer, from memory that another process or interpreter has written; closes it. Not on the loop."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)
        return texts.from_utf8(file.read())
