"""Each part of `make bench-compute`: what is timed. Times are in seconds; of several repeats the median, with the least beside it."""
# ruff: noqa: PLC0415 - rivals are imported where they are installed

from __future__ import annotations

import ctypes
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from benchmarks.compute.by_numba import ByNumba
from benchmarks.compute.rivals import Native, chudnovsky, has

from telpher.compute import machine
from telpher.compute.kernels import pool, search, widths
from telpher.compute.modules import registry
from telpher.compute.python_threads import call_module
from telpher.compute.workshop import Workshop

Report = dict[str, Any]
KEYS = 1 << 26
QUERIES = 10**6


def timed(work: Callable[[], object], repeats: int) -> Report:
    """The median and the least of several."""
    times = []
    for _ in range(repeats):
        start_s = time.perf_counter()
        work()
        times.append(time.perf_counter() - start_s)
    return {"median_s": statistics.median(times), "min_s": min(times), "repeats": repeats}


def call(module_name: str, **arguments: int | str) -> Callable[[], object]:
    """One call of a module on this thread."""
    module = registry()[module_name]
    complete = module.complete(arguments)
    return lambda: call_module(module, complete, pool.Control())


def on_threads(count: int, work: Callable[[int], object]) -> Callable[[], object]:
    """`work(0)`, `work(1)`, … at once."""
    executor = ThreadPoolExecutor(count)
    return lambda: list(executor.map(work, range(count)))


def limits(native: Native) -> Report:
    """What this machine can do at most."""
    if native.limits is None:
        return {}
    size = ctypes.c_size_t(256 << 20)
    return {
        "read_bytes_per_s": native.limits.read_bandwidth(size),
        "random_line_s": native.limits.random_line(size, 1),
        "random_lines_side_by_side_s": min(native.limits.random_line(size, chains) for chains in (16, 32, 64)),
        "division_s": 1 / native.limits.divisions(),
    }


def one_search(by_numba: ByNumba | None, repeats: int) -> Report:
    """The lesson's call, all its ways, and numpy's."""
    n = int(registry()["search"].complete({})["n"])

    def by_numpy() -> None:
        np.searchsorted(np.arange(n, dtype=np.int32), np.int32(n - 1))

    report = {"plain": timed(call("search"), repeats), "numpy": timed(by_numpy, repeats)}
    if by_numba is not None:
        report["numba"] = timed(lambda: by_numba.search(n, n - 1), repeats)
        report["numba, all threads"] = timed(lambda: by_numba.search_parallel(n, n - 1), repeats)
    for way in ("fresh", "warm"):
        for width in widths.supported():
            call("search", way=way, width=width)()
            report[f"{way}, {width}"] = timed(call("search", way=way, width=width), repeats)
    search.cool()
    return report


