"""Resumable upload sessions: what was declared, how much is held, and the one request that is writing now.

The protocol: https://developers.google.com/workspace/drive/api/guides/manage-uploads#resumable.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import secrets
import sqlite3
from pathlib import Path
from typing import Any

from telpher.sandbox.google import entries
from telpher.sandbox.google.content import GRANULE_BYTES, BlobWriter, corrupt, digests_of
from telpher.sandbox.google.errors import DriveError, file_not_found
from telpher.sandbox.google.grants import Caller
from telpher.sandbox.google.ledger import Ledger, now_ms

_CONTENT_RANGE = re.compile(r"bytes (?:\*|(\d+)-(\d+))/(\*|\d+)")


@dataclasses.dataclass(frozen=True, slots=True)
class ContentRange:
    """A request's Content-Range; `first` is None when it only asks how much is held."""

    first: int | None
    last: int | None
    total: int | None

    @property
    def length(self) -> int | None:
        """How many bytes the request must bring, if it says so."""
        return None if self.first is None or self.last is None else self.last + 1 - self.first

    @property
    def is_final(self) -> bool:
        """Whether the chunk ends the file."""
        return self.last is not None and self.total is not None and self.last + 1 == self.total


def parse_content_range(text: str) -> ContentRange:
    """Read the header; raises the 400 that Google answers."""
    match = _CONTENT_RANGE.fullmatch(text.strip())
    if match is None:
        raise bad_request("Failed to parse Content-Range header.")
    total = None if match[3] == "*" else int(match[3])
    if match[1] is None:
        return ContentRange(None, None, total)
    first, last = int(match[1]), int(match[2])
    if last < first or (total is not None and last >= total):
        raise bad_request("Failed to parse Content-Range header.")
    return ContentRange(first, last, total)


def bad_request(message: str) -> DriveError:
    """What an upload server says to a malformed request."""
    return DriveError(400, "badRequest", message)


@dataclasses.dataclass(slots=True)
class _Desk:
    """Where one session is worked on: by one request at a time, and the newest one wins."""

    lock: asyncio.Lock = dataclasses.field(default_factory=asyncio.Lock)
    writer: BlobWriter | None = None
    holder: asyncio.Task[Any] | None = None


def agreed_total(row: sqlite3.Row, total_bytes: int | None) -> int | None:
    """The file's size as far as it is known; raises when it is said to be another one than before."""
    known: int | None = row["total_bytes"]
    if known is not None and total_bytes not in (None, known):
        raise bad_request(f"The file's size was declared as {known} bytes, not {total_bytes}.")
    return known if total_bytes is None else total_bytes


