"""A person's last runs of the workshop: kept to be drawn, listed and compared."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from telpher.compute.port import Arguments, CallTiming, Run
from telpher.errors import StaleButtonError
from telpher.jobs.port import JobId
from telpher.store import Store
from telpher.store.schema import computations

KEPT = 50
"""How many of a person's runs are kept."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Computation:
    """A comparison that has ended. `result` is what the job answered, with the times of each call."""

    id: int
    job_id: JobId
    person_id: int
    module: str
    arguments: Arguments
    result: Mapping[str, Any]
    finished_at: dt.datetime

    @property
    def walls_s(self) -> dict[str, float]:
        """Wall time by strategy, in the order in which they ran."""
        return {run["strategy"]: float(run["wall_s"]) for run in self.result["runs"]}

    @property
    def runs(self) -> tuple[Run, ...]:
        """The runs with the times of their calls. Their values are not kept: each is 0 here."""
        return tuple(
            Run(
                module=self.module,
                arguments=self.arguments,
                strategy=run["strategy"],
                wall_s=run["wall_s"],
                calls=tuple(
                    CallTiming(worker=worker, start_s=start_s, end_s=end_s, value=0)
                    for worker, start_s, end_s in run["calls"]
                ),
            )
            for run in self.result["runs"]
        )


class Computations:
    """The table `computations`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def keep(
        self, job_id: JobId, person_id: int, module: str, arguments: Arguments, result: Mapping[str, Any]
    ) -> None:
        """Note what a job came to, and let go what is older than the last `KEPT`. Once a job: a repetition changes nothing."""
        values = {
            "job_id": int(job_id),
            "person_id": person_id,
            "module": module,
            "arguments": dict(arguments),
            "result": dict(result),
            "finished_ms": time.time_ns() // 1_000_000,
        }
        theirs = computations.c.person_id == person_id

        def put(connection: sa.Connection) -> None:
            known = sa.select(computations.c.id).where(computations.c.job_id == int(job_id))
            if connection.execute(known).scalar() is not None:
                return
            connection.execute(sa.insert(computations).values(values))
            newest = sa.select(computations.c.id).where(theirs).order_by(computations.c.id.desc()).limit(KEPT)
            kept = connection.execute(newest).scalars().all()
            connection.execute(sa.delete(computations).where(theirs, computations.c.id < min(kept)))

        await self._store.write(put)

    async def of_job(self, job_id: JobId) -> Computation | None:
        """What a job came to, if it has come to an end."""
        found = await self._load(computations.c.job_id == int(job_id), limit=1)
        return found[0] if found else None

    async def last(self, person_id: int, limit: int) -> tuple[Computation, ...]:
        """Newest first."""
        return await self._load(computations.c.person_id == person_id, limit=limit)

    async def get(self, person_id: int, computation_id: int) -> Computation:
        """One of this person's. Raises StaleButtonError."""
        found = await self._load(computations.c.person_id == person_id, computations.c.id == computation_id, limit=1)
        if not found:
            raise StaleButtonError("no such run of theirs")
        return found[0]

    async def _load(self, *where: sa.ColumnElement[bool], limit: int) -> tuple[Computation, ...]:
        query = sa.select(computations).where(*where).order_by(computations.c.id.desc()).limit(limit)
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return tuple(
            Computation(
                id=row.id,
                job_id=JobId(row.job_id),
                person_id=row.person_id,
                module=row.module,
                arguments=row.arguments,
                result=row.result,
                finished_at=dt.datetime.fromtimestamp(row.finished_ms / 1000, dt.UTC),
            )
            for row in rows
        )
