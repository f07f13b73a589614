"""What Telpher counts of its own work: told by the dispatcher, the queue and the drive; read by monitors and by `/stats`.

Nothing here names a file or says what somebody wrote. What an hour came to is kept in the database for the picture of a day.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections import Counter as Tally
from collections.abc import Callable, Mapping
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from telpher.errors import DiskFullError, StoreError
from telpher.jobs.port import Job, JobId, JobState
from telpher.metrics import Counter, Family, Gauge, Histogram, Labels
from telpher.store import Store
from telpher.store.schema import hourly_figures

_log = logging.getLogger(__name__)

_HOUR_MS = 3_600_000
_KEPT_HOURS = 24 * 14
_FLUSHED_EVERY_S = 60.0
_LAG_EVERY_S = 5.0
_JOB_NAMES = {
    JobState.SUCCEEDED: "jobs_succeeded",
    JobState.FAILED: "jobs_failed",
    JobState.CANCELLED: "jobs_cancelled",
}
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Measures:
    """Counts on the event loop. `run` keeps the hours and watches the loop's lag until it is cancelled."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self.started_at_s = clock()
        self.updates = Counter("telpher_updates_total", "Updates handled, by what they asked for.", ("kind", "outcome"))
        self.latency = Histogram(
            "telpher_update_seconds", "From an update's turn to the end of its handler, in seconds.", ("kind",)
        )
        self.jobs_ended = Counter("telpher_jobs_ended_total", "Jobs that ended.", ("kind", "state"))
        self.job_time = Histogram(
            "telpher_job_seconds",
            "How long the last attempt of a job that ended took, in seconds.",
            ("kind",),
            buckets=(0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200),
        )
        self.bytes_carried = Counter("telpher_carried_bytes_total", "Bytes that jobs have moved.", ("kind",))
        self.drive_calls = Counter(
            "telpher_drive_calls_total", "Calls to the drive, by how they ended.", ("operation", "outcome")
        )
        self.lag = Histogram(
            "telpher_loop_lag_seconds", "How much later than asked for the event loop woke up, in seconds."
        )
        self._gauges: list[Gauge] = [
            Gauge("telpher_resident_bytes", "Memory of this process.", resident_bytes),
            Gauge("telpher_open_descriptors", "Open files and sockets.", open_descriptors),
            Gauge("telpher_tasks", "Tasks on the event loop.", lambda: len(asyncio.all_tasks())),
            Gauge(
                "telpher_started_seconds", "When this process began, in seconds since 1970.", lambda: self.started_at_s
            ),
        ]
        self._begun_s: dict[JobId, float] = {}
        self._moved_bytes: dict[JobId, int] = {}
        self._hour: Tally[tuple[int, str]] = Tally()

    def gauge(
        self, name: str, about: str, ask: Callable[[], float | Mapping[Labels, float]], label_names: Labels = ()
    ) -> None:
        """Also tell this when somebody looks."""
        self._gauges.append(Gauge(name, about, ask, label_names))

    def families(self) -> list[Family]:
        """Everything, for a monitor."""
        return [
            *(self.updates, self.latency, self.jobs_ended, self.job_time),
            *(self.bytes_carried, self.drive_calls, self.lag, *self._gauges),
        ]

    # ---- told by others ------------------------------------------------------------------------------------------------

    def update_handled(self, kind: str, took_s: float, failure: Exception | None) -> None:
        """A handler has ended."""
        self.updates.add(kind, "ok" if failure is None else "failed")
        self.latency.observe(kind, value=took_s)
        self._count("updates")
        if failure is not None:
            self._count("updates_failed")

    def job_changed(self, job: Job, progress: object | None) -> None:
        """The queue's listener: counts, and writes the job's life to the log."""
        if progress is not None:
            self._moved(job, getattr(progress, "done_bytes", 0))
            return
        if job.state is JobState.RUNNING:
            self._begun_s[job.id] = time.monotonic()
            _log.info("job %d started: %s, attempt %d", job.id, job.kind, job.attempt)
            return
        begun_s = self._begun_s.pop(job.id, None)
        took_s = time.monotonic() - begun_s if begun_s is not None else 0.0
        if job.state.is_final:
            self._moved_bytes.pop(job.id, None)
            self.jobs_ended.add(job.kind, job.state.value)
            self.job_time.observe(job.kind, value=took_s)
            self._count(_JOB_NAMES[job.state])
            why = f" ({job.error_key})" if job.error_key else ""
            _log.info("job %d %s: %s%s, %.3f s", job.id, job.state.value, job.kind, why, took_s)
        elif job.state is JobState.QUEUED and job.attempt == 0:
            _log.info("job %d accepted: %s", job.id, job.kind)
        else:
            _log.info("job %d %s: %s (%s)", job.id, job.state.value, job.kind, job.error_key or "goes on later")

    def drive_called(self, operation: str, outcome: str) -> None:
        """The drive has answered, or not."""
        self.drive_calls.add(operation, outcome)

    def _moved(self, job: Job, done_bytes: int) -> None:
        # An attempt that begins anew counts from where it is: what was carried twice was carried.
        before = self._moved_bytes.get(job.id, 0)
        self._moved_bytes[job.id] = done_bytes
        if done_bytes > before:
            self.bytes_carried.add(job.kind, amount=done_bytes - before)
            self._count("bytes", done_bytes - before)

    # ---- hours -----------------------------------------------------------------------------------------------------------

    def _count(self, name: str, amount: int = 1) -> None:
        self._hour[(int(self._clock() * 1000) // _HOUR_MS * _HOUR_MS, name)] += amount

    async def run(self) -> None:
        """Until it is cancelled. It wakes every few seconds, for as long as a call of `time.monotonic` takes."""
        loop = asyncio.get_running_loop()
        flushed_s = loop.time()
        while True:
            asked_s = loop.time() + _LAG_EVERY_S
            await asyncio.sleep(_LAG_EVERY_S)
            self.lag.observe(value=max(0.0, loop.time() - asked_s))
            if loop.time() - flushed_s >= _FLUSHED_EVERY_S:
                flushed_s = loop.time()
                await self.keep()

    async def keep(self) -> None:
        """Store what was counted, where that can be done: figures are worth less than what the disk is needed for."""
        try:
            await self.flush()
        except (DiskFullError, StoreError) as error:
            _log.warning("the hour's figures are not stored: %s", type(error).__name__)

    async def flush(self) -> None:
        """Store what was counted since the last time."""
        counted, self._hour = self._hour, Tally()
        if not counted:
            return
        oldest_ms = int(self._clock() * 1000) - _KEPT_HOURS * _HOUR_MS
        try:
            await self._store.write(lambda connection: _add(connection, counted, oldest_ms))
        except BaseException:
            self._hour += counted
            raise

    async def hours(self, count: int) -> list[Mapping[str, float]]:
        """The last `count` hours, oldest first; `hour_ms` says which, names that were not counted are missing."""
        await self.flush()
        now_ms = int(self._clock() * 1000) // _HOUR_MS * _HOUR_MS
        first_ms = now_ms - (count - 1) * _HOUR_MS
        rows = await self._store.read(
            lambda connection: connection.execute(
                sa.select(hourly_figures).where(hourly_figures.c.hour_ms >= first_ms)
            ).all()
        )
        hours: dict[int, dict[str, float]] = {
            hour_ms: {"hour_ms": hour_ms} for hour_ms in range(first_ms, now_ms + 1, _HOUR_MS)
        }
        for row in rows:
            if row.hour_ms in hours:
                hours[row.hour_ms][row.name] = row.amount
        return list(hours.values())


def _add(connection: Connection, counted: Mapping[tuple[int, str], int], oldest_ms: int) -> None:
    table = hourly_figures
    for (hour_ms, name), amount in counted.items():
        this = (table.c.hour_ms == hour_ms) & (table.c.name == name)
        more = sa.update(table).where(this).values(amount=table.c.amount + amount)
        if connection.execute(more).rowcount == 0:
            connection.execute(sa.insert(table).values(hour_ms=hour_ms, name=name, amount=amount))
    connection.execute(sa.delete(table).where(table.c.hour_ms < oldest_ms))


def resident_bytes() -> int:
    """What this process holds of the machine's memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES


def open_descriptors() -> int:
    """How many files and sockets this process holds open."""
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def bytes_below(directory: Path) -> int:
    """What lies in `directory` itself; 0 when there is none."""
    try:
        with os.scandir(directory) as found:
            return sum(entry.stat().st_size for entry in found if entry.is_file())
    except OSError:
        return 0
