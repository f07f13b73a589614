"""Runs in figures: medians, least and most over repeats, and how many times faster than linear. Pure."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Sequence

from telpher.compute.port import Run

BASELINE = "linear"


@dataclasses.dataclass(frozen=True)
class Spread:
    """Several measurements of one thing, in seconds."""

    median_s: float
    min_s: float
    max_s: float

    @classmethod
    def of(cls, times_s: Sequence[float]) -> Spread:
        return cls(statistics.median(times_s), min(times_s), max(times_s))


@dataclasses.dataclass(frozen=True, kw_only=True)
class StrategyFigures:
    """What one strategy took."""

    strategy: str
    wall: Spread
    """All calls together, over the repeats."""
    call: Spread
    """One call, over all calls of all repeats."""
    speed_up: float | None
    """The median wall time of linear over this one's; None when linear was not run."""
    workers: int
    """How many threads or processes took part."""
    typical: Run
    """The repeat with the median wall time: the one to draw."""


def summarise(runs: Sequence[Run]) -> tuple[StrategyFigures, ...]:
    """Figures by strategy, in the order in which they first ran. The runs are of one module with the same arguments."""
    by_strategy: dict[str, list[Run]] = {}
    for run in runs:
        by_strategy.setdefault(run.strategy, []).append(run)
    walls = {name: Spread.of([run.wall_s for run in repeats]) for name, repeats in by_strategy.items()}
    baseline = walls.get(BASELINE)
    return tuple(
        StrategyFigures(
            strategy=name,
            wall=walls[name],
            call=Spread.of([call.took_s for run in repeats for call in run.calls]),
            speed_up=None if baseline is None else baseline.median_s / walls[name].median_s,
            workers=len({call.worker for run in repeats[:1] for call in run.calls}),
            typical=sorted(repeats, key=lambda run: run.wall_s)[(len(repeats) - 1) // 2],
        )
        for name, repeats in by_strategy.items()
    )
