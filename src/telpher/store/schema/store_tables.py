"""The table of `store/` itself: who has the database."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata

tenures = sa.Table(
    "tenures",
    metadata,
    sa.Column("id", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("id = 1", name="only_one"),
)
"""Which Telpher took the PostgreSQL database for itself last. They are numbered: who lost it sees whether another came between."""
