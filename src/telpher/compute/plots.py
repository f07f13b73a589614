"""The program that draws a comparison (`python -m telpher.compute.plots`): JSON as `pictures.draw` writes it in, PNG out.

The picture is a card with a background of its own, so that it reads the same in light and dark chats, and is as wide as a phone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from telpher.compute.kernels import pool as native

WIDTH_PX = 1080
_DPI = 150
_BACKGROUND, _PANEL, _TEXT, _FAINT, _GRID = "#17202b", "#1f2b39", "#f2f5f9", "#9fb0c3", "#33435a"
# Told apart also by people who see few colours: they differ in lightness, and every bar has its name beside it.
_COLOURS = ("#8fa3bb", "#4fc3f7", "#ffb74d", "#e57373", "#ba68c8", "#81c784")
_BAR_PX, _LANE_PX, _MOST_LANE_PX = 92, 34, 52
_GUTTER_PX = 150  # for the names of threads and processes


def main() -> None:
    native.become_idle()
    draw(json.load(sys.stdin), sys.stdout.buffer)


def draw(order: Mapping[str, Any], file: BinaryIO) -> None:
    """Write the picture of `order` to `file`."""
    mpl.rcParams.update({"font.family": "DejaVu Sans", "text.color": _TEXT, "axes.edgecolor": _GRID})
    strategies, texts = order["strategies"], order["texts"]
    lanes = sum(len(_workers(strategy)) for strategy in strategies)
    lane_px = min(_MOST_LANE_PX, max(_LANE_PX, 620 // max(1, lanes)))
    subtitle_lines = texts["subtitle"].count("\n") + 1
    header_px = 116 + 40 * subtitle_lines
    bars_px = _BAR_PX * len(strategies)
    timeline_px = lanes * lane_px + 44 * len(strategies)
    height_px = header_px + 76 + bars_px + 92 + timeline_px + 96
    figure = Figure(figsize=(WIDTH_PX / _DPI, height_px / _DPI), dpi=_DPI, facecolor=_BACKGROUND)
    page = _Page(figure, height_px)
    page.text(48, 46, texts["title"], size=21, weight="bold")
    page.text(48, 112, texts["subtitle"], size=10.5, colour=_FAINT)
    top = header_px
    page.text(48, top + 14, texts["bars"], size=12.5, weight="bold", colour=_FAINT)
    _bars(page.axes(48, top + 66, WIDTH_PX - 96, bars_px), strategies, texts)
    top += 76 + bars_px
    page.text(48, top + 24, texts["timeline"], size=12.5, weight="bold", colour=_FAINT)
    _timeline(page.axes(48, top + 80, WIDTH_PX - 96, timeline_px), strategies, texts, lane_px)
    figure.savefig(file, format="png", facecolor=_BACKGROUND)


class _Page:
    """The figure in pixels from its top left corner."""

    def __init__(self, figure: Figure, height_px: int) -> None:
        self._figure = figure
        self._height_px = height_px

    def text(self, x: float, y: float, text: str, *, size: float, weight: str = "normal", colour: str = _TEXT) -> None:
        place = (x / WIDTH_PX, 1 - y / self._height_px)
        self._figure.text(*place, text, size=size, weight=weight, color=colour, va="top", ha="left", linespacing=1.45)

    def axes(self, x: float, y: float, width: float, height: float) -> Axes:
        box = (x / WIDTH_PX, 1 - (y + height) / self._height_px, width / WIDTH_PX, height / self._height_px)
        axes = self._figure.add_axes(box, facecolor=_BACKGROUND)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.tick_params(length=0)
        return axes


def _bars(axes: Axes, strategies: Sequence[Mapping[str, Any]], texts: Mapping[str, Any]) -> None:
    """One bar a strategy: its name above it, its time and speed-up at its end."""
    longest_s = max(strategy["wall_s"] for strategy in strategies)
    width = WIDTH_PX - 96
    room = width * 0.66  # the rest is for the labels
    axes.set(xlim=(0, width), ylim=(_BAR_PX * len(strategies), 0), xticks=[], yticks=[])
    for place, strategy in enumerate(strategies):
        top = place * _BAR_PX
        length = max(6.0, room * strategy["wall_s"] / longest_s)
        axes.text(0, top + 4, texts["strategies"].get(strategy["name"], strategy["name"]), size=11.5, va="top")
        axes.add_patch(_box(0, top + 38, room, 36, _PANEL))
        axes.add_patch(_box(0, top + 38, length, 36, _COLOURS[place % len(_COLOURS)]))
        axes.text(room + 18, top + 57, _time(strategy["wall_s"], texts), size=13, weight="bold", va="center")
        if strategy["speed_up"] is not None and strategy["name"] != "linear":
            factor = f"{strategy['speed_up']:.2f}×".replace(".", texts["decimal_mark"])
            colour = "#8be28f" if strategy["speed_up"] >= 1.05 else "#ff9d94" if strategy["speed_up"] < 0.95 else _FAINT
            axes.text(width, top + 57, factor, size=14, weight="bold", va="center", ha="right", color=colour)


def _timeline(axes: Axes, strategies: Sequence[Mapping[str, Any]], texts: Mapping[str, Any], lane_px: int) -> None:
    """A lane for each thread or process, a numbered box for each call, one scale for all strategies."""
    end_s = max(strategy["typical_wall_s"] for strategy in strategies)
    height = sum(len(_workers(strategy)) * lane_px + 44 for strategy in strategies)
    width = WIDTH_PX - 96 - _GUTTER_PX
    axes.set(xlim=(-_GUTTER_PX, width), ylim=(height, 0), yticks=[])
    scale = width / end_s
    axes.xaxis.set_major_locator(_NiceSteps(scale, nbins=6, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: _mark(place / scale, end_s, texts)))
    axes.tick_params(axis="x", colors=_FAINT, labelsize=10, pad=6)
    axes.grid(axis="x", color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    top = 0.0
    for place, strategy in enumerate(strategies):
        colour = _COLOURS[place % len(_COLOURS)]
        workers = _workers(strategy)
        axes.text(
            *(-_GUTTER_PX, top + 8, texts["strategies"].get(strategy["name"], strategy["name"])),
            size=10.5,
            va="top",
            bbox={"facecolor": _BACKGROUND, "edgecolor": "none", "pad": 1.5},
        )
        top += 38
        for lane, worker in enumerate(workers):
            kind = texts["workers"].get(worker.partition(" ")[0], "")
            axes.text(
                *(-_GUTTER_PX, top + lane * lane_px + lane_px / 2 - 1, f"{kind} {lane + 1}".lstrip()),
                size=8.5,
                color=_FAINT,
                va="center",
                bbox={"facecolor": _BACKGROUND, "edgecolor": "none", "pad": 1},
            )
            axes.add_patch(_box(0, top + lane * lane_px + 2, width, lane_px - 6, _PANEL, alpha=0.75))
        for number, (worker, start_s, stop_s) in enumerate(strategy["calls"], start=1):
            y = top + workers.index(worker) * lane_px + 2
            x, length = start_s * scale, max(2.0, (stop_s - start_s) * scale - 2)
            axes.add_patch(_box(x, y, length, lane_px - 6, colour))
            if length > 26:
                axes.text(
                    *(x + length / 2, y + (lane_px - 6) / 2 + 1, str(number)),
                    size=10,
                    weight="bold",
                    color=_BACKGROUND,
                    va="center",
                    ha="center",
                )
        top += len(workers) * lane_px + 6


class _NiceSteps(MaxNLocator):
    """Round steps of time on an axis that is measured in pixels."""

    def __init__(self, scale: float, **options: Any) -> None:
        super().__init__(**options)
        self._scale = scale

    def tick_values(self, vmin: float, vmax: float) -> Any:
        steps: Any = super().tick_values(vmin / self._scale, vmax / self._scale)
        ticks = steps * self._scale
        return ticks[(ticks >= vmin) & (ticks <= vmax)]


def _box(x: float, y: float, width: float, height: float, colour: str, *, alpha: float = 1.0) -> FancyBboxPatch:
    rounding = min(6.0, width / 2, height / 2)
    style = f"round,pad=0,rounding_size={rounding}"
    return FancyBboxPatch((x, y), width, height, boxstyle=style, facecolor=colour, edgecolor="none", alpha=alpha)


def _workers(strategy: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(worker for worker, _, _ in strategy["calls"]))


def _mark(seconds: float, end_s: float, texts: Mapping[str, Any]) -> str:
    """A place on an axis that ends at `end_s`: all in one unit."""
    if seconds == 0:
        return "0"
    number, unit = (
        (f"{round(seconds, 6):g}", texts["seconds"])
        if end_s >= 1
        else (f"{round(seconds * 1000, 6):g}", texts["milliseconds"])
    )
    return f"{number.replace('.', texts['decimal_mark'])}\N{NARROW NO-BREAK SPACE}{unit}"


def _time(seconds: float, texts: Mapping[str, Any]) -> str:
    if seconds >= 1:
        number, unit = (f"{seconds:.3g}" if seconds < 100 else f"{seconds:.0f}"), texts["seconds"]
    else:
        number, unit = f"{seconds * 1000:.3g}", texts["milliseconds"]
    return f"{number.replace('.', texts['decimal_mark'])}\N{NARROW NO-BREAK SPACE}{unit}"


if __name__ == "__main__":
    main()
