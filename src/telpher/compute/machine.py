"""What this machine and this Python are: for reproducing a figure, and for refusing what does not fit."""

from __future__ import annotations

import dataclasses
import os
import platform
import re
import sys
from pathlib import Path

from telpher.compute.kernels import widths

MIB = 1 << 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Machine:
    """Everything that a measured time depends on."""

    processor: str
    cores: int
    memory_bytes: int
    caches: str
    widths: tuple[str, ...]
    """Vector instructions that our kernels can use here, widest last."""
    system: str
    python: str
    has_gil: bool
    huge_pages: str
    """The kernel's setting for transparent huge pages: always, madvise or never."""


def describe() -> Machine:
    """This machine, as its system tells."""
    return Machine(
        processor=_processor(),
        cores=cores(),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        caches=_caches(),
        widths=widths.supported(),
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        has_gil=has_gil(),
        huge_pages=_huge_pages(),
    )


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_gil() -> bool:
    """Whether one lock keeps Python code on one core at a time: so except on a free-threaded build."""
    return bool(getattr(sys, "_is_gil_enabled", lambda: True)())


def free_memory_bytes() -> int:
    """How much memory can still be had without swapping, within this process's control group."""
    free = _meminfo("MemAvailable")
    for limit_path, used_path in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        limit, used = _number_in(limit_path), _number_in(used_path)
        if limit is not None and used is not None:
            free = min(free, max(0, limit - used))
    return free


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def _number_in(path: str) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _meminfo(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 if found else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _caches() -> str:
    indices = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    return ", ".join(
        f"L{_read(f'{index}/level').strip()} {_read(f'{index}/size').strip()}"
        for index in indices
        if _read(f"{index}/type").strip() != "Instruction"
    )


def _huge_pages() -> str:
    found = re.search(r"\[(\w+)\]", _read("/sys/kernel/mm/transparent_hugepage/enabled"))
    return found[1] if found else "never"
