"""The table and the picture of `make bench-transfers`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

TITLES = {
    "capped": "512 MiB, both legs at 40 MB/s",
    "uncapped": "1 GiB, loopback without a cap",
    "far": "256 MiB, each answer 100 ms later",
}
_COLOURS = {"limit": "#b0bec5", "telpher": "#4caf50", "rclone": "#ffb74d", "tutorial": "#e57373"}
_NAMES = {
    "limit": "the slower leg alone (curl)",
    "telpher": "Telpher",
    "rclone": "curl down, rclone up",
    "tutorial": "the tutorial's way",
}


def _ratio(found: Mapping[str, Any], way: str) -> float:
    return float(found[way]["wall_s"]) / float(found["limit"]["wall_s"])


def table(report: Mapping[str, Any]) -> str:
    """Markdown."""
    conditions, here = report["conditions"], report["machine"]
    lines = [
        f"Measured on {here['processor']}, {here['cores']} cores, {here['python']}; load before: {report['load_before']:.1f}.",
        "",
    ]
    lines += ["| condition | way | seconds | × the slower leg | CPU seconds |", "|---|---|---:|---:|---:|"]
    for name, title in TITLES.items():
        for way in _NAMES if name in conditions else ():
            found = conditions[name]
            one = found[way]
            ratio = _ratio(found, way)
            lines.append(f"| {title} | {_NAMES[way]} | {one['wall_s']:.2f} | {ratio:.2f} | {one['cpu_s']:.2f} |")
    for name, title in {"small": "300 files of 100 KiB", "small, far": "the same, each answer 20 ms later"}.items():
        if name in conditions:
            lines += ["", f"| {title} | files per second |", "|---|---:|"]
            lines += [f"| {_NAMES[way]} | {one['files_per_s']:.0f} |" for way, one in conditions[name].items()]
    if "memory" in conditions:
        lines += ["", "| peak memory above idle | MiB |", "|---|---:|"]
        lines += [
            f"| {way} | {one['peak_above_idle_bytes'] / 2**20:.1f} |" for way, one in conditions["memory"].items()
        ]
    return "\n".join(lines) + "\n"


def draw(report: Mapping[str, Any], path: Path) -> None:
    """One panel of bars for each condition with a limit."""
    conditions = {name: found for name, found in report["conditions"].items() if name in TITLES}
    figure = Figure(figsize=(10, 1.2 + 2 * len(conditions)), dpi=120, facecolor="white", layout="constrained")
    panels = figure.subplots(max(1, len(conditions)), 1, squeeze=False)
    for (name, found), axes in zip(conditions.items(), panels[:, 0], strict=False):
        ways = list(_NAMES)
        bars = axes.barh(ways, [found[way]["wall_s"] for way in ways], color=[_COLOURS[way] for way in ways])
        labels = [f"{found[way]['wall_s']:.2f} s  ({_ratio(found, way):.2f} ×)" for way in ways]
        axes.bar_label(bars, labels, padding=4, fontsize=9)
        axes.set(title=TITLES[name], xlabel="seconds")
        axes.set_yticks(range(len(ways)), [_NAMES[way] for way in ways])
        axes.invert_yaxis()
        axes.margins(x=0.2)
    here = report["machine"]
    figure.suptitle(f"From Telegram into the drive: {here['processor']}, {here['cores']} cores, {here['python']}")
    figure.savefig(path)
