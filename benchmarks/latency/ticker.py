"""How late a task that sleeps for 5 ms wakes up while computations run: `python -m benchmarks.latency.ticker WAY WORK SECONDS`."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from benchmarks.latency.loads import running

from telpher import event_loop

PERIOD_S = 0.005


async def measure(way: str, work: str, duration_s: float) -> dict[str, object]:
    """Lateness of every tick in milliseconds, and how many calls a second were done beside it."""
    late_ms: list[float] = []
    async with running(way, work) as load:
        await asyncio.sleep(0.5)
        calls, started_s = load.calls, time.perf_counter()
        while time.perf_counter() < started_s + duration_s:
            before_s = time.perf_counter()
            await asyncio.sleep(PERIOD_S)
            late_ms.append((time.perf_counter() - before_s - PERIOD_S) * 1000)
        calls_per_s = (load.calls - calls) / (time.perf_counter() - started_s)
    return {"way": way, "work": work, "late_ms": late_ms, "calls_per_s": calls_per_s}


if __name__ == "__main__":
    json.dump(event_loop.run(measure(sys.argv[1], sys.argv[2], float(sys.argv[3]))), sys.stdout)
