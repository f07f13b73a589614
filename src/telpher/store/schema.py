"""Every table, in one place: what the migrations build, held to it by a test.

A table belongs to one room, which alone writes it; the comment above it says which. Times are integers: milliseconds since 1970, UTC.
States are constrained here, so that no code can store one that does not exist.
"""

from __future__ import annotations

from typing import Any

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

_BY_CONDITION = "sqlite_where"


def _only(condition: sa.TextClause) -> dict[str, Any]:
    """An index over the rows that meet `condition`. Said to SQLite alone: naming PostgreSQL here would load its dialect, 3 MB of it."""
    return {_BY_CONDITION: condition}


@sa.event.listens_for(metadata, "before_create")
def _say_it_to_postgresql(_metadata: sa.MetaData, connection: sa.Connection, **_options: object) -> None:
    if connection.dialect.name == "postgresql":
        say_conditions_to_postgresql()


def say_conditions_to_postgresql() -> None:
    """Let the indexes over some of the rows be such indexes in PostgreSQL too."""
    for table in metadata.tables.values():
        for index in table.indexes:
            if (condition := index.dialect_kwargs.get(_BY_CONDITION)) is not None:
                index.dialect_kwargs["postgresql_where"] = condition


# ---- access: people and what they hold -------------------------------------------------------------------------------

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
    sa.Column("id", sa.Integer, primary_key=True),
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
    sa.Column("day", sa.Integer, nullable=False),
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
    sa.Column("listing", sa.Text, primary_key=True),
    sa.Column("page", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("cursor", sa.Text, nullable=False),
)
"""Where each page of a listing begins, so that paging goes both ways and survives a restart. `listing` says what is listed and how."""

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
    sa.CheckConstraint("kind IN ('rename', 'trash', 'move', 'share')", name="kind"),
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
    sa.Column("job_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("begun_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("state IN ('sending', 'sent')", name="state"),
)
"""Files that a job has sent into a chat, or whose last bytes it was about to send when we last heard of it."""

shares = sa.Table(
    "shares",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("base_role", sa.Text),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("ends_ms", sa.BigInteger),
    sa.Column("closed_ms", sa.BigInteger),
    sa.CheckConstraint("role IN ('view', 'comment', 'edit')", name="role"),
    sa.CheckConstraint("base_role IN ('view', 'comment', 'edit')", name="base_role"),
    sa.Index("ix_shares_target", "drive", "entry_id", "who"),
    sa.Index(
        "ix_shares_open",
        "person_id",
        "id",
        **_only(sa.text("closed_ms IS NULL")),
    ),
)
"""What was shared with whom from here, and until when. `who` is an e-mail address, or empty for anyone with the link; `base_role` is
what they might do before the first share that still stood. The newest row that is neither closed nor past its end is what holds."""

