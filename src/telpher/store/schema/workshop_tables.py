"""The tables of the workshop: what people compute."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata

computations = sa.Table(
    "computations",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("job_id", WHOLE, nullable=False, unique=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("module", sa.Text, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("result", sa.JSON, nullable=False),
    sa.Column("finished_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "person_id"),
    # A number stands in buttons: it is not given out again.
    sqlite_autoincrement=True,
)
"""A person's last runs: the times of every call, without the answers that are too long to be told in a message."""

compute_setups = sa.Table(
    "compute_setups",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("module", sa.Text, nullable=False),
    sa.Column("arguments", sa.JSON, nullable=False),
    sa.Column("strategies", sa.JSON, nullable=False),
    sa.Column("calls", WHOLE, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "person_id"),
)
"""A run that is being put together by buttons: they carry the token."""
