"""The queue's statements: each function runs in a transaction that its caller holds. States and transitions are kept by the schema."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Row

from telpher.jobs.port import Job, JobId, JobState, NewJob
from telpher.store.schema import JOB_IS_UNFINISHED, JOB_UNDO_IS_DUE, jobs, paused_accounts

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

# Spelled as the partial indexes spell it, so that SQLite sees that they fit.
_IS_UNFINISHED = sa.text(JOB_IS_UNFINISHED)
_IS_UNDO_DUE = sa.text(JOB_UNDO_IS_DUE)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """What an attempt came to."""

    state: JobState
    result: Any = None
    due_ms: int | None = None
    failures: int = 0
    first_failed_ms: int | None = None
    error_key: str | None = None
    error_params: dict[str, Any] | None = None


@dataclasses.dataclass(frozen=True)
class Standing:
    """What the scheduler has to know of an unfinished job, and of its failures so far."""

    id: JobId
    kind: str
    lane: str
    person_id: int
    state: JobState
    due_ms: int | None
    is_retry: bool = False
    """It waits after a failure, not for a moment that somebody named."""


@dataclasses.dataclass(frozen=True)
class Claimed:
    """A job that has just been started, how often in a row it had failed, since when, and whether an undo has to come first."""

    job: Job
    failures: int
    first_failed_ms: int | None
    is_undo_due: bool = False


def to_ms(moment: dt.datetime) -> int:
    return round(moment.timestamp() * 1000)


def from_ms(ms: int | None) -> dt.datetime | None:
    return None if ms is None else dt.datetime.fromtimestamp(ms / 1000, dt.UTC)


def job_of(row: Row[Any]) -> Job:
    created_at = from_ms(row.created_ms)
    assert created_at is not None
    return Job(
        id=JobId(row.id),
        key=row.key,
        kind=row.kind,
        lane=row.lane,
        person_id=row.person_id,
        account=row.account,
        payload=row.payload,
        state=JobState(row.state),
        attempt=row.attempt,
        due_at=from_ms(row.due_ms),
        created_at=created_at,
        finished_at=from_ms(row.finished_ms),
        result=row.result,
        error_key=row.error_key,
        error_params=row.error_params,
    )


def insert_if_new(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """INSERT that lets a row which is there already stand. The two dialects spell it alike; SQLAlchemy keeps them apart."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 3 MB that SQLite's users do without

        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def enqueue(connection: Connection, new: Sequence[NewJob], now_ms: int) -> list[tuple[Job, bool]]:
    """The job of each key, and whether it was made now."""
    paused = {row.account: row for row in connection.execute(sa.select(paused_accounts))}
    insert = insert_if_new(connection, jobs).returning(*jobs.c)
    return [_enqueue_one(connection, insert, one, paused.get(one.account), now_ms=now_ms) for one in new]


def _enqueue_one(
    connection: Connection, insert: sa.Executable, new: NewJob, pause: Row[Any] | None, *, now_ms: int
) -> tuple[Job, bool]:
    due_ms = None if new.run_at is None else to_ms(new.run_at)
    if pause is not None:
        state, due_ms = JobState.PAUSED, None
    elif due_ms is not None and due_ms > now_ms:
        state = JobState.WAITING
    else:
        state, due_ms = JobState.QUEUED, None
    values = {
        "key": new.key,
        "kind": new.kind,
        "lane": new.lane,
        "person_id": new.person_id,
        "account": new.account,
        "payload": dict(new.payload),
        "state": state.value,
        "due_ms": due_ms,
        "created_ms": now_ms,
        "error_key": None if pause is None else pause.error_key,
        "error_params": None if pause is None else pause.error_params,
    }
    made = connection.execute(insert, values).one_or_none()
    if made is not None:
        return job_of(made), True
    return job_of(connection.execute(sa.select(jobs).where(jobs.c.key == new.key)).one()), False


# What runs for every job is built once: to put a statement together costs SQLAlchemy more than to run it.
_CLAIM = (
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("job_id"), jobs.c.state == JobState.QUEUED.value)
    .values(state=JobState.RUNNING.value, attempt=jobs.c.attempt + 1)
    .returning(*jobs.c)
)
_SETTLED = ("state", "result", "due_ms", "failures", "first_failed_ms", "error_key", "error_params", "finished_ms")
_SETTLE = (
    sa.update(jobs)
    .where(jobs.c.id == sa.bindparam("job_id"), jobs.c.state == JobState.RUNNING.value)
    .values({name: sa.bindparam(f"new_{name}", type_=jobs.c[name].type) for name in _SETTLED})
    .returning(*jobs.c)
)


def claim(connection: Connection, job_ids: Sequence[JobId]) -> list[Claimed]:
    """Start those that are still queued."""
    claimed = []
    for job_id in job_ids:
        row = connection.execute(_CLAIM, {"job_id": job_id}).one_or_none()
        if row is not None:
            claimed.append(Claimed(job_of(row), row.failures, row.first_failed_ms, row.is_undo_due))
    return claimed


def settle(connection: Connection, job_id: JobId, change: Change, now_ms: int) -> Job | None:
    """Store what a running job came to; None when it was cancelled meanwhile."""
    finished_ms = now_ms if change.state.is_final else None
    values = {f"new_{name}": getattr(change, name) for name in _SETTLED if name != "finished_ms"}
    values |= {"new_state": change.state.value, "new_finished_ms": finished_ms, "job_id": job_id}
    row = connection.execute(_SETTLE, values).one_or_none()
    return None if row is None else job_of(row)


