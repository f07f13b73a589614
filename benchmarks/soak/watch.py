"""What a running Telpher takes, second by second: memory, descriptors, threads, its database."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable
from pathlib import Path

_EVERY_S = 1.0


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look. Memory is resident, without what is only mapped from files."""

    at_s: float
    pid: int
    memory_bytes: int
    descriptors: int
    threads: int
    cpu_s: float
    database_bytes: int
    spool_bytes: int


def look(pid: int, data_dir: Path) -> Sample | None:
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


async def keep_looking(pid: Callable[[], int | None], data_dir: Path, samples: list[Sample]) -> None:
    """Until it is cancelled."""
    while True:
        now = pid()
        if now is not None and (sample := look(now, data_dir)) is not None:
            samples.append(sample)
        await asyncio.sleep(_EVERY_S)