share_targets = sa.Table(
    "share_targets",
    metadata,
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("entry_id", sa.Text, nullable=False),
    sa.Column("who", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("person_id", "drive", "entry_id", "who"),
)
"""What a short token in a button means to its one person: this entry, to be shared with these others or no longer."""

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

# ---- actions: browsing, and where a person's files go ------------------------------------------------------------------

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
    sa.Column("id", sa.Integer, primary_key=True),
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
    sa.Column("id", sa.Integer, primary_key=True),
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
    sa.Column("errand_id", sa.Integer, sa.ForeignKey("errands.id", ondelete="CASCADE"), nullable=False),
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

# ---- jobs: the embedded queue ------------------------------------------------------------------------------------------

JOB_IS_UNFINISHED = "state IN ('queued', 'running', 'waiting', 'paused')"

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("key", sa.Text, nullable=False, unique=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("account", sa.Text),
    sa.Column("payload", sa.JSON, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("first_failed_ms", sa.BigInteger),
    sa.Column("due_ms", sa.BigInteger),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("finished_ms", sa.BigInteger),
    sa.Column("result", sa.JSON(none_as_null=True)),
    sa.Column("error_key", sa.Text),
    sa.Column("error_params", sa.JSON(none_as_null=True)),
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
        **_only(sa.text(JOB_IS_UNFINISHED)),
    ),
    sa.Index(
        "ix_jobs_account_unfinished",
        "account",
        **_only(sa.text(JOB_IS_UNFINISHED)),
    ),
    sqlite_autoincrement=True,
)
"""A piece of work and how it goes. `failures` counts attempts in a row that came to nothing."""

# SQLite only, as the embedded queue is: which state may follow which.
JOB_TRANSITIONS_TRIGGER = """
CREATE TRIGGER jobs_transitions BEFORE UPDATE OF state ON jobs
WHEN OLD.state <> NEW.state AND OLD.state || ' ' || NEW.state NOT IN (
  'queued running', 'queued paused', 'queued cancelled',
  'running succeeded', 'running failed', 'running cancelled', 'running waiting', 'running paused', 'running queued',
  'waiting queued', 'waiting paused', 'waiting cancelled',
  'paused queued', 'paused cancelled',
  'failed queued', 'cancelled queued'
)
BEGIN SELECT RAISE(ABORT, 'a job cannot go from its state to this one'); END
"""


@sa.event.listens_for(jobs, "after_create")
def _make_job_transitions(_table: sa.Table, connection: sa.Connection, **_options: object) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(JOB_TRANSITIONS_TRIGGER)


paused_accounts = sa.Table(
    "paused_accounts",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("error_key", sa.Text),
    sa.Column("error_params", sa.JSON(none_as_null=True)),
    sa.Column("since_ms", sa.BigInteger, nullable=False),
)
"""Accounts whose jobs wait until the person has acted, and why."""

# ---- transfers: what a restart goes on from ----------------------------------------------------------------------------

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
    sa.Column("restarts", sa.Integer, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("finished_ms", sa.BigInteger),
    sa.CheckConstraint("state IN ('active', 'verified')", name="state"),
    sa.CheckConstraint("(state = 'verified') = (finished_ms IS NOT NULL)", name="finished"),
    sa.CheckConstraint("state <> 'verified' OR (entry_id IS NOT NULL AND session_token IS NULL)", name="verified"),
    sa.CheckConstraint("size_bytes >= 0", name="size"),
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

# ---- accounts: who may speak to which drive ----------------------------------------------------------------------------

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("drive", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Column("changed_ms", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("person_id", "drive", "subject"),
    # An account's id names its drive for as long as anything remembers it: it is not given out again.
    sqlite_autoincrement=True,
)
"""A drive's account that was connected. `person_id` 0 is the bot's own, used for everybody; `secret` is encrypted."""

logins = sa.Table(
    "logins",
    metadata,
    sa.Column("state_hash", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("chat_id", sa.BigInteger, nullable=False),
    sa.Column("message_id", sa.BigInteger, nullable=False),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("renews", sa.Text, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)
"""A log-in in the browser that is under way, at most one a person. `secret` (the PKCE verifier and where the page leads) is encrypted."""

shared_drives = sa.Table(
    "shared_drives",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("drive_id", sa.Text, primary_key=True),
    sa.Column("person_id", sa.BigInteger, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("is_for_team", sa.Boolean, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
)
"""A shared drive that somebody uses by way of their account, and perhaps offers to all who are let in."""

drive_choices = sa.Table(
    "drive_choices",
    metadata,
    sa.Column("person_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("drive", sa.Text, nullable=False),
)
"""Where a person's new files go, if they chose."""

login_alarms = sa.Table(
    "login_alarms",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("told_ms", sa.BigInteger, nullable=False),
)
"""Accounts that need a new log-in, whose person was told so: once, until they have done it."""

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
    sa.Column("joined_ms", sa.BigInteger, nullable=False),
    sa.CheckConstraint("view IN ('save', 'burst', 'send', 'compute')", name="view"),
)
"""One message that shows how jobs go, found again after a restart. Settled: it shows how they ended.

`joined_ms` is when its last job came to it.
"""

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
    sa.CheckConstraint("kind IN ('rename', 'share', 'new_folder', 'template')", name="kind"),
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
        **_only(sa.text("state = 'new'")),
    ),
    sa.Index(None, "received_ms"),
)
"""Updates as Telegram sent them, kept until they are handled. Afterwards the body is emptied, and the row only tells repeats apart."""

# ---- workshop: what people compute -----------------------------------------------------------------------------------

computations = sa.Table(
    "computations",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("job_id", sa.Integer, nullable=False, unique=True),
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
    sa.Column("calls", sa.Integer, nullable=False),
    sa.Column("created_ms", sa.BigInteger, nullable=False),
    sa.Index(None, "person_id"),
)
"""A run that is being put together by buttons: they carry the token."""

# ---- operation: what Telpher knows of how it does ----------------------------------------------------------------------

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
