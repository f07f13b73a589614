"""The tables of `accounts/`: who may speak to which drive."""

from __future__ import annotations

import sqlalchemy as sa

from telpher.store.schema.ground import WHOLE, metadata

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", WHOLE, primary_key=True),
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