def cancel(
    connection: Connection, job_ids: Collection[JobId], undoable: Collection[str], now_ms: int
) -> tuple[list[Job], set[JobId]]:
    """Those that had not ended, and of which of them something is left to be freed: of the kinds `undoable`, once begun."""
    is_left = sa.and_(jobs.c.attempt > 0, jobs.c.kind.in_(undoable))
    rows = connection.execute(
        sa.update(jobs)
        .where(jobs.c.id.in_(job_ids), _IS_UNFINISHED)
        .values(
            state=JobState.CANCELLED.value,
            finished_ms=now_ms,
            due_ms=None,
            error_key=None,
            error_params=None,
            is_undo_due=sa.or_(jobs.c.is_undo_due, is_left),
        )
        .returning(*jobs.c)
    ).all()
    cancelled = sorted((job_of(row) for row in rows), key=lambda job: job.id)
    return cancelled, {JobId(row.id) for row in rows if row.is_undo_due}


def undone(connection: Connection, job_id: JobId) -> None:
    """Nothing is left of what was cancelled."""
    connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(is_undo_due=False))


def left_behind(connection: Connection) -> list[Job]:
    """Those that have ended, but not without a trace: an earlier process did not come to undo them."""
    rows = connection.execute(sa.select(jobs).where(_IS_UNDO_DUE, jobs.c.finished_ms.is_not(None)).order_by(jobs.c.id))
    return [job_of(row) for row in rows]


def requeue(connection: Connection, condition: sa.ColumnElement[bool], *, afresh: bool) -> list[Job]:
    """Queue the jobs of `condition` again, oldest first; `afresh` forgets how often they failed."""
    values: dict[str, Any] = {
        "state": JobState.QUEUED.value,
        "due_ms": None,
        "finished_ms": None,
        "error_key": None,
        "error_params": None,
    }
    if afresh:
        values |= {"failures": 0, "first_failed_ms": None}
    rows = connection.execute(sa.update(jobs).where(condition).values(**values).returning(*jobs.c)).all()
    return sorted((job_of(row) for row in rows), key=lambda job: job.id)


def pause_account(
    connection: Connection, account: str, error_key: str | None, error_params: dict[str, Any] | None, now_ms: int
) -> list[Job]:
    """Hold back what of the account has not been started, now and later; returns the jobs that this paused."""
    connection.execute(
        insert_if_new(connection, paused_accounts).values(
            account=account, error_key=error_key, error_params=error_params, since_ms=now_ms
        )
    )
    rows = connection.execute(
        sa.update(jobs)
        .where(
            jobs.c.account == account, _IS_UNFINISHED, jobs.c.state.in_((JobState.QUEUED.value, JobState.WAITING.value))
        )
        .values(state=JobState.PAUSED.value, due_ms=None, error_key=error_key, error_params=error_params)
        .returning(*jobs.c)
    ).all()
    return sorted((job_of(row) for row in rows), key=lambda job: job.id)


def resume_account(connection: Connection, account: str) -> list[Job]:
    """The jobs that go on."""
    connection.execute(sa.delete(paused_accounts).where(paused_accounts.c.account == account))
    return requeue(
        connection,
        sa.and_(jobs.c.account == account, _IS_UNFINISHED, jobs.c.state == JobState.PAUSED.value),
        afresh=True,
    )


def recover(connection: Connection) -> tuple[list[Job], list[Standing], set[str]]:
    """What an earlier process left: jobs that it was running (queued again), all that are unfinished, and the paused accounts."""
    taken_back = requeue(connection, sa.and_(_IS_UNFINISHED, jobs.c.state == JobState.RUNNING.value), afresh=False)
    columns = (jobs.c.id, jobs.c.kind, jobs.c.lane, jobs.c.person_id, jobs.c.state, jobs.c.due_ms, jobs.c.failures)
    rows = connection.execute(sa.select(*columns).where(_IS_UNFINISHED).order_by(jobs.c.id))
    standing = [
        Standing(
            JobId(row.id), row.kind, row.lane, row.person_id, JobState(row.state), row.due_ms, is_retry=row.failures > 0
        )
        for row in rows
    ]
    return taken_back, standing, set(connection.scalars(sa.select(paused_accounts.c.account)))


def wake(connection: Connection, job_ids: Collection[JobId]) -> list[Job]:
    """Queue those that still wait."""
    condition = sa.and_(jobs.c.id.in_(job_ids), jobs.c.state == JobState.WAITING.value)
    return requeue(connection, condition, afresh=False)


def get(connection: Connection, condition: sa.ColumnElement[bool]) -> Job | None:
    row = connection.execute(sa.select(jobs).where(condition)).one_or_none()
    return None if row is None else job_of(row)


def count_for(connection: Connection, person_id: int) -> int:
    """Unfinished ones."""
    query = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.person_id == person_id, _IS_UNFINISHED)
    return int(connection.execute(query).scalar_one())


def list_for(connection: Connection, person_id: int, only_unfinished: bool, limit: int) -> list[Job]:
    """Newest first."""
    query = sa.select(jobs).where(jobs.c.person_id == person_id).order_by(jobs.c.id.desc()).limit(limit)
    if only_unfinished:
        query = query.where(_IS_UNFINISHED)
    return [job_of(row) for row in connection.execute(query)]
