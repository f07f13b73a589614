"""What a process used between two instants, and the errand that each contender is given."""

from __future__ import annotations

import dataclasses
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any


@dataclasses.dataclass(frozen=True)
class File:
    """A file that waits in Telegram."""

    file_id: str
    name: str
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class Errand:
    """Bring these files from this Telegram into this Google."""

    telegram_url: str
    google_url: str
    token: str
    granted: dict[str, Any]
    files: tuple[File, ...]
    work_dir: str

    @classmethod
    def from_stdin(cls) -> Errand:
        given = json.load(sys.stdin)
        return cls(**{**given, "files": tuple(File(**file) for file in given["files"])})

    def as_json(self) -> str:
        return json.dumps(dataclasses.asdict(self))


class Meter:
    """Wall-clock and processor time and the peak of resident memory since it was made."""

    def __init__(self) -> None:
        Path("/proc/self/clear_refs").write_text("5")
        self._idle_bytes = _status("VmRSS")
        self._cpu_s = _cpu_s()
        self._began_s = time.perf_counter()

    def report(self) -> dict[str, float]:
        wall_s = time.perf_counter() - self._began_s
        return {
            "wall_s": wall_s,
            "cpu_s": _cpu_s() - self._cpu_s,
            "idle_bytes": self._idle_bytes,
            "peak_above_idle_bytes": _status("VmHWM") - self._idle_bytes,
        }


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    raise ValueError(field)
