"""The tables of `actions/` for browsing, and for where a person's files go."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata

person_settings = sa.Table(
    "person_settings",
    metadata,
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sorted_by", sa.Text, nullable=False, server_default="name"),
    sa.Column("files_go", sa.Text, nullable=False, server_default="home"),
    sa.Column("drive", sa.Text),
    sa.Column("folder_id", sa.Text),
    sa.Column("template", sa.Text, nullable=False, server_default=""),
    sa.Column("draft", sa.Text, nullable=False, server_default=""),
    sa.CheckConstraint("sorted_by IN ('name', 'newest', 'largest')", name="sorted_by"),
    sa.CheckConstraint("files_go IN ('home', 'ask', 'folder', 'template')", name="files_go"),
    sa.CheckConstraint("files_go <> 'folder' OR (drive IS NOT NULL AND folder_id IS NOT NULL)", name="folder"),
    sa.CheckConstraint("files_go <> 'template' OR template <> ''", name="template"),
)
"""How a person has it: the order of folders, and where new files go. `draft` is a template that is shown but not taken yet."""

searches = sa.Table(
    "searches",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("words", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("person_id", "words"),
    sqlite_autoincrement=True,
)
"""What a person looked for: too long for a button, which names it by its number."""

errands = sa.Table(
    "errands",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text),
    sa.Column("back", sa.Text, nullable=False),
    sa.Column("chat_id", sa.BigInteger),
    sa.Column("message_id", sa.BigInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("kind IN ('move', 'where', 'hold')", name="kind"),
    sa.CheckConstraint("kind <> 'move' OR entry_id IS NOT NULL", name="entry"),
    sa.Index(None, "person_id"),
    sqlite_autoincrement=True,
)
"""What a person is choosing a folder for. `back` is the way back to where the choosing began, as button data."""

held_files = sa.Table(
    "held_files",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("errand_id", WHOLE, sa.ForeignKey("errands.id", ondelete="CASCADE"), nullable=False),
    sa.Column("incoming", sa.JSON, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "errand_id"),
)
"""Files that wait to be told where to go. Telegram holds their bytes; `key` names the message, so that a replay holds nothing twice."""

upload_targets = sa.Table(
    "upload_targets",
    metadata,
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("folder_id", sa.Text, nullable=False),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
)
"""The folder that takes a person's next files, until then."""

made_folders = sa.Table(
    "made_folders",
    metadata,
    sa.Column("drive", sa.Text, primary_key=True),
    sa.Column("parent_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("folder_id", sa.Text, nullable=False),
)
"""Which folder of this name files go to. A hint: the drive is asked whether it is still there."""
