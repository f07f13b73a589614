"""The offline Google's database: one SQLite file, one connection on the event loop's thread, short transactions."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import hmac
import importlib.resources
import json
import re
import secrets
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from telpher.sandbox.state import open_state

FOLDER_TYPE = "application/vnd.google-apps.folder"
SHORTCUT_TYPE = "application/vnd.google-apps.shortcut"
CLIENT_ID = "407408718192-sandbox.apps.googleusercontent.com"
CLIENT_SECRET = "GOCSPX-sandbox-secret-of-nobody"  # noqa: S105  # known to all, as a desktop client's is
ACCOUNTS = (("anna@example.com", "Anna"), ("boris@example.com", "Boris"))
DEFAULT_QUOTA_BYTES = 15 * 1024**3

_WORDS = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d+")
_ID_RANDOM_BYTES = 18
_ID_SEAL_BYTES = 6

SETTINGS: dict[str, float] = {
    "access_token_lifetime_s": 3600.0,
    "device_code_lifetime_s": 1800.0,
    "device_interval_s": 5.0,
    "authorization_code_lifetime_s": 600.0,
    "session_lifetime_s": 7 * 24 * 3600.0,
    "corrupt_next_uploads": 0.0,
}
"""What `POST /sandbox/google/settings` may change, with Google's own values."""


def now_ms() -> int:
    """The time, as the database keeps it."""
    return time.time_ns() // 1_000_000


def to_rfc3339(time_ms: int) -> str:
    """A time as Drive writes it: UTC, milliseconds, Z."""
    moment = dt.datetime.fromtimestamp(time_ms // 1000, dt.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{time_ms % 1000:03d}Z"


def from_rfc3339(text: str) -> int:
    """A time as a client writes it; without a zone it is UTC. Raises ValueError."""
    moment = dt.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return round((moment - dt.datetime.fromtimestamp(0, dt.UTC)) / dt.timedelta(milliseconds=1))


def words_of(text: str) -> list[str]:
    """The tokens that Drive's search sees."""
    return _WORDS.findall(text.casefold())


def natural_key(name: str) -> str:
    """Sorts `2.txt` before `10.txt`."""
    return _DIGITS.sub(lambda match: match[0].lstrip("0").rjust(20, "0"), name.casefold())


def _name_contains(name: str, wanted: str) -> bool:
    """Each wanted word begins a word of the name; words in double quotes follow each other."""
    have, want = words_of(name), words_of(wanted)
    if wanted.strip().startswith('"'):
        return _has_phrase(have, want)
    return all(any(word.startswith(one) for word in have) for one in want)


def _text_contains(text: str, wanted: str) -> bool:
    have, want = words_of(text), words_of(wanted)
    if wanted.strip().startswith('"'):
        return _has_phrase(have, want)
    return set(want) <= set(have)


def _has_phrase(have: list[str], want: list[str]) -> bool:
    return any(have[start : start + len(want)] == want for start in range(len(have) - len(want) + 1))


class Ledger:
    """Opens (and makes) the database in `folder`; hands out ids that are never given twice."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.content_dir = folder / "content"
        self.content_dir.mkdir(exist_ok=True)
        schema = importlib.resources.files("telpher.sandbox.google").joinpath("schema.sql").read_text("utf-8")
        self._db = open_state(folder / "google.sqlite3", schema)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;")
        self._db.create_function("casefold", 1, str.casefold, deterministic=True)
        self._db.create_function("name_contains", 2, _name_contains, deterministic=True)
        self._db.create_function("text_contains", 2, _text_contains, deterministic=True)
        self._settings: dict[str, float] = {**SETTINGS, **json.loads(self.meta("settings", "{}"))}
        self._secret = bytes.fromhex(self.meta("secret", secrets.token_hex(32)))
        with self.transaction():
            self._db.execute("INSERT OR IGNORE INTO clients VALUES (?, ?, 'any', '[]')", (CLIENT_ID, CLIENT_SECRET))
            for email, name in ACCOUNTS:
                if self.one("SELECT 1 FROM accounts WHERE email = ?", email) is None:
                    self.add_account(email, name)

    def close(self) -> None:
        """Write everything down and let go of the file."""
        self._db.close()

    def meta(self, key: str, default: str) -> str:
        """A remembered value; the default is remembered when there is none."""
        self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (key, default))
        value: str = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()[0]
        return value

    def setting(self, name: str) -> float:
        """One of SETTINGS."""
        return self._settings[name]

    def change_settings(self, **values: float) -> dict[str, float]:
        """Change some of SETTINGS; raises KeyError on an unknown name."""
        for name, value in values.items():
            if name not in SETTINGS:
                raise KeyError(name)
            self._settings[name] = float(value)
        self.run("UPDATE meta SET value = ? WHERE key = 'settings'", json.dumps(self._settings))
        return self._settings

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one it is part of that."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def run(self, statement: str, *values: Any) -> int:
        """Change something; how many rows it touched."""
        return self._db.execute(statement, values).rowcount

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Change many rows alike."""
        self._db.executemany(statement, rows)

    def one(self, statement: str, *values: Any) -> sqlite3.Row | None:
        """The first row, if any."""
        row: sqlite3.Row | None = self._db.execute(statement, values).fetchone()
        return row

    def all(self, statement: str, *values: Any) -> list[sqlite3.Row]:
        """Every row."""
        return self._db.execute(statement, values).fetchall()

    def select(self, statement: str, values: Mapping[str, Any]) -> list[sqlite3.Row]:
        """Every row, for a statement whose values have names."""
        return self._db.execute(statement, values).fetchall()

    def new_id(self) -> str:
        """An id as Drive makes them. It carries a seal, so that only ids made here are accepted before creation."""
        raw = secrets.token_bytes(_ID_RANDOM_BYTES)
        return "1" + base64.urlsafe_b64encode(raw + self._seal(raw)).decode("ascii")

    def is_usable_id(self, file_id: str) -> bool:
        """Whether `new_id` made it."""
        try:
            raw = base64.urlsafe_b64decode(file_id[1:])
        except ValueError:
            return False
        return len(raw) == _ID_RANDOM_BYTES + _ID_SEAL_BYTES and hmac.compare_digest(
            raw[_ID_RANDOM_BYTES:], self._seal(raw[:_ID_RANDOM_BYTES])
        )

    def sign(self, text: str) -> str:
        """A short signature for what travels through a client and comes back."""
        return hmac.new(self._secret, text.encode("utf-8"), hashlib.sha256).hexdigest()[:16]

    def add_account(self, email: str, name: str) -> None:
        """A person with an empty My Drive."""
        root_id = "0A" + secrets.token_urlsafe(12) + "PVA"
        permission_id = str(int.from_bytes(hashlib.sha256(email.encode("utf-8")).digest()[:8], "big")).zfill(20)
        time_ms = now_ms()
        self.run(
            "INSERT INTO accounts VALUES (?, ?, ?, ?, ?)", email, name, permission_id, root_id, DEFAULT_QUOTA_BYTES
        )
        self.run(
            "INSERT INTO files (id, name, name_key, natural_key, mime_type, folder_rank, owner, created_ms, modified_ms,"
            " modified_by) VALUES (?, 'My Drive', 'my drive', 'my drive', ?, 0, ?, ?, ?, ?)",
            *(root_id, FOLDER_TYPE, email, time_ms, time_ms, email),
        )

    def _seal(self, raw: bytes) -> bytes:
        return hmac.new(self._secret, raw, hashlib.sha256).digest()[:_ID_SEAL_BYTES]
