"""Opens the sandbox's databases, and refuses in one line what another version of the sandbox has left: it migrates nothing."""

from __future__ import annotations

import sqlite3
import zlib
from pathlib import Path


class StateOutdatedError(Exception):
    """What lies in the sandbox's folder was written by another version."""


def open_state(path: Path, schema: str) -> sqlite3.Connection:
    """The database at `path`, made by `schema` if there is none. Raises StateOutdatedError when another schema made it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    version = zlib.crc32(schema.encode()) >> 1
    database = sqlite3.connect(path, isolation_level=None)
    try:
        _refuse_another_version(database, version, path)
        # In one transaction: a kill in the middle leaves a new database, not one of a strange version.
        database.executescript(f"PRAGMA journal_mode=WAL; BEGIN; {schema}; PRAGMA user_version={version}; COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def _refuse_another_version(database: sqlite3.Connection, version: int, path: Path) -> None:
    (found,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if found != version and tables:
        raise StateOutdatedError(
            f"{path.parent} was written by another version of the sandbox: remove that folder, or name another state folder"
        )
