"""The tables of `access/`: people and what they hold."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("role", sa.Text),
    sa.Column("first_name", sa.Text, nullable=False, server_default=""),
    sa.Column("language_code", sa.Text, nullable=False, server_default=""),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("folder_owner_id", sa.BigInteger),
    sa.Column("folder_drive", sa.Text),
    sa.Column("folder_id", sa.Text),
    sa.Column("folder_name", sa.Text),
    sa.CheckConstraint("role IN ('member', 'guest', 'leaving')", name="role"),
)
"""Everyone who is served. `role` is what an owner gave them; owners themselves stand in the settings (`role` is null). Who is `leaving`
is served no more, and stands here until their jobs and tokens are gone. The folder is where a guest's files go, in an owner's drive."""

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("code_hash", sa.Text, nullable=False, unique=True),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("made_by", sa.BigInteger, nullable=False),
    sa.Column("folder_drive", sa.Text),
    sa.Column("folder_id", sa.Text),
    sa.Column("folder_name", sa.Text),
    sa.Column("ends_ms", sa.BigInteger, nullable=False),
    sa.Column("used_by", sa.BigInteger),
    sa.Column("told_ms", sa.BigInteger),
    sa.CheckConstraint("role IN ('member', 'guest')", name="role"),
    sa.CheckConstraint("role <> 'guest' OR folder_id IS NOT NULL", name="folder"),
)
"""Links that let one person in, once. Of a code only its SHA-256 is kept. `key` names the press that made it; `told_ms` is when the
owner heard who came."""

day_use = sa.Table(
    "day_use",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("day", WHOLE, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("cpu_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("size_bytes >= 0 AND cpu_ms >= 0", name="amounts"),
    sa.Index("ix_day_use_person", "person_id", "day"),
)
"""What counts towards a person's limits of a day (days since 1 January of year 1, by this machine's clock). `key` names what used it, so
that a replay counts once."""

strangers = sa.Table(
    "strangers",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("answered_ms", sa.BigInteger, nullable=False),
)
"""When somebody who is not let in was last told so."""

entry_refs = sa.Table(
    "entry_refs",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("shown_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("person_id", "drive", "entry_id"),
    sa.Index(None, "shown_ms"),
)
"""What a short token in a button means, to the one person whom the button was shown to: when last, to about a month."""
