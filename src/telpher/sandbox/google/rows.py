"""Two small things that every change to the tree needs: a row that is known to exist, and a line in the list of changes."""

from __future__ import annotations

import sqlite3

from telpher.sandbox.google.ledger import Ledger, now_ms


def row_of(ledger: Ledger, file_id: str) -> sqlite3.Row:
    """A row that is known to exist."""
    row = ledger.one("SELECT * FROM files WHERE id = ?", file_id)
    assert row is not None
    return row


def note_change(ledger: Ledger, row: sqlite3.Row, *, is_removed: bool = False) -> None:
    """Tell changes.list."""
    ledger.run(
        "INSERT INTO changes (file_id, email, drive_id, client_id, is_removed, time_ms) VALUES (?, ?, ?, ?, ?, ?)",
        *(row["id"], row["owner"], row["drive_id"], row["client_id"], int(is_removed), now_ms()),
    )
