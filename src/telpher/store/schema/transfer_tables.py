"""The tables of `transfers/`: what a restart goes on from, and what is known of contents."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata

transfers = sa.Table(
    "transfers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("parent_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("mime_type", sa.Text, nullable=False),
    sa.Column("modified_ms", sa.BigInteger),
    sa.Column("size_bytes", sa.BigInteger),
    sa.Column("entry_id", sa.Text),
    sa.Column("session_token", sa.Text),
    sa.Column("is_local", sa.Boolean, nullable=False),
    sa.Column("boot_id", sa.Text, nullable=False),
    sa.Column("restarts", WHOLE, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("finished_ms", sa.BigInteger),
    sa.CheckConstraint("state IN ('active', 'verified')", name="state"),
    sa.CheckConstraint("(state = 'verified') = (finished_ms IS NOT NULL)", name="finished"),
    sa.CheckConstraint("state <> 'verified' OR (entry_id IS NOT NULL AND session_token IS NULL)", name="verified"),
    sa.CheckConstraint("size_bytes >= 0", name="size"),
    sa.Index(None, "finished_ms"),
)
"""One file on its way. `entry_id` is the id it has or will have in the drive; `boot_id` names the system start whose page cache
the spool file was written through: after another one the file's tail may never have reached the disk."""

content_index = sa.Table(
    "content_index",
    metadata,
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("drive", sa.Text, primary_key=True),
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("checksum_kind", sa.Text, nullable=False),
    sa.Column("hexdigest", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index("ix_content_index_content", "person_id", "drive", "hexdigest"),
)
"""Which entries we know to hold which content. A hint: the drive is asked before anybody is told."""
