"""What must hold at the end: each accepted file is in the drive once, and what Telpher keeps is what it has to keep."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.soak.people import Account


@dataclasses.dataclass(frozen=True)
class Job:
    """A row of the queue, as far as it matters here."""

    state: str
    chat_id: int
    message_id: int
    error_key: str | None


def _rows(database: Path, query: str) -> list[Any]:
    with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as opened:
        return opened.execute(query).fetchall()


def unfinished(database: Path) -> int:
    """How many updates and jobs Telpher has yet to do, and receipts to show."""
    (row,) = _rows(
        database,
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'new')"
        " + (SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'failed', 'cancelled'))"
        " + (SELECT count(*) FROM receipts WHERE NOT is_settled)",
    )
    return int(row[0])


def database_facts(database: Path) -> dict[str, int]:
    """Rows of each table, and how much of the file is free for new ones."""
    with contextlib.closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True)) as opened:
        names = [name for (name,) in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        facts = {f"rows in {name}": opened.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
        page_bytes = opened.execute("PRAGMA page_size").fetchone()[0]
        facts["bytes"] = opened.execute("PRAGMA page_count").fetchone()[0] * page_bytes
        facts["free bytes"] = opened.execute("PRAGMA freelist_count").fetchone()[0] * page_bytes
        facts["bytes of handled updates"] = opened.execute(
            "SELECT coalesce(sum(length(body)), 0) FROM inbox WHERE state <> 'new'"
        ).fetchone()[0]
    return facts


def jobs_of(database: Path) -> dict[tuple[int, int], Job]:
    """(Chat, message) → the job that saves its file."""
    found = {}
    query = "SELECT state, error_key, json_extract(payload, '$.transfer_id') FROM jobs WHERE kind = 'save_file'"
    for state, error_key, transfer_id in _rows(database, query):
        _, chat_id, message_id = map(int, transfer_id.split(":"))
        found[chat_id, message_id] = Job(state, chat_id, message_id, error_key)
    return found


def files_that_are_wrong(account: Account, database: Path, kept: list[dict[str, Any]]) -> list[str]:
    """In words; empty when every accepted file is there once, and nothing else is."""
    wrong: list[str] = []
    entries = collections.defaultdict(list)
    for entry in kept:
        entries[entry["md5"]].append(entry)
    jobs = jobs_of(database)
    expected: set[str] = set()
    for key, (name, md5) in account.files.items():
        job = jobs.get(key)
        found = entries.get(md5, [])
        expected.add(md5)
        if job is None:
            wrong.append(f"{key}: was never accepted")
        elif job.state == "succeeded":
            # One that was cancelled as it landed is in the trash; asked for again, it came again.
            alive = [entry for entry in found if not entry["is_trashed"]]
            if len(alive) > 1 or not found:
                wrong.append(f"{key}: verified, and {len(alive)} times in the drive")
            elif name and found[0]["name"] != name and not found[0]["name"].startswith(("renamed", "what", "🙂", "a")):
                wrong.append(f"{key}: is called {found[0]['name']!r} instead of {name!r}")
        elif job.state == "cancelled":
            if any(not entry["is_trashed"] for entry in found):
                wrong.append(f"{key}: cancelled, and in the drive all the same")
        else:
            wrong.append(f"{key}: ended {job.state} ({job.error_key})")
    wrong += [f"{entry['name']!r}: nobody sent this" for md5 in entries.keys() - expected for entry in entries[md5]]
    if stolen := account.strangers_files & entries.keys():
        wrong.append(f"{len(stolen)} files of strangers landed")
    return wrong


def job_states(database: Path) -> Mapping[str, int]:
    """Kind and state → how many."""
    query = "SELECT kind || ' ' || state, count(*) FROM jobs GROUP BY 1 ORDER BY 1"
    return {name: int(count) for name, count in _rows(database, query)}
