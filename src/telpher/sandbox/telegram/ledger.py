"""Keeps the sandbox's Telegram world in one SQLite file: whatever a call has answered survives a kill, and no id is given twice."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from telpher.sandbox.state import open_state

Json = dict[str, Any]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS messages (
    chat_id INTEGER NOT NULL, message_id INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (chat_id, message_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS files (
    file_id TEXT PRIMARY KEY, file_path TEXT NOT NULL UNIQUE, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS updates (update_id INTEGER PRIMARY KEY, chat_id INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS updates_by_chat ON updates (chat_id, update_id);
CREATE TABLE IF NOT EXISTS events (seq INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_user ON events (user_id, seq);
"""

# A page that was away for longer than this many events reads the whole state again.
_EVENTS_KEPT = 20_000


def _dump(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


class Ledger:
    """Plain reads and writes; every write is durable against the death of this process when it returns."""

    def __init__(self, path: Path) -> None:
        self._db = open_state(path, _SCHEMA)
        # WAL without a sync at each commit outlives kill -9; only a power cut may take the last moments, and this is a sandbox.
        self._db.executescript("PRAGMA synchronous=OFF;")

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is written inside is there as a whole after a kill, or not at all; also when some of it is refused half-way.

        Nothing is awaited inside, so that nobody else's writes come between.
        """
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def close(self) -> None:
        """Close the file; the ledger is not used afterwards."""
        self._db.close()

    def next_id(self, name: str, first: int = 1) -> int:
        """The next number of the counter `name`; none is ever given twice."""
        row = self._db.execute(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
            (name, first),
        ).fetchone()
        return int(row[0])

    def fact(self, kind: str, key: str | int) -> Any:
        """The fact of this kind and key, or None."""
        row = self._db.execute("SELECT body FROM facts WHERE kind = ? AND key = ?", (kind, str(key))).fetchone()
        return None if row is None else json.loads(row[0])

    def facts(self, kind: str) -> dict[str, Any]:
        """All facts of a kind by key."""
        rows = self._db.execute("SELECT key, body FROM facts WHERE kind = ?", (kind,))
        return {key: json.loads(body) for key, body in rows}

    def set_fact(self, kind: str, key: str | int, body: Any) -> None:
        """Remember a fact; None forgets it."""
        if body is None:
            self._db.execute("DELETE FROM facts WHERE kind = ? AND key = ?", (kind, str(key)))
        else:
            self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", (kind, str(key), _dump(body)))

    def message(self, chat_id: int, message_id: int) -> Json | None:
        """One message as Bot API JSON, or None."""
        row = self._db.execute(
            "SELECT body FROM messages WHERE chat_id = ? AND message_id = ?", (chat_id, message_id)
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def messages(self, chat_id: int, limit: int = 1000) -> list[Json]:
        """The latest messages of a chat, oldest first."""
        rows = self._db.execute(
            "SELECT body FROM messages WHERE chat_id = ? ORDER BY message_id DESC LIMIT ?", (chat_id, limit)
        ).fetchall()
        return [json.loads(body) for (body,) in reversed(rows)]

    def put_message(self, message: Json) -> None:
        """Store a message, new or changed."""
        self._db.execute(
            "INSERT OR REPLACE INTO messages VALUES (?, ?, ?)",
            (message["chat"]["id"], message["message_id"], _dump(message)),
        )

    def delete_message(self, chat_id: int, message_id: int) -> bool:
        """Remove a message; False when there was none."""
        cursor = self._db.execute("DELETE FROM messages WHERE chat_id = ? AND message_id = ?", (chat_id, message_id))
        return cursor.rowcount > 0

    def file(self, file_id: str) -> Json | None:
        """A stored file's record by its id, or None."""
        row = self._db.execute("SELECT body FROM files WHERE file_id = ?", (file_id,)).fetchone()
        return None if row is None else json.loads(row[0])

    def file_at(self, file_path: str) -> Json | None:
        """A stored file's record by its `file_path`, or None."""
        row = self._db.execute("SELECT body FROM files WHERE file_path = ?", (file_path,)).fetchone()
        return None if row is None else json.loads(row[0])

    def put_file(self, record: Json) -> None:
        """Store a file's record."""
        self._db.execute(
            "INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (record["file_id"], record["file_path"], _dump(record))
        )

    def put_update(self, update: Json, chat_id: int) -> None:
        """Queue an update that concerns a chat (0: none)."""
        row = (update["update_id"], chat_id, _dump(update))
        self._db.execute("INSERT OR REPLACE INTO updates VALUES (?, ?, ?)", row)

    def updates(self, limit: int) -> list[Json]:
        """The oldest waiting updates, in order."""
        rows = self._db.execute("SELECT body FROM updates ORDER BY update_id LIMIT ?", (limit,))
        return [json.loads(body) for (body,) in rows]

    def first_updates(self, limit: int, busy_chats: Iterable[int]) -> list[tuple[int, Json]]:
        """The oldest waiting update of each chat that is not busy, as (chat id, update), in order."""
        heads = self._db.execute("SELECT chat_id, min(update_id) FROM updates GROUP BY chat_id ORDER BY 2").fetchall()
        busy = set(busy_chats)
        found = []
        for chat_id, update_id in [head for head in heads if head[0] not in busy][:limit]:
            row = self._db.execute("SELECT body FROM updates WHERE update_id = ?", (update_id,)).fetchone()
            found.append((int(chat_id), json.loads(row[0])))
        return found

    def update_count(self) -> int:
        """How many updates wait."""
        return int(self._db.execute("SELECT count(*) FROM updates").fetchone()[0])

    def drop_updates_below(self, update_id: int) -> None:
        """Forget the updates with smaller ids: the bot has them."""
        self._db.execute("DELETE FROM updates WHERE update_id < ?", (update_id,))

    def drop_update(self, update_id: int) -> None:
        """Forget one update."""
        self._db.execute("DELETE FROM updates WHERE update_id = ?", (update_id,))

    def drop_updates_but_last(self, count: int) -> None:
        """Forget all updates but the last `count`."""
        self._db.execute(
            "DELETE FROM updates WHERE update_id NOT IN (SELECT update_id FROM updates ORDER BY update_id DESC LIMIT ?)",
            (count,),
        )

    def add_event(self, user_id: int, body: Json) -> int:
        """Append an event to what `user_id` sees; answers its sequence number."""
        seq = self._db.execute("INSERT INTO events (user_id, body) VALUES (?, ?)", (user_id, _dump(body))).lastrowid
        assert seq is not None
        if seq % 1000 == 0:
            self._db.execute("DELETE FROM events WHERE seq <= ?", (seq - _EVENTS_KEPT,))
        return seq

    def events(self, user_id: int, after: int, limit: int = 500) -> list[tuple[int, str]]:
        """The events for `user_id` after `after`, as (sequence number, JSON text)."""
        rows = self._db.execute(
            "SELECT seq, body FROM events WHERE user_id = ? AND seq > ? ORDER BY seq LIMIT ?", (user_id, after, limit)
        )
        return [(int(seq), str(body)) for seq, body in rows]

    def last_seq(self) -> int:
        """The highest sequence number given so far."""
        row = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'events'").fetchone()
        return 0 if row is None else int(row[0])
