"""The picture of a soak: memory, descriptors, the database and how long people waited, over time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

_KILL, _LINE, _DOWN = "#e57373", "#1976d2", "#ffb74d"


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Four panels that share their time axis; the red lines are the kills."""
    samples, replies = report["samples"], report["replies"]
    figure = Figure(figsize=(11, 9), dpi=120, facecolor="white", layout="constrained")
    panels = figure.subplots(4, 1, sharex=True)
    times = [sample["at_s"] for sample in samples]
    for axes, name, unit, scale in (
        (panels[0], "memory_bytes", "resident memory, MB", 1e6),
        (panels[1], "descriptors", "descriptors", 1),
        (panels[2], "database_bytes", "database, MB", 1e6),
    ):
        axes.plot(times, [sample[name] / scale for sample in samples], ".", markersize=2.5, color=_LINE)
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0)
    for is_hit, colour, label in ((False, _LINE, "while it ran"), (True, _DOWN, "across a kill")):
        chosen = [reply for reply in replies if reply["is_across_a_kill"] is is_hit]
        panels[3].plot(
            [reply["asked_s"] for reply in chosen],
            [max(reply["took_s"], 1e-3) for reply in chosen],
            ".",
            markersize=2.5,
            color=colour,
            label=label,
        )
    panels[3].set(yscale="log", ylabel="answer, s", xlabel="seconds since the beginning")
    panels[3].legend(loc="upper right")
    for axes in panels:
        for at_s in report["kills_at_s"]:
            axes.axvline(at_s, color=_KILL, linewidth=0.7)
        axes.grid(alpha=0.3)
    figure.suptitle(
        f"{report['people']} people, {report['updates_per_s']:.1f} updates a second, {len(report['kills_at_s'])} kills, "
        f"{report['faults_struck']} faults: p99 {report['answers']['while it ran']['p99_s']:.2f} s"
    )
    figure.savefig(path)
