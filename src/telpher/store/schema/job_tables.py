"""The tables of `jobs/`: the embedded queue, and which state may follow which."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata, only

JOB_IS_UNFINISHED = "state IN ('queued', 'running', 'waiting', 'paused')"
JOB_UNDO_IS_DUE = "is_undo_due"

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", WHOLE, nullable=False, server_default="0"),
    sa.Column("failures", WHOLE, nullable=False, server_default="0"),
    sa.Column("first_failed_ms", sa.BigInteger),
    sa.Column("due_ms", sa.BigInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("finished_ms", sa.BigInteger),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("error_key", sa.Text),
    sa.Column("error_params", sa.JSON(none_as_null=True)),
    sa.Column("is_undo_due", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.CheckConstraint(
        "state IN ('queued', 'running', 'waiting', 'paused', 'succeeded', 'failed', 'cancelled')", name="state"
    ),
    sa.CheckConstraint("(state IN ('succeeded', 'failed', 'cancelled')) = (finished_ms IS NOT NULL)", name="finished"),
    sa.CheckConstraint("(state = 'waiting') = (due_ms IS NOT NULL)", name="due"),
    sa.CheckConstraint("state <> 'running' OR attempt > 0", name="attempt"),
    sa.CheckConstraint("result IS NULL OR state = 'succeeded'", name="result"),
    sa.Index("ix_jobs_person", "person_id", "id"),
    sa.Index(
        "ix_jobs_person_unfinished",
        "person_id",
        "id",
        **only(sa.text(JOB_IS_UNFINISHED)),
    ),
    sa.Index("ix_jobs_finished", "finished_ms"),
    sa.Index(
        "ix_jobs_account_unfinished",
        "account",
        **only(sa.text(JOB_IS_UNFINISHED)),
    ),
    sa.Index("ix_jobs_undo_due", "id", **only(sa.text(JOB_UNDO_IS_DUE))),
    sqlite_autoincrement=True,
)
"""A piece of work and how it goes. `failures` counts attempts in a row that came to nothing; where `is_undo_due`, an attempt was
cancelled, and what it left behind has not been freed yet."""

_MAY_NOT_BE = """OLD.state <> NEW.state AND OLD.state || ' ' || NEW.state NOT IN (
  'queued running', 'queued paused', 'queued cancelled',
  'running succeeded', 'running failed', 'running cancelled', 'running waiting', 'running paused', 'running queued',
  'waiting queued', 'waiting paused', 'waiting cancelled',
  'paused queued', 'paused cancelled',
  'failed queued', 'cancelled queued'
)"""

_BY_DIALECT = {
    "sqlite": (
        f"""
CREATE TRIGGER jobs_transitions BEFORE UPDATE OF state ON jobs
WHEN {_MAY_NOT_BE}
BEGIN SELECT RAISE(ABORT, 'a job cannot go from its state to this one'); END
""",  # noqa: S608 - our own words
    ),
    "postgresql": (
        """
CREATE FUNCTION jobs_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a job cannot go from its state to this one' USING ERRCODE = 'check_violation'; END
$$
""",
        f"""
CREATE TRIGGER jobs_transitions BEFORE UPDATE OF state ON jobs FOR EACH ROW
WHEN ({_MAY_NOT_BE})
EXECUTE FUNCTION jobs_refuse()
""",
    ),
}


def job_transitions(dialect_name: str) -> tuple[str, ...]:
    """The statements that let a job go only from a state to one that may follow it. Who breaks that has an IntegrityError."""
    return _BY_DIALECT[dialect_name]


@sa.event.listens_for(jobs, "after_create")
def _make_job_transitions(_table: sa.Table, connection: sa.Connection, **_options: object) -> None:
    for statement in job_transitions(connection.dialect.name):
        connection.exec_driver_sql(statement)


paused_accounts = sa.Table(
    "paused_accounts",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("error_key", sa.Text),
    sa.Column("error_params", sa.JSON(none_as_null=True)),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)
"""Accounts whose jobs wait until the person has acted, and why."""
