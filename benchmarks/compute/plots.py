"""The pictures of `make bench-compute`: bars with the machine's limits as lines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_OURS, _OTHERS, _LIMIT = "#1f8ac0", "#a8b3bf", "#d9534f"


def draw(report: Mapping[str, Any], place: Path) -> list[Path]:
    """Write all pictures into `place`; returns their paths."""
    limits = report["limits"]
    n, terms = report["n"], report["terms"]
    made = [
        _bars(
            place / "search.png",
            report,
            report["search"],
            f"One search: allocate {n * 4 / 2**20:.0f} MiB, fill, search, free",
            (1e3, "ms"),
            {"memory bandwidth (write as fast as it reads)": n * 4 / limits["read_bytes_per_s"]} if limits else {},
        ),
        _bars(
            place / "batch.png",
            report,
            {name: one for name, one in report["batch"].items() if isinstance(one, dict) and name != "build"},
            f"A query among {report['keys']:,} keys, of {report['queries']:,} random ones",
            (1e9 / report["queries"], "ns"),
            {
                "two lines of memory, many at once": 2 * limits["random_lines_side_by_side_s"] * report["queries"],
                "one line of memory, alone": limits["random_line_s"] * report["queries"],
            }
            if limits
            else {},
            logarithmic=True,
        ),
        _bars(
            place / "pi.png",
            report,
            report["pi"],
            f"A term of Leibniz' series, of {terms:,}",
            (1e9 / terms, "ns"),
            {
                "a division a term": limits["division_s"] * terms,
                "a division for 16 terms": limits["division_s"] * terms / 16,
            }
            if limits
            else {},
            logarithmic=True,
        ),
        _scaling(place / "scaling.png", report),
        _strategies(place / "strategies.png", report),
    ]
    made += [
        _bars(place / f"digits-{count}.png", report, part, f"{int(count):,} digits of pi, as text", (1, "s"), {})
        for count, part in report["digits"].items()
    ]
    return made


def _bars(
    path: Path,
    report: Mapping[str, Any],
    part: Mapping[str, Any],
    title: str,
    unit: tuple[float, str],
    limits: Mapping[str, float],
    *,
    logarithmic: bool = False,
) -> Path:
    factor, name = unit
    rows = sorted(part.items(), key=lambda item: -item[1]["median_s"])
    slowest_s = rows[0][1]["median_s"]
    figure = Figure(figsize=(11, 1.6 + 0.45 * len(rows)), dpi=110, facecolor="white", layout="constrained")
    axes = figure.subplots()
    values = [one["median_s"] * factor for _, one in rows]
    rivals = ("numpy", "numba", "std::", "python-flint", "gmpy2", "mpmath", "plain")
    colours = [_OTHERS if row.startswith(rivals) else _OURS for row, _ in rows]
    bars = axes.barh([row for row, _ in rows], values, color=colours)
    labels = [
        f"{_figure(value)} {name}   {slowest_s / one['median_s']:.1f}×"
        for value, (_, one) in zip(values, rows, strict=True)
    ]
    axes.bar_label(bars, labels, padding=4, fontsize=9)
    for label, limit_s in limits.items():
        axes.axvline(limit_s * factor, color=_LIMIT, linestyle="--", linewidth=1.2)
        axes.text(limit_s * factor, -0.7, f" {label}", color=_LIMIT, fontsize=8, va="bottom")
    axes.invert_yaxis()
    axes.set_title(title, pad=22)
    compiled = (
        f"; numba had compiled before, in {report['numba']['compile_s']:.1f} s" if "numba" in " ".join(part) else ""
    )
    axes.set_xlabel(f"{name}, median   ({_about(report)}{compiled})", fontsize=9)
    axes.margins(x=0.22)
    if logarithmic:
        axes.set_xscale("log")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    return path


def _scaling(path: Path, report: Mapping[str, Any]) -> Path:
    figure = Figure(figsize=(11, 6), dpi=110, facecolor="white", layout="constrained")
    axes = figure.subplots()
    for way, points in report["scaling"].items():
        sizes = [int(n) for n in points]
        axes.plot(
            sizes, [one["median_s"] / int(n) * 1e9 for n, one in points.items()], marker="o", markersize=4, label=way
        )
    if report["limits"]:
        axes.axhline(4e9 / report["limits"]["read_bytes_per_s"], color=_LIMIT, linestyle="--", label="memory bandwidth")
    axes.set(xscale="log", yscale="log", xlabel=f"numbers in the array   ({_about(report)})", ylabel="ns a number")
    axes.set_title("One search, as the array grows")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(path)
    return path


def _strategies(path: Path, report: Mapping[str, Any]) -> Path:
    cases = report["strategies"]
    figure = Figure(figsize=(11, 4), dpi=110, facecolor="white", layout="constrained")
    for axes, (case, part) in zip(figure.subplots(1, len(cases)), cases.items(), strict=True):
        values = [one["median_s"] * 1e3 for one in part.values()]
        bars = axes.bar(list(part), values, color=[_OTHERS, _OURS, _OURS, _LIMIT][: len(part)])
        linear = part["linear"]["median_s"]
        axes.bar_label(bars, [f"{_figure(value)} ms\n{linear * 1e3 / value:.2f}×" for value in values], fontsize=8)
        axes.set_title(f"{case}: 5 calls")
        axes.tick_params(axis="x", labelrotation=30, labelsize=8)
        axes.margins(y=0.2)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)
    return path


def _figure(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _about(report: Mapping[str, Any]) -> str:
    here = report["machine"]
    return f"{here['processor']}, {here['cores']} cores, {here['python']}"
