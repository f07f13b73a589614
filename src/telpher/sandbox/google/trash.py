"""The trash and what lies beyond it: both take a whole tree at once."""

from __future__ import annotations

import sqlite3

from telpher.sandbox.google.access import ids_below, is_at_least, role_of
from telpher.sandbox.google.errors import insufficient_permissions
from telpher.sandbox.google.grants import Caller
from telpher.sandbox.google.ledger import Ledger, now_ms
from telpher.sandbox.google.rows import note_change, row_of


def set_trashed(ledger: Ledger, caller: Caller, row: sqlite3.Row, *, is_trashed: bool) -> None:
    """Put into the trash or take out, with everything below; raises unless the caller may."""
    wanted = "owner" if row["drive_id"] is None else "fileOrganizer"
    if row["parent_id"] is None or not is_at_least(role_of(ledger, row, caller.email), wanted):
        raise insufficient_permissions(row["id"])
    if bool(row["is_explicitly_trashed"]) == is_trashed:
        return
    ledger.run(
        "UPDATE files SET is_explicitly_trashed = ?, trashed_ms = ?, trashed_by = ?, version = version + 1 WHERE id = ?",
        *(int(is_trashed), now_ms() if is_trashed else None, caller.email if is_trashed else None, row["id"]),
    )
    spread_trash(ledger, row["id"])


def spread_trash(ledger: Ledger, file_id: str) -> None:
    """Whether something is in the trash follows from its folders: work it out again from here down."""
    ledger.run(
        """
        WITH RECURSIVE below(id, is_trashed) AS (
          SELECT f.id, max(f.is_explicitly_trashed, coalesce(p.is_trashed, 0))
            FROM files f LEFT JOIN files p ON p.id = f.parent_id WHERE f.id = ?
          UNION ALL
          SELECT f.id, max(f.is_explicitly_trashed, b.is_trashed) FROM files f JOIN below b ON f.parent_id = b.id)
        UPDATE files SET is_trashed = below.is_trashed FROM below
          WHERE files.id = below.id AND files.is_trashed <> below.is_trashed
        """,
        file_id,
    )


def delete(ledger: Ledger, caller: Caller, row: sqlite3.Row) -> None:
    """Remove for good, with everything below; raises unless the caller may."""
    wanted = "owner" if row["drive_id"] is None else "organizer"
    if row["parent_id"] is None or not is_at_least(role_of(ledger, row, caller.email), wanted):
        raise insufficient_permissions(row["id"])
    remove_trees(ledger, [row["id"]])


def empty_trash(ledger: Ledger, caller: Caller, drive_id: str | None) -> None:
    """Remove for good what the caller may remove of what is in the trash."""
    place = ("drive_id", drive_id) if drive_id is not None else ("owner", caller.email)
    app = caller.client_id if caller.sees_only_own_files else None
    rows = ledger.all(
        f"SELECT id FROM files WHERE {place[0]} = ? AND is_explicitly_trashed AND (?2 IS NULL OR client_id = ?2)",  # noqa: S608
        *(place[1], app),
    )
    remove_trees(ledger, [row["id"] for row in rows])


def remove_trees(ledger: Ledger, file_ids: list[str]) -> None:
    """Take files out of the tree with all that is below them, and their contents from the disk."""
    blobs: list[str] = []
    with ledger.transaction():
        for file_id in file_ids:
            for row in [row_of(ledger, one) for one in ids_below(ledger, file_id)]:
                note_change(ledger, row, is_removed=True)
                ledger.run("INSERT OR IGNORE INTO used_ids VALUES (?)", row["id"])
                ledger.run("DELETE FROM permissions WHERE file_id = ?", row["id"])
                ledger.run("DELETE FROM marks WHERE file_id = ?", row["id"])
                ledger.run("DELETE FROM files WHERE id = ?", row["id"])
                if row["blob"]:
                    blobs.append(row["blob"])
    drop_blobs(ledger, blobs)


def drop_blobs(ledger: Ledger, blobs: list[str]) -> None:
    """Delete contents that no file has any more."""
    for blob in blobs:
        if ledger.one("SELECT 1 FROM files WHERE blob = ?", blob) is None:
            (ledger.content_dir / blob).unlink(missing_ok=True)
