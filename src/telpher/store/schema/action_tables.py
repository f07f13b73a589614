"""The tables of `actions/`: what they remember of sharing, sending, undoing and choosing."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata, only

page_cursors = sa.Table(
    "page_cursors",
    metadata,
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("drive", sa.Text, primary_key=True),
    sa.Column("listing", sa.Text, primary_key=True),
    sa.Column("page", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("cursor", sa.Text, nullable=False),
    sa.Column("noted_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "noted_ms"),
)
"""Where each page of a listing begins, so that paging goes both ways and survives a restart. `listing` says what is listed and how."""

undo_records = sa.Table(
    "undo_records",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("before", sa.JSON, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("undone_ms", sa.BigInteger),
    sa.CheckConstraint("kind IN ('rename', 'trash', 'move', 'share')", name="kind"),
    sa.Index(None, "created_ms"),
)
"""How to take back what a person did. `key` names the update that did it, so that a replayed one makes no second record."""

sent_files = sa.Table(
    "sent_files",
    metadata,
    sa.Column("bot_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("drive", sa.Text, primary_key=True),
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("as_kind", sa.Text, primary_key=True),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("file_id", sa.Text, nullable=False),
)
"""Telegram's id of a file that was sent before: sent again, it costs no traffic. `version` is its checksum and name."""

deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("job_id", WHOLE, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("begun_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("state IN ('sending', 'sent')", name="state"),
)
"""Files that a job has sent into a chat, or whose last bytes it was about to send when we last heard of it."""

shares = sa.Table(
    "shares",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("link", sa.Text),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("base_role", sa.Text),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("ends_ms", sa.BigInteger),
    sa.Column("closed_ms", sa.BigInteger),
    sa.Column("told_ms", sa.BigInteger),
    sa.CheckConstraint("role IN ('view', 'comment', 'edit')", name="role"),
    sa.CheckConstraint("base_role IN ('view', 'comment', 'edit')", name="base_role"),
    sa.Index("ix_shares_target", "drive", "entry_id", "who"),
    sa.Index(
        "ix_shares_open",
        "person_id",
        "id",
        **only(sa.text("closed_ms IS NULL")),
    ),
)
"""What was shared with whom from here, and until when. `who` is an e-mail address, or empty for anyone with the link; `base_role` is
what they might do before the first share that still stood. The newest row that is neither closed nor past its end is what holds.
`link` opens the entry in the drive; `told_ms` is when the person heard that the end could not be carried out."""

share_targets = sa.Table(
    "share_targets",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("shown_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("person_id", "drive", "entry_id", "who"),
)
"""What a short token in a button means to its one person: this entry, to be shared with these others or no longer. When it was shown
last, is known to about a month."""

selections = sa.Table(
    "selections",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("folder_id", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)
"""A folder in which a person ticks entries; the token stands in the buttons."""

selected_entries = sa.Table(
    "selected_entries",
    metadata,
    sa.Column("token", sa.Text, sa.ForeignKey("selections.token", ondelete="CASCADE"), primary_key=True),
    sa.Column("entry_id", sa.Text, primary_key=True),
    sa.Column("ticked_ms", sa.BigInteger, nullable=False),
)
