"""The tables of `bot/`: messages that go on living, and the inbox."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata, only

receipts = sa.Table(
    "receipts",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("view", sa.Text, nullable=False),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("reply_to", sa.BigInteger),
    sa.Column("is_settled", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("joined_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("view IN ('save', 'burst', 'send', 'compute')", name="view"),
    sa.Index(None, "created_ms"),
)
"""One message that shows how jobs go, found again after a restart. Settled: it shows how they ended.

`joined_ms` is when its last job came to it.
"""

receipt_jobs = sa.Table(
    "receipt_jobs",
    metadata,
    sa.Column("receipt_id", WHOLE, sa.ForeignKey("receipts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("job_id", WHOLE, primary_key=True),
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
    sa.CheckConstraint("kind IN ('rename', 'share', 'new_folder', 'template', 'setting')", name="kind"),
)
"""The one question that waits for a person's next message in a chat."""

command_menus = sa.Table(
    "command_menus",
    metadata,
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
)
"""Whose chat was given a command menu of its own, and what tells that menu from what it should be now."""

inbox = sa.Table(
    "inbox",
    metadata,
    sa.Column("bot_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("update_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("replays", WHOLE, nullable=False),
    sa.Column("lone_starts", WHOLE, nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("state IN ('new', 'done', 'given_up')", name="state"),
    sa.Index(
        "ix_inbox_unfinished",
        "bot_id",
        "update_id",
        **only(sa.text("state = 'new'")),
    ),
    sa.Index(None, "received_ms"),
)
"""Updates as Telegram sent them, kept until they are handled. Afterwards the body is emptied, and the row only tells repeats apart."""
