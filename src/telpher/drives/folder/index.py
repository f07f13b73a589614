"""Which id stands for which path: a small SQLite file beside the tree, which mends itself when people move things by hand.

The path decides: what lies where an entry lay is that entry (editors save by replacing). Where nothing lies there any more, the inode
with an unchanged time and size tells where it went. Losing the index costs the ids, never a file.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
  id TEXT PRIMARY KEY,
  path BLOB UNIQUE,
  is_folder INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  mime_type TEXT,
  sha256 TEXT,
  origin_id TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS entries_by_inode ON entries (inode);
CREATE TABLE IF NOT EXISTS stars (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""
# path: null when it is known to be elsewhere. origin_id: the folder that a trashed entry was in.


@dataclasses.dataclass(frozen=True)
class Row:
    """What is remembered of an entry."""

    id: str
    path: bytes | None
    is_folder: bool
    inode: int
    size_bytes: int
    mtime_ns: int
    mime_type: str | None
    sha256: str | None
    origin_id: str | None

    def is_same_file(self, found: os.stat_result) -> bool:
        """Is `found` this very file or folder, unchanged since?"""
        return (
            self.is_folder == stat.S_ISDIR(found.st_mode)
            and self.mtime_ns == found.st_mtime_ns
            and self.inode == found.st_ino
            and (self.is_folder or self.size_bytes == found.st_size)
        )


class Index:
    """The open index. Threads take turns; use `transaction` around what belongs together."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.executescript(_SCHEMA)

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; on the disk afterwards."""
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def get(self, entry_id: str) -> Row | None:
        """The entry with this id."""
        return self._one("id = ?", entry_id)

    def at(self, path: bytes) -> Row | None:
        """The entry that lay at `path` when it was last seen."""
        return self._one("path = ?", path)

    def by_inode(self, inode: int) -> list[Row]:
        """Entries that were last seen as this inode."""
        with self._lock:
            signed = inode - (1 << 64) if inode >= 1 << 63 else inode
            return [
                _row(found) for found in self._connection.execute("SELECT * FROM entries WHERE inode = ?", (signed,))
            ]

    def put(
        self,
        entry_id: str,
        path: bytes,
        found: os.stat_result,
        *,
        mime_type: str | None = None,
        sha256: str | None = None,
    ) -> None:
        """Remember a new entry, or where an upload is about to land."""
        with self._lock:
            self._vacate(path, entry_id)
            self._connection.execute(
                "INSERT OR REPLACE INTO entries (id, path, is_folder, inode, size_bytes, mtime_ns, mime_type, sha256)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (entry_id, path, stat.S_ISDIR(found.st_mode), *_measures(found), mime_type, sha256),
            )

    def refresh(self, row: Row, found: os.stat_result) -> None:
        """What lies at the entry's path was changed by hand: its checksum is no longer known."""
        with self._lock:
            self._connection.execute(
                "UPDATE entries SET is_folder = ?, inode = ?, size_bytes = ?, mtime_ns = ?, sha256 = NULL WHERE id = ?",
                (stat.S_ISDIR(found.st_mode), *_measures(found), row.id),
            )

    def set_sha256(self, entry_id: str, found: os.stat_result, sha256: str) -> None:
        """The checksum of the content as `found` was measured."""
        with self._lock:
            self._connection.execute(
                "UPDATE entries SET sha256 = ? WHERE id = ? AND inode = ? AND size_bytes = ? AND mtime_ns = ?",
                (sha256, entry_id, *_measures(found)),
            )

    def relocate(self, row: Row, path: bytes, *, origin_id: str | None = None) -> None:
        """The entry lies at `path` now, and with it all that is below it."""
        with self._lock:
            self._vacate(path, row.id)
            self._connection.execute(
                "UPDATE entries SET path = ?, origin_id = ? WHERE id = ?", (path, origin_id, row.id)
            )
            if row.is_folder and row.path is not None:
                old = row.path + b"/"
                # `0` follows `/`: the half-open range holds exactly what begins with the folder's path.
                below = self._connection.execute(
                    "SELECT id, path FROM entries WHERE path > ? AND path < ?", (old, row.path + b"0")
                ).fetchall()
                for entry_id, below_path in below:
                    moved = path + b"/" + below_path[len(old) :]
                    self._vacate(moved, entry_id)
                    self._connection.execute("UPDATE entries SET path = ? WHERE id = ?", (moved, entry_id))

    def forget(self, entry_id: str) -> None:
        """As if it had never been."""
        with self._lock:
            self._connection.execute("DELETE FROM entries WHERE id = ?", (entry_id,))

    def starred(self) -> list[str]:
        """The ids of all that is marked."""
        with self._lock:
            return [found[0] for found in self._connection.execute("SELECT id FROM stars")]

    def is_starred(self, entry_id: str) -> bool:
        """Whether it is marked."""
        with self._lock:
            return self._connection.execute("SELECT 1 FROM stars WHERE id = ?", (entry_id,)).fetchone() is not None

    def set_starred(self, entry_id: str, *, is_starred: bool) -> None:
        """Mark it, or take the mark off."""
        change = "INSERT OR IGNORE INTO stars (id) VALUES (?)" if is_starred else "DELETE FROM stars WHERE id = ?"
        with self._lock:
            self._connection.execute(change, (entry_id,))

    def _vacate(self, path: bytes, but_id: str) -> None:
        self._connection.execute("UPDATE entries SET path = NULL WHERE path = ? AND id <> ?", (path, but_id))

    def _one(self, condition: str, value: str | bytes) -> Row | None:
        with self._lock:
            found = self._connection.execute(f"SELECT * FROM entries WHERE {condition}", (value,)).fetchone()  # noqa: S608 - our own words
        return _row(found) if found else None


def _measures(found: os.stat_result) -> tuple[int, int, int]:
    # SQLite's integers are signed.
    inode = found.st_ino - (1 << 64) if found.st_ino >= 1 << 63 else found.st_ino
    return inode, found.st_size, found.st_mtime_ns


def _row(found: tuple[Any, ...]) -> Row:
    entry_id, path, is_folder, inode, *rest = found
    return Row(entry_id, path, bool(is_folder), inode % (1 << 64), *rest)
