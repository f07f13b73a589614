"""What must hold at the end: each accepted file is in the drive once, and what Telpher keeps is what it has to keep."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import re
import sqlite3
import time
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

from benchmarks.soak.account import Account

from telpher.drives.names import safe_name

_PROMISED_AFTER_S = 1800.0


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
    """How many updates and jobs Telpher has yet to do, and receipts to show. What is promised for a later day counts as done."""
    (row,) = _rows(
        database,
        "SELECT (SELECT count(*) FROM inbox WHERE state = 'new')"
        " + (SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'failed', 'cancelled')"
        f"    AND NOT (state = 'waiting' AND (attempt = 0 OR due_ms > {_promised_ms()})))"
        " + (SELECT count(*) FROM receipts WHERE NOT is_settled)",
    )
    return int(row[0])


def _promised_ms() -> int:
    """What is due after this moment is promised: what fails is tried again sooner."""
    return round((time.time() + _PROMISED_AFTER_S) * 1000)


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
    jobs, held = jobs_of(database), held_files(database)
    verified: collections.Counter[str] = collections.Counter()
    for key, (_, md5) in account.files.items():
        job = jobs.get(key)
        if job is None:
            wrong += [] if key in held else [f"{key}: was never accepted"]
        elif job.state == "succeeded":
            verified[md5] += 1
        elif job.state != "cancelled" and not _was_disconnected(account, job):
            wrong.append(f"{key}: ended {job.state} ({job.error_key})")
    return wrong + _entries_that_are_wrong(account, verified, kept)


def _was_disconnected(account: Account, job: Job) -> bool:
    return job.error_key == "error.drive_disconnected" and job.chat_id in account.disconnected


def _entries_that_are_wrong(
    account: Account, verified: collections.Counter[str], kept: list[dict[str, Any]]
) -> list[str]:
    wrong: list[str] = []
    entries, names = collections.defaultdict(list), collections.defaultdict(set)
    for entry in kept:
        entries[entry["md5"]].append(entry)
    for name, md5 in account.files.values():
        names[md5].add(name)
    for md5, given in names.items():
        # One that was cancelled as it landed is in the trash; asked for again, it came again.
        alive = [entry for entry in entries[md5] if not entry["is_trashed"]]
        if len(alive) > verified[md5] or len(entries[md5]) < verified[md5]:
            what = f"{len(alive)} times in the drive and {len(entries[md5]) - len(alive)} times in its trash"
            wrong.append(f"{sorted(given)}: verified {verified[md5]} times, and {what}")
        wrong += [
            f"{sorted(given)}: is called {entry['name']!r}"
            for entry in alive
            if "" not in given and not _is_a_name_of(entry["name"], given | account.written_names)
        ]
    wrong += [
        f"{entry['name']!r}: nobody sent this"
        for md5 in entries.keys() - names.keys()
        for entry in entries[md5]
        if md5 not in account.strangers_files and not entry["mime_type"].startswith("application/vnd.google-apps.")
    ]
    if stolen := account.strangers_files & entries.keys():
        wrong.append(f"{len(stolen)} files of strangers landed")
    return wrong


def _is_a_name_of(name: str, given: AbstractSet[str]) -> bool:
    """As it was given, or with the number that tells two of one name apart, or as a name may be that was written as one."""
    if name in given or re.sub(r" \(\d+\)(?=\.\w+$|$)", "", name) in given:
        return True
    made_safe = (safe_name(written, fallback="") for written in given if written)
    return any(safe and name.startswith(safe[:20].strip()) for safe in made_safe)


def held_files(database: Path) -> set[tuple[int, int]]:
    """(Chat, message) of the files that wait until their person has said where they go."""
    found = set()
    for (key,) in _rows(database, "SELECT key FROM held_files"):
        _, _, chat_id, message_id = key.split(":")
        found.add((int(chat_id), int(message_id)))
    return found


def job_states(database: Path) -> Mapping[str, int]:
    """Kind and state → how many."""
    query = "SELECT kind || ' ' || state, count(*) FROM jobs GROUP BY 1 ORDER BY 1"
    return {name: int(count) for name, count in _rows(database, query)}
