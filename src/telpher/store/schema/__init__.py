"""Every table: what the migrations build, held to it by a test. A file for each room, which alone writes its tables.

Times are integers: milliseconds since 1970, UTC. States are constrained here, so that no code can store one that does not exist.
"""

from __future__ import annotations

from telpher.store.schema.access_tables import day_use, entry_refs, invitations, people, strangers
from telpher.store.schema.account_tables import accounts, drive_choices, login_alarms, logins, shared_drives
from telpher.store.schema.action_tables import (
    deliveries,
    page_cursors,
    selected_entries,
    selections,
    sent_files,
    share_targets,
    shares,
    undo_records,
)
from telpher.store.schema.bot_tables import command_menus, inbox, prompts, receipt_jobs, receipts
from telpher.store.schema.browsing_tables import (
    errands,
    held_files,
    made_folders,
    person_settings,
    searches,
    upload_targets,
)
from telpher.store.schema.ground import metadata, say_conditions_to_postgresql
from telpher.store.schema.job_tables import JOB_IS_UNFINISHED, JOB_UNDO_IS_DUE, job_transitions, jobs, paused_accounts
from telpher.store.schema.operation_tables import alerts, hourly_figures
from telpher.store.schema.store_tables import tenures
from telpher.store.schema.transfer_tables import content_index, transfers
from telpher.store.schema.workshop_tables import computations, compute_setups

__all__ = [
    "JOB_IS_UNFINISHED",
    "JOB_UNDO_IS_DUE",
    "accounts",
    "alerts",
    "command_menus",
    "computations",
    "compute_setups",
    "content_index",
    "day_use",
    "deliveries",
    "drive_choices",
    "entry_refs",
    "errands",
    "held_files",
    "hourly_figures",
    "inbox",
    "invitations",
    "job_transitions",
    "jobs",
    "login_alarms",
    "logins",
    "made_folders",
    "metadata",
    "page_cursors",
    "paused_accounts",
    "people",
    "person_settings",
    "prompts",
    "receipt_jobs",
    "receipts",
    "say_conditions_to_postgresql",
    "searches",
    "selected_entries",
    "selections",
    "sent_files",
    "share_targets",
    "shared_drives",
    "shares",
    "strangers",
    "tenures",
    "transfers",
    "undo_records",
    "upload_targets",
]
