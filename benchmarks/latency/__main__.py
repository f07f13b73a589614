"""Whether the bot notices that both cores compute: `make bench-latency`.

Three questions, each asked idle and under eight computations at once: how late does the event loop wake up, how soon comes the answer
to /hello over the offline Telegram, how fast do files go into the drive. Results as JSON and PNG into benchmarks/results/.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.driver import Person, has_text

from benchmarks.latency.loads import WAYS
from benchmarks.latency.plot import draw
from telpher.compute import machine
from telpher.sandbox.service import OWNER_ID, Sandbox

RESULTS = Path(__file__).parents[1] / "results"
FILES, FILE_BYTES = 5, 19_000_000


def share_of(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "count": len(values),
        "p50": share_of(values, 0.5),
        "p99": share_of(values, 0.99),
        "p99.9": share_of(values, 0.999),
        "max": max(values),
    }


async def ticks(way: str, work: str, duration_s: float) -> dict[str, Any]:
    """In a process of its own, so that no load outlives its turn."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.latency.ticker", way, work, str(duration_s)), stdout=subprocess.PIPE
    )
    output, _ = await process.communicate()
    return json.loads(output)


class Bot:
    """A Telpher in a process of its own, with a load beside its loop."""

    def __init__(self, way: str, work: str, sandbox: Sandbox, data_dir: Path) -> None:
        self._arguments = (way, work, sandbox.url, str(data_dir))

    async def __aenter__(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "benchmarks.latency.bot", *self._arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(60):
            while await self._process.stdout.readline() != b"ready\n":
                pass

    async def __aexit__(self, *exc_info: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), 20)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


async def hellos(way: str, work: str, count: int) -> list[float]:
    """Milliseconds from sending /hello until the answer is in the chat."""
    took_ms = []
    with tempfile.TemporaryDirectory() as place:
        async with (
            Sandbox(state_dir=Path(place, "sandbox")) as sandbox,
            Bot(way, work, sandbox, Path(place, "data")),
            Person(sandbox.url, OWNER_ID) as anna,
        ):
            for number in range(count + 3):
                started_s = time.perf_counter()
                sent = await anna.send_text("/hello")
                await anna.wait_for(has_text("Hello"), after=sent, timeout_s=120)
                if number >= 3:
                    took_ms.append((time.perf_counter() - started_s) * 1000)
                await asyncio.sleep(0.02)
    return took_ms


async def carrying(way: str, work: str) -> float:
    """Megabytes a second of files from the chat into the drive, verified."""
    with tempfile.TemporaryDirectory() as place:
        async with (
            Sandbox(state_dir=Path(place, "sandbox")) as sandbox,
            Bot(way, work, sandbox, Path(place, "data")),
            Person(sandbox.url, OWNER_ID) as anna,
        ):
            sent = await anna.send_file(os.urandom(1000), name="first.bin")
            await anna.wait_for(has_text("verified"), after=sent, timeout_s=60)
            contents = [(os.urandom(FILE_BYTES), f"file {number}.bin") for number in range(FILES)]
            started_s = time.perf_counter()
            await anna.send_album(contents, kind="document")
            await anna.wait_for(has_text("all in the drive, verified"), timeout_s=300)
            return FILES * FILE_BYTES / 1e6 / (time.perf_counter() - started_s)


async def main(args: argparse.Namespace) -> dict[str, Any]:
    report: dict[str, Any] = {
        "machine": dataclasses.asdict(machine.describe()),
        "ticks": [],
        "hello": [],
        "carrying": [],
    }
    for work in args.works.split(","):
        for way in WAYS:
            one = await ticks(way, work, args.seconds)
            one["spread_ms"] = spread(one.pop("late_ms"))
            report["ticks"].append(one)
            print(f"tick  {work:7} {way:13} {_shown(one['spread_ms'])}  {one['calls_per_s']:9.1f} calls/s", flush=True)
    for way in ("none", "pool", "processes", "threads", "handler"):
        count = args.hellos if way != "handler" else max(3, args.hellos // 20)
        values = await hellos(way, "pi", count)
        report["hello"].append({"way": way, "spread_ms": spread(values)})
        print(f"hello         {way:13} {_shown(spread(values))}", flush=True)
    for way in ("none", "pool", "none", "pool"):
        rate = await carrying(way, "pi")
        report["carrying"].append({"way": way, "mb_per_s": rate})
        print(f"files         {way:13} {rate:7.1f} MB/s", flush=True)
    return report


def _shown(values: dict[str, float]) -> str:
    return "  ".join(f"{name} {values[name]:8.2f} ms" for name in ("p50", "p99", "p99.9", "max"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.latency")
    parser.add_argument("--seconds", type=float, default=10, help="for how long each way is measured")
    parser.add_argument("--hellos", type=int, default=200, help="how many times /hello is asked")
    parser.add_argument("--works", default="pi,search,short", help="which computations run beside the loop")
    arguments = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    result = asyncio.run(main(arguments))
    (RESULTS / "latency.json").write_text(json.dumps(result, indent=1))
    draw(result, RESULTS / "latency.png")
    print(f"written: {RESULTS / 'latency.json'}, {RESULTS / 'latency.png'}")
