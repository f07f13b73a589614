"""Tell an owner how Telpher has been doing: what it did, how fast, what waits, what room is left, and the last day as a picture."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from telpher.access import Access, Right
from telpher.actions import day_picture
from telpher.actions.measures import Measures, bytes_below, resident_bytes

_DAY_HOURS = 24


@dataclasses.dataclass(frozen=True)
class CommandFigures:
    """One kind of update since the start. The quantiles are of the handler's time, in seconds."""

    kind: str
    count: int
    median_s: float
    p95_s: float


@dataclasses.dataclass(frozen=True, kw_only=True)
class Report:
    """What `/stats` shows. Figures of a day are of the last 24 hours, the others of now or since the start."""

    day: Mapping[str, float]
    """`updates`, `updates_failed`, `bytes`, `jobs_succeeded`, `jobs_failed`, `jobs_cancelled`."""
    commands: tuple[CommandFigures, ...]
    """The most used first."""
    jobs: Mapping[str, int]
    """Unfinished ones, by state."""
    updates_waiting: int
    up_s: float
    memory_bytes: int
    free_bytes: int
    spool_bytes: int
    hours: tuple[Mapping[str, float], ...]


class TellFigures:
    """`lengths` are the queue's, by lane and state; `backlog` the dispatcher's."""

    def __init__(
        self,
        *,
        access: Access,
        measures: Measures,
        lengths: Callable[[], Mapping[tuple[str, ...], float]],
        backlog: Callable[[], int],
        state_dir: Path,
        clock: Callable[[], float],
    ) -> None:
        self._access = access
        self._measures = measures
        self._lengths = lengths
        self._backlog = backlog
        self._state_dir = state_dir
        self._clock = clock

    async def report(self, person_id: int) -> Report:
        """Raises AccessDeniedError for all but owners."""
        self._access.require(person_id, Right.OPERATE)
        hours = await self._measures.hours(_DAY_HOURS)
        day: dict[str, float] = {}
        for hour in hours:
            for name, amount in hour.items():
                day[name] = day.get(name, 0) + amount
        day.pop("hour_ms", None)
        waiting: dict[str, int] = {}
        for (_, state), count in self._lengths().items():
            waiting[state] = waiting.get(state, 0) + int(count)
        usage = await asyncio.to_thread(shutil.disk_usage, self._state_dir)
        return Report(
            day=day,
            commands=self._commands(),
            jobs=waiting,
            updates_waiting=self._backlog(),
            up_s=self._clock() - self._measures.started_at_s,
            memory_bytes=resident_bytes(),
            free_bytes=usage.free,
            spool_bytes=bytes_below(self._state_dir / "spool"),
            hours=tuple(hours),
        )

    async def picture(self, report: Report, texts: Mapping[str, str]) -> bytes:
        """The last day as a PNG. Raises ComputationFailedError."""
        return await day_picture.draw(report.hours, texts)

    def _commands(self) -> tuple[CommandFigures, ...]:
        latency = self._measures.latency
        found = [
            CommandFigures(
                labels[0], count, latency.quantile(labels, 0.5) or 0.0, latency.quantile(labels, 0.95) or 0.0
            )
            for labels, count in latency.counts().items()
        ]
        return tuple(sorted(found, key=lambda one: (-one.count, one.kind)))
