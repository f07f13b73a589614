"""Whether digits of pi hold anybody up: `python -m benchmarks.latency.stalls DIGITS SECONDS`, or with `machine` alone for the other side.

Four timers of 5 ms tick, first beside nothing, then beside the computation: the event loop; a Python thread; a Python thread that also maps
memory and gives it back, as large buffers do; and a process that shares nothing with us. The last tells what the machine itself does to
anybody who sleeps: what the others have beyond it is ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import mmap
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable

from telpher.compute.workshop import Workshop
from telpher.tasks import Nursery

PERIOD_S = 0.005
MAPPED_BYTES = 1 << 18

Late = dict[str, list[float]]


def map_memory() -> None:
    """Take some memory from the system, write to it, give it back."""
    with mmap.mmap(-1, MAPPED_BYTES) as memory:
        for place in range(0, MAPPED_BYTES, mmap.PAGESIZE):
            memory[place] = 1


class Thread:
    """A thread that sleeps, works a little, and notes how much longer than the sleep that took, in milliseconds."""

    def __init__(self, work: Callable[[], None] | None = None) -> None:
        self.late_ms: list[float] = []
        self._work = work
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._tick)
        self._thread.start()

    def _tick(self) -> None:
        while not self._is_over.is_set():
            before_s = time.perf_counter()
            time.sleep(PERIOD_S)
            if self._work is not None:
                self._work()
            self.late_ms.append((time.perf_counter() - before_s - PERIOD_S) * 1000)

    def end(self) -> list[float]:
        self._is_over.set()
        self._thread.join()
        return self.late_ms


async def _tick(late_ms: list[float]) -> None:
    while True:
        before_s = time.perf_counter()
        await asyncio.sleep(PERIOD_S)
        late_ms.append((time.perf_counter() - before_s - PERIOD_S) * 1000)


@contextlib.asynccontextmanager
async def ticking() -> AsyncIterator[Late]:
    """All four; what they noted is there when the block is left."""
    other = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.latency.stalls", "machine"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout is not None
    await other.stdout.readline()
    threads = {"thread": Thread(), "thread that maps memory": Thread(map_memory)}
    late: Late = {"loop": []}
    async with Nursery("ticking") as nursery:
        task = nursery.spawn(_tick(late["loop"]), name="tick")
        yield late
        task.cancel()
    late |= {name: thread.end() for name, thread in threads.items()}
    output, _ = await other.communicate(b"")  # which closes its input: it ends
    late["machine"] = json.loads(output)


async def measure(digits: int, duration_s: float) -> dict[str, object]:
    """Lateness in milliseconds beside nothing and beside the computation, each for so long at least."""
    took_s = []
    async with Workshop() as shop:
        await shop.run("digits", {"digits": 1000}, "threads", 1)  # starts the pool
        async with ticking() as alone:
            await asyncio.sleep(duration_s)
        async with ticking() as beside:
            started_s = time.perf_counter()
            while time.perf_counter() < started_s + duration_s:
                took_s.append((await shop.run("digits", {"digits": digits}, "threads", 1)).wall_s)
    return {"digits": digits, "took_s": sorted(took_s)[len(took_s) // 2], "alone": alone, "beside": beside}


def tick_alone() -> list[float]:
    """Until standard input ends."""
    print(flush=True)
    thread = Thread()
    sys.stdin.read()
    return thread.end()


if __name__ == "__main__":
    if sys.argv[1] == "machine":
        json.dump(tick_alone(), sys.stdout)
    else:
        json.dump(asyncio.run(measure(int(float(sys.argv[1])), float(sys.argv[2]))), sys.stdout)
