"""Which files an account sees through an app, and what it may do to them."""

from __future__ import annotations

import sqlite3

from telpher.sandbox.google.errors import DriveError, file_not_found, insufficient_permissions
from telpher.sandbox.google.grants import Caller
from telpher.sandbox.google.ledger import FOLDER_TYPE, Ledger, now_ms

ROLES = ("reader", "commenter", "writer", "fileOrganizer", "organizer", "owner")
_RANK = {role: rank for rank, role in enumerate(ROLES)}
_INHERITED = """
WITH RECURSIVE above(id, parent_id) AS (
  SELECT id, parent_id FROM files WHERE id = ?
  UNION ALL SELECT f.id, f.parent_id FROM files f JOIN above a ON f.id = a.parent_id)
SELECT p.role FROM permissions p JOIN above a ON a.id = p.file_id
WHERE (p.email = ? OR (p.type = 'anyone' AND ?)) AND (p.expires_ms IS NULL OR p.expires_ms > ?)
"""
_BELOW = """
WITH RECURSIVE below(id) AS (
  SELECT id FROM files WHERE id = ?
  UNION ALL SELECT f.id FROM files f JOIN below b ON f.parent_id = b.id)
SELECT id FROM below
"""


def account_of(ledger: Ledger, email: str) -> sqlite3.Row:
    """An account's row; it exists for every caller."""
    row = ledger.one("SELECT * FROM accounts WHERE email = ?", email)
    if row is None:
        raise DriveError(404, "notFound", f"There is no account {email}.")
    return row


def role_of(ledger: Ledger, row: sqlite3.Row, email: str, *, with_links: bool = True) -> str | None:
    """The strongest role that the account has on this file, its own or inherited from a folder or a shared drive."""
    if row["owner"] == email:
        return "owner"
    found = ledger.all(_INHERITED, row["id"], email, int(with_links), now_ms())
    return max((one["role"] for one in found), key=_RANK.__getitem__, default=None)


def is_at_least(role: str | None, wanted: str) -> bool:
    """Whether a role includes another."""
    return role is not None and _RANK[role] >= _RANK[wanted]


def is_visible_to_app(ledger: Ledger, row: sqlite3.Row, caller: Caller) -> bool:
    """With `drive.file` only what the app made, or what was picked for it."""
    if not caller.sees_only_own_files or row["client_id"] == caller.client_id:
        return True
    picked = ledger.one("SELECT 1 FROM picked WHERE client_id = ? AND file_id = ?", caller.client_id, row["id"])
    return picked is not None


def find_file(
    ledger: Ledger, caller: Caller, file_id: str, *, all_drives: bool, at_least: str = "reader"
) -> sqlite3.Row:
    """The file, if this account sees it through this app; raises the 404 or 403 that Drive answers otherwise."""
    wanted = account_of(ledger, caller.email)["root_id"] if file_id == "root" else file_id
    row = ledger.one("SELECT * FROM files WHERE id = ?", wanted)
    if row is None or (row["drive_id"] is not None and not all_drives):
        raise file_not_found(file_id)
    role = role_of(ledger, row, caller.email)
    if role is None or not is_visible_to_app(ledger, row, caller):
        raise file_not_found(file_id)
    if not is_at_least(role, at_least):
        raise insufficient_permissions(file_id)
    return row


def find_parent(ledger: Ledger, caller: Caller, parent_id: str, *, all_drives: bool) -> sqlite3.Row:
    """A folder to put something into. Every app may put into the root, though `drive.file` does not show it."""
    root_id = account_of(ledger, caller.email)["root_id"]
    if parent_id in ("root", root_id):
        row = ledger.one("SELECT * FROM files WHERE id = ?", root_id)
        assert row is not None
        return row
    row = ledger.one("SELECT * FROM files WHERE id = ?", parent_id)
    is_drive = row is not None and row["parent_id"] is None and row["drive_id"] is not None
    if is_drive and all_drives and row is not None:
        if not is_at_least(role_of(ledger, row, caller.email), "writer"):
            raise file_not_found(parent_id)
        return row
    row = find_file(ledger, caller, parent_id, all_drives=all_drives, at_least="writer")
    if row["mime_type"] != FOLDER_TYPE:
        raise DriveError(403, "parentNotAFolder", "The specified parent is not a folder.", location="parents")
    return row


def member_drives(ledger: Ledger, email: str) -> list[str]:
    """The shared drives that the account is a member of."""
    rows = ledger.all("SELECT d.id FROM drives d JOIN permissions p ON p.file_id = d.id WHERE p.email = ?", email)
    return [row["id"] for row in rows]


def ids_below(ledger: Ledger, file_id: str) -> list[str]:
    """A file and, if it is a folder, all that it holds at any depth."""
    return [row["id"] for row in ledger.all(_BELOW, file_id)]
