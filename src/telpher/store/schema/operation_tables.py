"""The tables of operation: what Telpher knows of how it does."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import metadata

hourly_figures = sa.Table(
    "hourly_figures",
    metadata,
    sa.Column("hour_ms", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("amount", sa.BigInteger, nullable=False),
)
"""How much of what an hour saw: updates, bytes, jobs by how they ended."""

alerts = sa.Table(
    "alerts",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)
"""What the owners were told of and what still holds, so that they are told once."""