class Sessions:
    """All sessions of this drive; they outlive a restart."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._desks: dict[str, _Desk] = {}
        self._sweep()

    def _sweep(self) -> None:
        """Drop what nothing leads to any more: sessions that expired, contents that a crash left behind."""
        oldest_ms = now_ms() - self._ledger.setting("session_lifetime_s") * 1000
        for row in self._ledger.all("SELECT * FROM sessions WHERE state = 'open' AND created_ms < ?", oldest_ms):
            self.forget(row)
        kept = self._ledger.all(
            "SELECT blob FROM files WHERE blob IS NOT NULL UNION SELECT blob FROM sessions WHERE state = 'open'"
        )
        names = {row["blob"] for row in kept}
        for path in self._ledger.content_dir.iterdir():
            if path.name not in names:
                path.unlink()

    def begin(
        self,
        caller: Caller,
        file_id: str | None,
        metadata: dict[str, Any],
        query: dict[str, str],
        *,
        mime_type: str | None,
        total_bytes: int | None,
    ) -> str:
        """Open a session for a new file, or for new content of `file_id`; its upload id."""
        upload_id = "AHVrFx" + secrets.token_urlsafe(60)
        self._ledger.run(
            "INSERT INTO sessions VALUES (?, 'open', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            *(upload_id, file_id or "", int(file_id is not None), json.dumps(metadata), json.dumps(query)),
            *(caller.email, caller.client_id, " ".join(sorted(caller.scopes)), mime_type, total_bytes),
            *(secrets.token_hex(16), now_ms()),
        )
        return upload_id

    def find(self, upload_id: str) -> sqlite3.Row:
        """A session that is open or done; raises 404 for one that was cancelled, has expired or never was."""
        row = self._ledger.one("SELECT * FROM sessions WHERE id = ?", upload_id)
        lifetime_ms = self._ledger.setting("session_lifetime_s") * 1000
        if row is not None and row["created_ms"] + lifetime_ms < now_ms() and row["state"] == "open":
            self.forget(row)
            row = None
        if row is None or row["state"] == "cancelled":
            raise DriveError(404, "notFound", "Upload session not found.")
        return row

    def forget(self, row: sqlite3.Row) -> None:
        """Cancel a session and drop what it holds."""
        desk = self._desks.pop(row["id"], None)
        if desk is not None and desk.holder is not None:
            desk.holder.cancel()
        self._ledger.run("UPDATE sessions SET state = 'cancelled' WHERE id = ?", row["id"])
        self.path_of(row).unlink(missing_ok=True)

    def expire_all(self) -> int:
        """End every open session, as a week does; how many there were."""
        rows = self._ledger.all("SELECT * FROM sessions WHERE state = 'open'")
        for row in rows:
            self.forget(row)
        return len(rows)

    def target_of(self, row: sqlite3.Row) -> sqlite3.Row:
        """The file that a session brings new content for; raises 404 when it was deleted meanwhile."""
        file = self._ledger.one("SELECT * FROM files WHERE id = ?", row["file_id"])
        if file is None:
            raise file_not_found(row["file_id"])
        return file

    def path_of(self, row: sqlite3.Row) -> Path:
        """Where a session's bytes are."""
        return self._ledger.content_dir / str(row["blob"])

    def held_bytes(self, row: sqlite3.Row) -> int:
        """How much of an open session is on disk."""
        desk = self._desks.get(row["id"])
        if desk is not None and desk.writer is not None:
            return desk.writer.held_bytes
        path = self.path_of(row)
        return path.stat().st_size // GRANULE_BYTES * GRANULE_BYTES if path.exists() else 0

    async def take_over(self, upload_id: str) -> _Desk:
        """The session's desk; a request that still sits there (its client has given up on it) is sent away."""
        desk = self._desks.setdefault(upload_id, _Desk())
        if desk.holder is not None and not desk.holder.done():
            desk.holder.cancel()
        return desk

    def writer_of(self, desk: _Desk, row: sqlite3.Row) -> BlobWriter:
        """The running writer of a session, picked up from the disk after a restart."""
        if desk.writer is None:
            desk.writer = BlobWriter(self.path_of(row))
        return desk.writer

    def keep_total(self, row: sqlite3.Row, total_bytes: int | None) -> None:
        """Remember the file's size once a chunk that tells it has been taken."""
        self._ledger.run("UPDATE sessions SET total_bytes = ? WHERE id = ?", total_bytes, row["id"])

    async def complete(self, row: sqlite3.Row, desk: _Desk) -> sqlite3.Row:
        """All bytes are here: make the file (or give it its new content). The session answers with it from now on."""
        desk.holder = None
        writer = self.writer_of(desk, row)
        digests = await writer.finish()
        path = self.path_of(row)
        if (left := self._ledger.setting("corrupt_next_uploads")) >= 1:
            self._ledger.change_settings(corrupt_next_uploads=left - 1)
            corrupt(path)
            digests = await asyncio.to_thread(digests_of, path)
        content = entries.Content(row["blob"], writer.held_bytes, digests.md5, digests.sha256, row["mime_type"])
        caller = Caller(row["email"], row["client_id"], frozenset(row["scope"].split()))
        try:
            with self._ledger.transaction():
                file = self._put(caller, row, content)
                self._ledger.run("UPDATE sessions SET state = 'done', file_id = ? WHERE id = ?", file["id"], row["id"])
        except DriveError:
            self.forget(row)
            raise
        self._desks.pop(row["id"], None)
        return file

    def _put(self, caller: Caller, row: sqlite3.Row, content: entries.Content) -> sqlite3.Row:
        metadata, query = json.loads(row["metadata"]), json.loads(row["query"])
        if row["is_update"]:
            old = self.target_of(row)
            return entries.update(self._ledger, caller, old, metadata, content=content, query=query)
        all_drives = query.get("supportsAllDrives") == "true"
        return entries.create(self._ledger, caller, metadata, content, all_drives=all_drives)
