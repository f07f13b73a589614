"""What the kernels are measured beside: the machine's limits, the C++ library, and Python packages where they are installed."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def has(package: str) -> bool:
    """Whether a package that is not ours is there to compare with."""
    return importlib.util.find_spec(package) is not None


class Native:
    """The C and C++ of this folder, compiled for this machine, each None where there is no compiler for it."""

    def __init__(self) -> None:
        self.limits = _compiled(["cc", "-O3", "-march=native"], "limits.c")
        self.cpp = _compiled(["g++", "-O3", "-march=native"], "lower_bound.cpp")
        if self.limits is not None:
            for name in ("read_bandwidth", "random_line", "divisions"):
                getattr(self.limits, name).restype = ctypes.c_double

    def std_lower_bound(self, keys: Any, queries: Any, positions: Any) -> None:
        """`std::lower_bound` for each query."""
        assert self.cpp is not None
        place = ctypes.c_void_p
        self.cpp.std_lower_bound(
            place(keys.ctypes.data),
            ctypes.c_int64(len(keys)),
            place(queries.ctypes.data),
            place(positions.ctypes.data),
            ctypes.c_int64(len(queries)),
        )


def _compiled(command: list[str], source: str) -> ctypes.CDLL | None:
    if shutil.which(command[0]) is None:
        return None
    with tempfile.TemporaryDirectory() as place:
        library = Path(place, "rival.so")
        subprocess.run([*command, "-shared", "-fPIC", "-o", library, HERE / source], check=True)
        return ctypes.CDLL(str(library))


def chudnovsky(digits: int, integer: Callable[[int], Any], root: Callable[[Any], Any]) -> str:
    """Digits of pi by binary splitting as it is commonly written in Python, over whichever long integers are given."""

    def split(a: int, b: int) -> tuple[Any, Any, Any]:
        if b - a == 1:
            p = integer((6 * a - 5) * (2 * a - 1) * (6 * a - 1))
            q = integer(a) ** 3 * 10939058860032000
            t = p * (13591409 + 545140134 * a)
            return p, q, -t if a & 1 else t
        middle = (a + b) // 2
        p1, q1, t1 = split(a, middle)
        p2, q2, t2 = split(middle, b)
        return p1 * p2, q1 * q2, t1 * q2 + p1 * t2

    unit = integer(10) ** (digits + 10)
    _, q, t = split(1, int(digits / 14.181647) + 12)
    pi = q * 426880 * root(10005 * unit * unit) // (13591409 * q + t) // 10**10
    text = str(pi)
    return f"{text[0]}.{text[1:]}"
