"""What a running Telpher takes, second by second: memory, descriptors, threads, tasks, its database."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import re
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp

_EVERY_S = 1.0
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_TASKS = re.compile(r"^telpher_tasks (\d+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look. Memory is resident, without what is only mapped from files."""

    at_s: float
    pid: int
    memory_bytes: int
    descriptors: int
    threads: int
    tasks: int | None
    """On its event loop; None while it does not say."""
    cpu_s: float
    database_bytes: int
    spool_bytes: int


def look(pid: int, data_dir: Path, tasks: int | None) -> Sample | None:
    """None when the process is gone."""
    process = Path(f"/proc/{pid}")
    # A process that is just ending has no memory any more.
    with contextlib.suppress(OSError, LookupError):
        status = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
        times = (process / "stat").read_text().rpartition(")")[2].split()
        return Sample(
            at_s=time.monotonic(),
            pid=pid,
            memory_bytes=int(status["VmRSS"].split()[0]) << 10,
            descriptors=len(list((process / "fd").iterdir())),
            threads=int(status["Threads"]),
            tasks=tasks,
            cpu_s=(int(times[11]) + int(times[12])) / 100,
            database_bytes=_bytes_of(*data_dir.glob("telpher.db*")),
            spool_bytes=_bytes_of(*data_dir.glob("spool/*")),
        )
    return None


def _bytes_of(*paths: Path) -> int:
    total = 0
    for path in paths:
        with contextlib.suppress(OSError):
            total += path.stat().st_size
    return total


async def ask_tasks(http: aiohttp.ClientSession, metrics_url: str) -> int | None:
    """How many tasks its event loop has, as it tells a monitor."""
    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
        async with http.get(metrics_url, timeout=_TIMEOUT) as answer:
            found = _TASKS.search(await answer.text())
            return int(float(found[1])) if found is not None else None
    return None


async def keep_looking(
    pid: Callable[[], int | None], data_dir: Path, http: aiohttp.ClientSession, metrics_url: str, samples: list[Sample]
) -> None:
    """Until it is cancelled."""
    while True:
        tasks = await ask_tasks(http, metrics_url)
        now = pid()
        if now is not None and (sample := look(now, data_dir, tasks)) is not None:
            samples.append(sample)
        await asyncio.sleep(_EVERY_S)
