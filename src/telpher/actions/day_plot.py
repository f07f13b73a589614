"""The program that draws a day (`python -m telpher.actions.day_plot`): JSON as `day_picture.draw` writes it in, PNG out."""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
from collections.abc import Mapping
from typing import Any, BinaryIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

_WIDTH_PX, _HEIGHT_PX, _DPI = 1080, 1180, 150
_BACKGROUND, _TEXT, _FAINT, _GRID = "#17202b", "#f2f5f9", "#9fb0c3", "#33435a"
_WELL, _FAILED = "#4fc3f7", "#e57373"


def main() -> None:
    os.nice(10)
    draw(json.load(sys.stdin), sys.stdout.buffer)


def draw(order: Mapping[str, Any], file: BinaryIO) -> None:
    """Write the picture of `order` to `file`."""
    mpl.rcParams.update({"font.family": "DejaVu Sans", "text.color": _TEXT})
    hours, texts = order["hours"], order["texts"]
    figure = Figure(figsize=(_WIDTH_PX / _DPI, _HEIGHT_PX / _DPI), dpi=_DPI, facecolor=_BACKGROUND)
    figure.text(0.045, 0.965, texts["title"], size=18, weight="bold", va="top")
    failed = _amounts(hours, "updates_failed")
    carried, units = _amounts(hours, "bytes"), texts["units"].split()
    power = _power(max(1.0, *carried), len(units))
    total_power = _power(sum(carried), len(units))
    panels = (
        (texts["updates"], [a - b for a, b in zip(_amounts(hours, "updates"), failed, strict=True)], failed),
        (texts["jobs"], _amounts(hours, "jobs_succeeded"), _amounts(hours, "jobs_failed")),
        (texts["bytes"], [amount / 1024**power for amount in carried], [0.0] * len(hours)),
    )
    mark = texts["decimal_mark"]
    for place, (title, well, bad) in enumerate(panels):
        axes = figure.add_axes((0.115, 0.655 - place * 0.295, 0.84, 0.205), facecolor=_BACKGROUND)
        is_of_bytes = place == len(panels) - 1
        total = (
            _number(sum(carried) / 1024**total_power, units[total_power], mark)
            if is_of_bytes
            else _number(sum(well), "", mark)
        )
        _panel(axes, title, well, bad, total=total, failed_word=texts["failed"])
        unit = units[power] if is_of_bytes else ""
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _, unit=unit: _number(value, unit, mark)))
        labels = [f"{dt.datetime.fromtimestamp(hour['hour_ms'] / 1000).astimezone():%H}" for hour in hours]
        axes.set_xticks(range(0, len(hours), 3), labels[::3])
    figure.savefig(file, format="png", facecolor=_BACKGROUND)


def _amounts(hours: list[Mapping[str, float]], name: str) -> list[float]:
    return [hour.get(name, 0.0) for hour in hours]


def _panel(axes: Axes, title: str, well: list[float], failed: list[float], *, total: str, failed_word: str) -> None:
    """A bar for each hour; what failed stands on top in another colour, and is named where there is any."""
    places = range(len(well))
    axes.bar(places, well, width=0.78, color=_WELL)
    axes.set_title(title, loc="left", size=12, weight="bold", color=_TEXT, pad=10)
    axes.set_title(total, loc="right", size=12, weight="bold", color=_WELL, pad=10)
    if any(failed):
        axes.bar(places, failed, width=0.78, bottom=well, color=_FAILED)
        axes.set_title(f"{failed_word}: {sum(failed):.0f}", size=10, color=_FAILED, pad=10)
    highest = max(a + b for a, b in zip(well, failed, strict=True))
    axes.set(xlim=(-0.6, len(well) - 0.4), ylim=(0, max(1.0, highest) * 1.08))
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 2.5, 5, 10]))
    axes.tick_params(colors=_FAINT, labelsize=9, length=0)
    axes.grid(axis="y", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _power(amount_bytes: float, units_count: int) -> int:
    """Which unit shows it with three figures at most."""
    power = 0
    while amount_bytes >= 999.5 and power < units_count - 1:
        amount_bytes, power = amount_bytes / 1024, power + 1
    return power


def _number(value: float, unit: str, decimal_mark: str) -> str:
    digits = 0 if value >= 99.95 or f"{value:.1f}".endswith(".0") else 1
    shown = f"{value:,.{digits}f}".replace(",", "\N{NARROW NO-BREAK SPACE}").replace(".", decimal_mark)
    return f"{shown}\N{NARROW NO-BREAK SPACE}{unit}" if unit else shown


if __name__ == "__main__":
    main()
