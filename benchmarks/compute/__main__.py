"""How far the kernels are from what the machine can do, beside others that do the same: `make bench-compute`.

Everything is measured in one run, so that ratios hold; results as JSON and PNG into benchmarks/results/.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
from pathlib import Path
from typing import Any

from benchmarks.compute import measures
from benchmarks.compute.by_numba import compiled
from benchmarks.compute.plots import draw
from benchmarks.compute.rivals import Native, has

from telpher.compute import machine
from telpher.compute.modules import registry

RIVALS = ("numba", "flint", "gmpy2", "mpmath")
RESULTS = Path(__file__).parents[1] / "results"


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """All parts, told of as they come."""
    native, by_numba = Native(), compiled()
    wanted = set(args.only.split(",")) if args.only else None
    report: dict[str, Any] = {
        "machine": dataclasses.asdict(machine.describe()),
        "n": registry()["search"].complete({})["n"],
        "terms": 10**8,
        "keys": measures.KEYS,
        "queries": measures.QUERIES,
        "missing": [name for name in RIVALS if not has(name)],
    }
    for name in report["missing"]:
        print(f"{name} is not measured: it is not installed for this Python (`tools/setup.sh bench` tries)", flush=True)
    if by_numba is not None:
        report["numba"] = {"version": by_numba.version, "compile_s": by_numba.compile_s}
        print(
            f"numba {by_numba.version}: compiled in {by_numba.compile_s:.1f} s, which no figure below contains",
            flush=True,
        )
    counts = tuple(int(float(count)) for count in args.digits.split(","))
    parts = {
        "limits": lambda: measures.limits(native),
        "search": lambda: measures.one_search(by_numba, args.repeats),
        "batch": lambda: measures.batch(native, by_numba, args.repeats),
        "pi": lambda: measures.series(by_numba, args.repeats),
        "digits": lambda: measures.digits(counts, args.repeats),
        "strategies": lambda: asyncio.run(measures.strategies(args.repeats)),
        "scaling": lambda: measures.scaling(args.repeats),
    }
    for name, part in parts.items():
        if wanted is None or name in wanted:
            report[name] = part()
            _print_part(name, report[name])
    return report


def _print_part(name: str, part: dict[str, Any]) -> None:
    print(f"{name}", flush=True)
    for row, one in part.items():
        if not isinstance(one, dict):
            print(f"  {row:32} {one:.4g}")
        elif "median_s" in one:
            print(f"  {row:32} {one['median_s'] * 1e3:12.4f} ms   least {one['min_s'] * 1e3:12.4f} ms")
        elif name != "scaling":
            _print_part(f"  {row}", one)


def targets(report: dict[str, Any]) -> list[str]:
    """What was aimed at, and what came of it: ratios within this run."""
    lines = []

    def ratio(part: str, slow: str, fast: str, aim: float, name: str) -> None:
        rows = report.get(part, {})
        if slow in rows and fast in rows:
            factor = rows[slow]["median_s"] / rows[fast]["median_s"]
            lines.append(f"{'met   ' if factor >= aim else 'MISSED'} {name}: {factor:.1f} × (aim {aim} ×)")

    widest = report["machine"]["widths"][-1]
    ratio("search", "plain", f"fresh, {widest}", 4.5, "search, fresh memory, over plain")
    ratio("search", "plain", f"warm, {widest}", 12, "search, warm memory, over plain")
    ratio("batch", "numpy.searchsorted", f"index, {widest}", 40, "index over numpy, one thread")
    ratio("batch", "numpy.searchsorted", "index, 2 threads", 80, "index over numpy, two threads")
    ratio("batch", "numpy.searchsorted", f"no index, {widest}", 6, "without an index, over numpy")
    ratio("pi", "plain", "folded, avx2", 14, "series, AVX2, over plain")
    ratio("pi", "plain", "folded, avx512", 20, "series, AVX-512, over plain")
    ratio("pi", f"folded, {widest}", "folded, 2 threads", 1.9, "series, two threads over one")
    for count, rows in report.get("digits", {}).items():
        ours, theirs = (
            min((one["median_s"] for name, one in rows.items() if name.startswith(who)), default=None)
            for who in ("telpher", "python-flint")
        )
        if ours and theirs:
            verdict = "met   " if ours <= theirs else "MISSED"
            lines.append(
                f"{verdict} {int(count):,} digits: {theirs / ours:.2f} × as fast as python-flint's best (aim 1 ×)"
            )
    return lines


def distances(report: dict[str, Any]) -> list[str]:
    """How far each kernel is from its limit, and why."""
    limits, lines = report.get("limits"), []
    if not limits:
        return lines
    widest = report["machine"]["widths"][-1]
    if "search" in report:
        floor = report["n"] * 4 / limits["read_bytes_per_s"]
        warm = report["search"][f"warm, {widest}"]["median_s"]
        lines.append(
            f"search, warm: {warm / floor:.2f} × the time that reading as much memory takes; stores past the cache need no read first"
        )
    if "batch" in report:
        floor = 2 * limits["random_lines_side_by_side_s"] * report["queries"]
        took = report["batch"][f"index, {widest}"]["median_s"]
        lines.append(
            f"index: {took / floor:.2f} × two random lines of memory a query; the upper levels stay in the caches, the leaf and "
            "sometimes its parent do not"
        )
    if "pi" in report:
        floor = limits["division_s"] * report["terms"] / 16
        took = report["pi"][f"folded, {widest}"]["median_s"]
        lines.append(
            f"series: {took / floor:.2f} × a sixteenth of a division a term; with so few divisions the multiplications are the limit"
        )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compute")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--digits", default="1e6,1e7", help="how many digits of pi")
    parser.add_argument("--only", default="", help="only these parts, separated by commas; no pictures then")
    arguments = parser.parse_args()
    result = measure(arguments)
    for line in (*targets(result), *distances(result)):
        print(line)
    if not arguments.only:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "compute.json").write_text(json.dumps(result, indent=1))
        for picture in draw(result, RESULTS):
            print(f"written: {picture}")
