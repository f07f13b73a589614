"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Which state of a job may follow which.
_JOB_TRANSITIONS = {
    "sqlite": (
        """
CREATE TRIGGER jobs_transitions BEFORE UPDATE OF state ON jobs
WHEN OLD.state <> NEW.state AND OLD.state || ' ' || NEW.state NOT IN (
  'queued running', 'queued paused', 'queued cancelled',
  'running succeeded', 'running failed', 'running cancelled', 'running waiting', 'running paused', 'running queued',
  'waiting queued', 'waiting paused', 'waiting cancelled',
  'paused queued', 'paused cancelled',
  'failed queued', 'cancelled queued'
)
BEGIN SELECT RAISE(ABORT, 'a job cannot go from its state to this one'); END
""",
    ),
    "postgresql": (
        """
CREATE FUNCTION jobs_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a job cannot go from its state to this one' USING ERRCODE = 'check_violation'; END
$$
""",
        """
CREATE TRIGGER jobs_transitions BEFORE UPDATE OF state ON jobs FOR EACH ROW
WHEN (OLD.state <> NEW.state AND OLD.state || ' ' || NEW.state NOT IN (
  'queued running', 'queued paused', 'queued cancelled',
  'running succeeded', 'running failed', 'running cancelled', 'running waiting', 'running paused', 'running queued',
  'waiting queued', 'waiting paused', 'waiting cancelled',
  'paused queued', 'paused cancelled',
  'failed queued', 'cancelled queued'
))
EXECUTE FUNCTION jobs_refuse()
""",
    ),
}