def batch(native: Native, by_numba: ByNumba | None, repeats: int) -> Report:
    """A million random queries over 67 million keys."""
    random = np.random.default_rng(1)
    keys = np.sort(random.integers(-(2**31), 2**31 - 1, KEYS, dtype=np.int32))
    queries = random.integers(-(2**31), 2**31 - 1, QUERIES, dtype=np.int32)
    found, expected = np.empty(QUERIES, np.int64), np.searchsorted(keys, queries)
    report: Report = {"numpy.searchsorted": timed(lambda: np.searchsorted(keys, queries), max(2, repeats // 3))}

    def measure(name: str, work: Callable[[], object], times: int) -> None:
        found[:] = -1
        work()
        np.testing.assert_array_equal(found, expected)
        report[name] = timed(work, times)

    if native.cpp is not None:
        measure("std::lower_bound", lambda: native.std_lower_bound(keys, queries, found), max(2, repeats // 3))
    if by_numba is not None:
        measure("numba", lambda: by_numba.lower_bounds(keys, queries, found), max(2, repeats // 3))
        measure("numba, all threads", lambda: by_numba.lower_bounds_parallel(keys, queries, found), repeats)
    for width in widths.supported():
        measure(f"no index, {width}", lambda width=width: search.halving(keys, queries, found, width), repeats)
    report["build"] = timed(lambda: search.Index(keys), repeats)
    for width in widths.supported():
        index = search.Index(keys, width)
        measure(f"index, {width}", lambda index=index: index.search(queries, found), repeats * 3)
    index = search.Index(keys)
    for threads in range(2, machine.cores() + 1):
        cut = [QUERIES * part // threads for part in range(threads + 1)]

        def part(number: int, cut: list[int] = cut) -> None:
            here = slice(cut[number], cut[number + 1])
            index.search(queries[here], found[here])

        measure(f"index, {threads} threads", on_threads(threads, part), repeats * 3)
    report["index_share"] = index.size_bytes / keys.nbytes
    return report


def series(by_numba: ByNumba | None, repeats: int, terms: int = 10**8) -> Report:
    """Leibniz' series."""

    def by_numpy() -> float:
        total = 0.0
        for start in range(0, terms, 1 << 20):
            k = np.arange(start, min(start + (1 << 20), terms), dtype=np.float64)
            total += float(np.sum((1 - 2 * (k % 2)) / (2 * k + 1)))
        return 4 * total

    report = {"plain": timed(call("pi", terms=terms), max(3, repeats // 2)), "numpy": timed(by_numpy, 2)}
    if by_numba is not None:
        report["numba, fastmath"] = timed(lambda: by_numba.series(terms), repeats)
        report["numba, all threads"] = timed(lambda: by_numba.series_parallel(terms), repeats)
    for width in widths.supported():
        report[f"folded, {width}"] = timed(call("pi", way="folded", terms=terms, width=width), repeats * 3)
    for threads in range(2, machine.cores() + 1):
        # Ten times the terms, so that starting the threads does not count.
        one = call("pi", way="folded", terms=10 * terms)
        together = timed(on_threads(threads, lambda _, one=one: one()), repeats * 3)
        report[f"folded, {threads} threads"] = {
            name: value / threads / 10 if name != "repeats" else value for name, value in together.items()
        }
    return report


def digits(counts: tuple[int, ...], repeats: int) -> Report:
    """Digits of pi as text."""
    report: Report = {}
    threads = sorted({1, machine.cores()})
    for count in counts:
        often = max(1, repeats if count <= 10**6 else repeats // 4)
        part: Report = {}
        if registry()["digits"].unavailable is None:
            for number in threads:
                part[f"telpher, {number} threads"] = timed(call("digits", digits=count, threads=number), often)
        if has("flint"):
            for number in threads:
                part[f"python-flint, {number} threads"] = timed(_flint(count, number), often)
        sys.set_int_max_str_digits(0)
        if has("gmpy2"):
            import gmpy2

            part["gmpy2 in Python"] = timed(
                lambda count=count: chudnovsky(count, gmpy2.mpz, gmpy2.isqrt), max(1, often // 2)
            )
        if has("mpmath"):
            part["mpmath"] = timed(_mpmath(count), max(1, often // 2))
        report[str(count)] = part
    return report


def _flint(count: int, threads: int) -> Callable[[], object]:
    import flint

    def compute() -> None:
        flint.ctx.threads = threads
        flint.ctx.cleanup()  # it remembers pi from the last time
        flint.ctx.dps = count + 10
        flint.arb.pi().str(count, radius=False)

    return compute


def _mpmath(count: int) -> Callable[[], object]:
    import mpmath
    from mpmath.libmp.libelefun import pi_fixed

    remembering = pi_fixed.__closure__[0].cell_contents

    def compute() -> None:
        remembering.memo_prec = -1  # likewise
        mpmath.mp.dps = count + 10
        mpmath.nstr(+mpmath.mp.pi, count)

    return compute


async def strategies(repeats: int) -> Report:
    """The lesson's comparison, and what a short call costs."""
    cases: Mapping[str, tuple[str, Mapping[str, int | str]]] = {
        "search": ("search", {}),
        "pi": ("pi", {}),
        "pi, 1 ms": ("pi", {"terms": 10**6}),
    }
    report: Report = {}
    async with Workshop() as shop:
        for case, (module, arguments) in cases.items():
            report[case] = {}
            for strategy in shop.strategies:
                if strategy.unavailable(shop.module(module)) is None:
                    await shop.run(module, arguments, strategy.name)  # the first starts the workers
                    walls = [(await shop.run(module, arguments, strategy.name)).wall_s for _ in range(repeats)]
                    report[case][strategy.name] = {
                        "median_s": statistics.median(walls),
                        "min_s": min(walls),
                        "repeats": repeats,
                    }
    return report


def scaling(repeats: int) -> Report:
    """How the time of one search grows with the array."""
    report: Report = {}
    for way in ("plain", "fresh", "warm"):
        report[way] = {}
        for exponent in range(12, 28):
            n = 1 << exponent
            work = call("search", way=way, n=n)
            work()
            report[way][str(n)] = timed(work, repeats if n > 1 << 20 else repeats * 10)
        search.cool()
    return report
