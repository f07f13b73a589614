"""Every table, in one place: what the migrations build, held to it by a test.

A table belongs to one room, which alone writes it; the comment above it says which. Times are integers: milliseconds since 1970, UTC.
States are constrained here, so that no code can store one that does not exist.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# ---- access: people and what they hold -------------------------------------------------------------------------------

people = sa.Table(
    "people",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("role", sa.Text),
    sa.Column("first_name", sa.Text, nullable=False, server_default=""),
    sa.Column("language_code", sa.Text, nullable=False, server_default=""),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("role IN ('member', 'guest')", name="role"),
)
"""Everyone who is served. `role` is what an owner gave them; owners themselves stand in the settings (`role` is null)."""

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
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("person_id", "drive", "entry_id"),
)
"""What a short token in a button means, to the one person whom the button was shown to."""

# ---- actions: what they remember -------------------------------------------------------------------------------------

page_cursors = sa.Table(
    "page_cursors",
    metadata,
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("drive", sa.Text, primary_key=True),
    sa.Column("folder_id", sa.Text, primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cursor", sa.Text, nullable=False),
)
"""Where each page of a listing begins, so that paging goes both ways and survives a restart."""

undo_records = sa.Table(
    "undo_records",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("undone_ms", sa.BigInteger),
    sa.CheckConstraint("kind IN ('rename', 'trash')", name="kind"),
)
"""How to take back what a person did. `key` names the update that did it, so that a replayed one makes no second record."""

sent_files = sa.Table(
    "sent_files",
    metadata,
    sa.Column("bot_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("drive", sa.Text, primary_key=True),
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("file_id", sa.Text, nullable=False),
)
"""Telegram's id of a file that was sent before: sent again, it costs no traffic. `version` is its checksum and name."""

# ---- bot: messages that go on living ---------------------------------------------------------------------------------

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("view", sa.Text, nullable=False),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("reply_to", sa.BigInteger),
    sa.Column("is_settled", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("view IN ('save', 'send', 'compute')", name="view"),
)
"""One message that shows how jobs go, found again after a restart. Settled: it shows how they ended."""

receipt_jobs = sa.Table(
    "receipt_jobs",
    metadata,
    sa.Column("receipt_id", sa.Integer, sa.ForeignKey("receipts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("job_id", sa.Integer, primary_key=True),
    sa.Index(None, "job_id"),
)

prompts = sa.Table(
    "prompts",
    metadata,
    sa.Column("chat_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("message_id", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    sa.Column("card_message_id", sa.BigInteger, nullable=False),
    sa.Column("back", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("kind IN ('rename')", name="kind"),
)
"""The one question that waits for a person's next message in a chat."""

# ---- bot: the inbox --------------------------------------------------------------------------------------------------

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("bot_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("replays", sa.Integer, nullable=False),
    sa.Column("lone_starts", sa.Integer, nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("state IN ('new', 'done', 'given_up')", name="state"),
    sa.Index(
        "ix_inbox_unfinished",
        "bot_id",
        "update_id",
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    ),
    sa.Index(None, "received_ms"),
)
"""Updates as Telegram sent them, kept until they are handled. Afterwards the body is emptied, and the row only tells repeats apart."""