def upgrade() -> None:  # noqa: PLR0915 - a statement for each table
    """Build every table of the first release."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("person_id", "drive", "subject", name=op.f("uq_accounts_person_id_drive_subject")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alerts",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_alerts")),
    )
    op.create_table(
        "command_menus",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_command_menus")),
    )
    op.create_table(
        "computations",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("job_id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_computations")),
        sa.UniqueConstraint("job_id", name=op.f("uq_computations_job_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_computations_person_id"), "computations", ["person_id"], unique=False)
    op.create_table(
        "compute_setups",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("module", sa.Text(), nullable=False),
        sa.Column("arguments", sa.JSON(), nullable=False),
        sa.Column("strategies", sa.JSON(), nullable=False),
        sa.Column("calls", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_compute_setups")),
        sa.UniqueConstraint("key", name=op.f("uq_compute_setups_key")),
    )
    op.create_index(op.f("ix_compute_setups_person_id"), "compute_setups", ["person_id"], unique=False)
    op.create_table(
        "content_index",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("checksum_kind", sa.Text(), nullable=False),
        sa.Column("hexdigest", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "drive", "entry_id", name=op.f("pk_content_index")),
    )
    op.create_index("ix_content_index_content", "content_index", ["person_id", "drive", "hexdigest"], unique=False)
    op.create_table(
        "day_use",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("cpu_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("size_bytes >= 0 AND cpu_ms >= 0", name=op.f("ck_day_use_amounts")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_day_use")),
    )
    op.create_index("ix_day_use_person", "day_use", ["person_id", "day"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column(
            "job_id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), autoincrement=False, nullable=False
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("begun_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('sending', 'sent')", name=op.f("ck_deliveries_state")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_deliveries")),
    )
    op.create_table(
        "drive_choices",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_drive_choices")),
    )
    op.create_table(
        "entry_refs",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("shown_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_entry_refs")),
        sa.UniqueConstraint("person_id", "drive", "entry_id", name=op.f("uq_entry_refs_person_id_drive_entry_id")),
    )
    op.create_index(op.f("ix_entry_refs_shown_ms"), "entry_refs", ["shown_ms"], unique=False)
    op.create_table(
        "errands",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("back", sa.Text(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("kind <> 'move' OR entry_id IS NOT NULL", name=op.f("ck_errands_entry")),
        sa.CheckConstraint("kind IN ('move', 'where', 'hold')", name=op.f("ck_errands_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errands")),
        sa.UniqueConstraint("key", name=op.f("uq_errands_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_errands_person_id"), "errands", ["person_id"], unique=False)
    op.create_table(
        "hourly_figures",
        sa.Column("hour_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour_ms", "name", name=op.f("pk_hourly_figures")),
    )
    op.create_table(
        "inbox",
        sa.Column("bot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("update_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("replays", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("lone_starts", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('new', 'done', 'given_up')", name=op.f("ck_inbox_state")),
        sa.PrimaryKeyConstraint("bot_id", "update_id", name=op.f("pk_inbox")),
    )
    op.create_index(op.f("ix_inbox_received_ms"), "inbox", ["received_ms"], unique=False)
    op.create_index(
        "ix_inbox_unfinished",
        "inbox",
        ["bot_id", "update_id"],
        unique=False,
        sqlite_where=sa.text("state = 'new'"),
        postgresql_where=sa.text("state = 'new'"),
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=False),
        sa.Column("folder_drive", sa.Text(), nullable=True),
        sa.Column("folder_id", sa.Text(), nullable=True),
        sa.Column("folder_name", sa.Text(), nullable=True),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.BigInteger(), nullable=True),
        sa.Column("told_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role <> 'guest' OR folder_id IS NOT NULL", name=op.f("ck_invitations_folder")),
        sa.CheckConstraint("role IN ('member', 'guest')", name=op.f("ck_invitations_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_invitations_code_hash")),
        sa.UniqueConstraint("key", name=op.f("uq_invitations_key")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column(
            "attempt", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), server_default="0", nullable=False
        ),
        sa.Column(
            "failures", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), server_default="0", nullable=False
        ),
        sa.Column("first_failed_ms", sa.BigInteger(), nullable=True),
        sa.Column("due_ms", sa.BigInteger(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error_key", sa.Text(), nullable=True),
        sa.Column("error_params", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("is_undo_due", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("(state = 'waiting') = (due_ms IS NOT NULL)", name=op.f("ck_jobs_due")),
        sa.CheckConstraint(
            "(state IN ('succeeded', 'failed', 'cancelled')) = (finished_ms IS NOT NULL)", name=op.f("ck_jobs_finished")
        ),
        sa.CheckConstraint("result IS NULL OR state = 'succeeded'", name=op.f("ck_jobs_result")),
        sa.CheckConstraint("state <> 'running' OR attempt > 0", name=op.f("ck_jobs_attempt")),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'waiting', 'paused', 'succeeded', 'failed', 'cancelled')",
            name=op.f("ck_jobs_state"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("key", name=op.f("uq_jobs_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_jobs_account_unfinished",
        "jobs",
        ["account"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'running', 'waiting', 'paused')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting', 'paused')"),
    )
    op.create_index("ix_jobs_finished", "jobs", ["finished_ms"], unique=False)
    op.create_index("ix_jobs_person", "jobs", ["person_id", "id"], unique=False)
    op.create_index(
        "ix_jobs_person_unfinished",
        "jobs",
        ["person_id", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'running', 'waiting', 'paused')"),
        postgresql_where=sa.text("state IN ('queued', 'running', 'waiting', 'paused')"),
    )
    op.create_index(
        "ix_jobs_undo_due",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("is_undo_due"),
        postgresql_where=sa.text("is_undo_due"),
    )
    op.create_table(
        "login_alarms",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("told_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_login_alarms")),
    )
    op.create_table(
        "logins",
        sa.Column("state_hash", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("renews", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_logins")),
    )
    op.create_table(
        "made_folders",
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("folder_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("drive", "parent_id", "name", name=op.f("pk_made_folders")),
    )
    op.create_table(
        "page_cursors",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column(
            "page", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), autoincrement=False, nullable=False
        ),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("noted_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", "drive", "listing", "page", name=op.f("pk_page_cursors")),
    )
    op.create_index(op.f("ix_page_cursors_noted_ms"), "page_cursors", ["noted_ms"], unique=False)
    op.create_table(
        "paused_accounts",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("error_key", sa.Text(), nullable=True),
        sa.Column("error_params", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_paused_accounts")),
    )
    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), server_default="", nullable=False),
        sa.Column("language_code", sa.Text(), server_default="", nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("folder_owner_id", sa.BigInteger(), nullable=True),
        sa.Column("folder_drive", sa.Text(), nullable=True),
        sa.Column("folder_id", sa.Text(), nullable=True),
        sa.Column("folder_name", sa.Text(), nullable=True),
        sa.CheckConstraint("role IN ('member', 'guest', 'leaving')", name=op.f("ck_people_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
    )
    op.create_table(
        "person_settings",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sorted_by", sa.Text(), server_default="name", nullable=False),
        sa.Column("files_go", sa.Text(), server_default="home", nullable=False),
        sa.Column("drive", sa.Text(), nullable=True),
        sa.Column("folder_id", sa.Text(), nullable=True),
        sa.Column("template", sa.Text(), server_default="", nullable=False),
        sa.Column("draft", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "files_go <> 'folder' OR (drive IS NOT NULL AND folder_id IS NOT NULL)",
            name=op.f("ck_person_settings_folder"),
        ),
        sa.CheckConstraint("files_go <> 'template' OR template <> ''", name=op.f("ck_person_settings_template")),
        sa.CheckConstraint(
            "files_go IN ('home', 'ask', 'folder', 'template')", name=op.f("ck_person_settings_files_go")
        ),
        sa.CheckConstraint("sorted_by IN ('name', 'newest', 'largest')", name=op.f("ck_person_settings_sorted_by")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_person_settings")),
    )
    op.create_table(
        "prompts",
        sa.Column("chat_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("card_message_id", sa.BigInteger(), nullable=False),
        sa.Column("back", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('rename', 'share', 'new_folder', 'template', 'setting')", name=op.f("ck_prompts_kind")
        ),
        sa.PrimaryKeyConstraint("chat_id", "person_id", name=op.f("pk_prompts")),
    )
    op.create_table(
        "receipts",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("chat_id", sa.BigInteger(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("reply_to", sa.BigInteger(), nullable=True),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("joined_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("view IN ('save', 'burst', 'send', 'compute')", name=op.f("ck_receipts_view")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipts")),
        sa.UniqueConstraint("key", name=op.f("uq_receipts_key")),
    )
    op.create_index(op.f("ix_receipts_created_ms"), "receipts", ["created_ms"], unique=False)
    op.create_table(
        "searches",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_searches")),
        sa.UniqueConstraint("person_id", "words", name=op.f("uq_searches_person_id_words")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "selections",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("folder_id", sa.Text(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_selections")),
    )
    op.create_table(
        "sent_files",
        sa.Column("bot_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("as_kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("file_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("bot_id", "drive", "entry_id", "as_kind", name=op.f("pk_sent_files")),
    )
    op.create_table(
        "share_targets",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("shown_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_share_targets")),
        sa.UniqueConstraint(
            "person_id", "drive", "entry_id", "who", name=op.f("uq_share_targets_person_id_drive_entry_id_who")
        ),
    )
    op.create_table(
        "shared_drives",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("drive_id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("is_for_team", sa.Boolean(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account", "drive_id", name=op.f("pk_shared_drives")),
    )
    op.create_table(
        "shares",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("base_role", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("told_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("base_role IN ('view', 'comment', 'edit')", name=op.f("ck_shares_base_role")),
        sa.CheckConstraint("role IN ('view', 'comment', 'edit')", name=op.f("ck_shares_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
        sa.UniqueConstraint("key", name=op.f("uq_shares_key")),
    )
    op.create_index(
        "ix_shares_open",
        "shares",
        ["person_id", "id"],
        unique=False,
        sqlite_where=sa.text("closed_ms IS NULL"),
        postgresql_where=sa.text("closed_ms IS NULL"),
    )
    op.create_index("ix_shares_target", "shares", ["drive", "entry_id", "who"], unique=False)
    op.create_table(
        "strangers",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("answered_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strangers")),
    )
    op.create_table(
        "tenures",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_tenures_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenures")),
    )
    op.create_table(
        "transfers",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("mime_type", sa.Text(), nullable=False),
        sa.Column("modified_ms", sa.BigInteger(), nullable=True),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("entry_id", sa.Text(), nullable=True),
        sa.Column("session_token", sa.Text(), nullable=True),
        sa.Column("is_local", sa.Boolean(), nullable=False),
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("restarts", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(state = 'verified') = (finished_ms IS NOT NULL)", name=op.f("ck_transfers_finished")),
        sa.CheckConstraint(
            "state <> 'verified' OR (entry_id IS NOT NULL AND session_token IS NULL)",
            name=op.f("ck_transfers_verified"),
        ),
        sa.CheckConstraint("state IN ('active', 'verified')", name=op.f("ck_transfers_state")),
        sa.CheckConstraint("size_bytes >= 0", name=op.f("ck_transfers_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transfers")),
    )
    op.create_index(op.f("ix_transfers_finished_ms"), "transfers", ["finished_ms"], unique=False)
    op.create_table(
        "undo_records",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("undone_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('rename', 'trash', 'move', 'share')", name=op.f("ck_undo_records_kind")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_undo_records")),
        sa.UniqueConstraint("key", name=op.f("uq_undo_records_key")),
    )
    op.create_index(op.f("ix_undo_records_created_ms"), "undo_records", ["created_ms"], unique=False)
    op.create_table(
        "upload_targets",
        sa.Column("person_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("drive", sa.Text(), nullable=False),
        sa.Column("folder_id", sa.Text(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_upload_targets")),
    )
    op.create_table(
        "held_files",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("errand_id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("incoming", sa.JSON(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["errand_id"], ["errands.id"], name=op.f("fk_held_files_errand_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_held_files")),
    )
    op.create_index(op.f("ix_held_files_errand_id"), "held_files", ["errand_id"], unique=False)
    op.create_table(
        "receipt_jobs",
        sa.Column("receipt_id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("job_id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.ForeignKeyConstraint(
            ["receipt_id"], ["receipts.id"], name=op.f("fk_receipt_jobs_receipt_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("receipt_id", "job_id", name=op.f("pk_receipt_jobs")),
    )
    op.create_index(op.f("ix_receipt_jobs_job_id"), "receipt_jobs", ["job_id"], unique=False)
    op.create_table(
        "selected_entries",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("entry_id", sa.Text(), nullable=False),
        sa.Column("ticked_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["token"], ["selections.token"], name=op.f("fk_selected_entries_token"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", "entry_id", name=op.f("pk_selected_entries")),
    )
    for statement in _JOB_TRANSITIONS[op.get_bind().dialect.name]:
        op.execute(statement)
