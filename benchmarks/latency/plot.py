"""The picture of `make bench-latency`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.latency.loads import WAYS
from matplotlib.figure import Figure

_COLOURS = {"p50": "#81c784", "p99": "#4fc3f7", "p99.9": "#ffb74d", "max": "#e57373"}


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Two panels: how late the loop wakes, how soon /hello is answered. Logarithmic: the ways differ by hundreds."""
    figure = Figure(figsize=(11, 8), dpi=120, facecolor="white", layout="constrained")
    late, hello = figure.subplots(2, 1)
    ticks = [one for one in report["ticks"] if one["work"] == report["ticks"][0]["work"]]
    _panel(late, ticks, f"How late a 5 ms timer fires beside 8 computations ({ticks[0]['work']}), ms")
    _panel(hello, report["hello"], "From /hello to its answer, ms")
    here = report["machine"]
    figure.suptitle(f"The bot never notices: {here['processor']}, {here['cores']} cores, {here['python']}")
    figure.savefig(path)


def _panel(axes: Any, rows: list[Mapping[str, Any]], title: str) -> None:
    names = ("p50", "p99", "p99.9", "max")
    for offset, name in enumerate(names):
        places = [row + (offset - 1.5) * 0.2 for row in range(len(rows))]
        values = [max(0.01, one["spread_ms"][name]) for one in rows]
        bars = axes.barh(places, values, 0.18, color=_COLOURS[name], label=name)
        axes.bar_label(
            bars, [f"{value:.3g}" if value < 1000 else f"{value:,.0f}" for value in values], fontsize=8, padding=3
        )
    axes.set(xscale="log", title=title, yticks=range(len(rows)))
    axes.set_yticklabels([WAYS[one["way"]] for one in rows])
    axes.invert_yaxis()
    axes.legend(loc="upper right")
    axes.grid(axis="x", alpha=0.3)
    axes.margins(x=0.12)
