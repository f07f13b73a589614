"""The same computations as numba compiles them, on one thread and on all; compiled before anything is timed."""
# ruff: noqa: PLC0415 - numba is imported where it is installed

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from benchmarks.compute.rivals import has


@dataclasses.dataclass(frozen=True, kw_only=True)
class ByNumba:
    """Each answers what ours does."""

    version: str
    compile_s: float
    """All of it together, first calls on small inputs included."""
    series: Callable[[int], float]
    series_parallel: Callable[[int], float]
    search: Callable[[int, int], int]
    search_parallel: Callable[[int, int], int]
    lower_bounds: Callable[[Any, Any, Any], None]
    lower_bounds_parallel: Callable[[Any, Any, Any], None]


def compiled() -> ByNumba | None:
    """None where numba is not installed."""
    if not has("numba"):
        return None
    started_s = time.perf_counter()
    import numba

    series, search, lower_bounds = _series(numba), _search(numba), _lower_bounds(numba)
    # `prange` is an ordinary range where `parallel` is not asked for.
    made = ByNumba(
        version=numba.__version__,
        compile_s=0.0,
        series=numba.njit(fastmath=True)(series),
        series_parallel=numba.njit(fastmath=True, parallel=True)(series),
        search=numba.njit(search),
        search_parallel=numba.njit(parallel=True)(search),
        lower_bounds=numba.njit(lower_bounds),
        lower_bounds_parallel=numba.njit(parallel=True)(lower_bounds),
    )
    _try(made)
    return dataclasses.replace(made, compile_s=time.perf_counter() - started_s)


def _series(numba: Any) -> Callable[[int], float]:
    def series(terms: int) -> float:
        total = 0.0
        for k in numba.prange(terms):
            total += (1.0 - 2.0 * (k & 1)) / (2.0 * k + 1.0)
        return 4.0 * total

    return series


def _search(numba: Any) -> Callable[[int, int], int]:
    def search(n: int, sought: int) -> int:
        numbers = np.empty(n, np.int32)
        for i in numba.prange(n):
            numbers[i] = i
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            if numbers[middle] < sought:
                low = middle + 1
            else:
                high = middle
        return low if low < n and numbers[low] == sought else -1

    return search


def _lower_bounds(numba: Any) -> Callable[[Any, Any, Any], None]:
    def lower_bounds(keys: Any, queries: Any, found: Any) -> None:
        for i in numba.prange(len(queries)):
            low, high = 0, len(keys)
            while low < high:
                middle = (low + high) // 2
                if keys[middle] < queries[i]:
                    low = middle + 1
                else:
                    high = middle
            found[i] = low

    return lower_bounds


def _try(made: ByNumba) -> None:
    """The first call of each compiles it."""
    few, places = np.arange(10, dtype=np.int32), np.empty(10, np.int64)
    for sum_up in (made.series, made.series_parallel):
        assert abs(sum_up(10**6) - np.pi) < 2e-6
    for find in (made.search, made.search_parallel):
        assert (find(1000, 999), find(1000, 1000)) == (999, -1)
    for find_all in (made.lower_bounds, made.lower_bounds_parallel):
        find_all(few, few, places)
        np.testing.assert_array_equal(places, few)
