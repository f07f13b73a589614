"""Backups: consistent while Telpher writes, whole or not at all, and nothing in one chooses where it lands."""

from __future__ import annotations

import asyncio
import fcntl
import io
import sqlite3
import stat
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.databases import ServerDatabase

from telpher.errors import ArchiveError
from telpher.store import Store, archive, hold, open_store, schema

_INCOMING = {"name": "été \U0001f600", "sizes": [1, 2.5, None], "nested": {"is_new": True}}


async def _fill(store: Store) -> None:
    """Something of every kind of column: numbers, texts, JSON and its null, booleans, rows that refer to others."""

    def fill(connection: sa.Connection) -> None:
        job = {"key": "a", "kind": "k", "lane": "light", "person_id": 1 << 40, "payload": _INCOMING, "created_ms": 1}
        connection.execute(sa.insert(schema.jobs).values(**job, state="queued"))
        connection.execute(
            sa.insert(schema.jobs).values(**{**job, "key": "b"}, state="succeeded", finished_ms=2, result={})
        )
        connection.execute(
            sa.insert(schema.receipts).values(
                key="r", view="save", person_id=1, chat_id=1, is_settled=True, created_ms=1, joined_ms=1
            )
        )
        connection.execute(sa.insert(schema.receipt_jobs).values(receipt_id=1, job_id=1))
        for n in range(2500):
            connection.execute(sa.insert(schema.strangers).values(id=n, answered_ms=n))
        for n in range(3):
            values = {"person_id": 1, "drive": "google", "subject": f"s{n}", "scopes": "", "secret": "x"}
            connection.execute(sa.insert(schema.accounts).values(**values, created_ms=1, changed_ms=1))
        connection.execute(sa.delete(schema.accounts).where(schema.accounts.c.id == 3))

    await store.write(fill)


def _content(connection: sa.Connection) -> dict[str, list[tuple[Any, ...]]]:
    tables = [table for table in schema.metadata.sorted_tables if table.name != "tenures"]
    return {
        table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
        for table in tables
    }


@pytest.mark.postgresql
@pytest.mark.parametrize(("before", "after"), [("file", "server"), ("server", "file"), ("server", "server")])
async def test_telpher_moves_from_one_kind_of_database_to_the_other(
    tmp_path: Path, postgresql: ServerDatabase, before: str, after: str
) -> None:
    first: Path | str = tmp_path / "old" / archive.DATABASE if before == "file" else postgresql.where
    second = tmp_path / "new" / archive.DATABASE if after == "file" else postgresql.server.new_database().where
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "vault.key").write_text("a key")
    store = open_store(first, alone=True)
    await _fill(store)
    wanted = await store.read(_content)
    await asyncio.to_thread(archive.back_up, tmp_path / "old", tmp_path / "backup.tar.gz", first)
    await store.write(lambda connection: connection.execute(sa.delete(schema.jobs)))
    await store.close()
    await asyncio.to_thread(archive.restore, tmp_path / "backup.tar.gz", tmp_path / "new", second)

    assert (tmp_path / "new" / "vault.key").read_text() == "a key"
    assert (tmp_path / "new" / archive.DATABASE).exists() == (after == "file")
    moved = open_store(second, alone=True)
    assert await moved.read(_content) == wanted
    more = {"person_id": 1, "drive": "google", "subject": "s4", "scopes": "", "secret": "x", "created_ms": 1}
    insert = sa.insert(schema.accounts).values(**more, changed_ms=1).returning(schema.accounts.c.id)
    assert await moved.write(lambda connection: connection.scalar(insert)) == 4, "numbers are not given out twice"
    await moved.close()


@pytest.mark.postgresql
async def test_a_server_that_holds_something_is_kept_unless_told(tmp_path: Path, postgresql: ServerDatabase) -> None:
    backup = tmp_path / "backup.tar.gz"
    store = open_store(postgresql.where)
    await asyncio.to_thread(archive.back_up, tmp_path, backup, postgresql.where)
    await _fill(store)
    with pytest.raises(ArchiveError, match="--overwrite"):
        await asyncio.to_thread(archive.restore, backup, tmp_path, postgresql.where)
    assert len((await store.read(_content))["jobs"]) == 2
    await asyncio.to_thread(archive.restore, backup, tmp_path, postgresql.where, overwrite=True)
    assert not any((await store.read(_content)).values())
    await store.close()


@pytest.mark.postgresql
async def test_a_server_that_a_telpher_uses_is_not_overwritten(
    tmp_path: Path, postgresql: ServerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "_PATIENCE_S", 0.2)
    store = open_store(postgresql.where, alone=True)
    await asyncio.to_thread(archive.back_up, tmp_path, tmp_path / "backup.tar.gz", postgresql.where)
    with pytest.raises(ArchiveError, match="another Telpher uses"):
        await asyncio.to_thread(
            archive.restore, tmp_path / "backup.tar.gz", tmp_path / "new", postgresql.where, overwrite=True
        )
    await store.close()


@pytest.mark.postgresql
async def test_files_that_cannot_be_put_back_leave_the_server_as_it_was(
    tmp_path: Path, postgresql: ServerDatabase
) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "vault.key").write_text("a key")
    store = open_store(postgresql.where)
    await asyncio.to_thread(archive.back_up, tmp_path / "old", tmp_path / "backup.tar.gz", postgresql.where)
    await _fill(store)
    (tmp_path / "new" / "vault.key" / "in the way").mkdir(parents=True)
    with pytest.raises(OSError, match=r"vault\.key"):
        await asyncio.to_thread(
            archive.restore, tmp_path / "backup.tar.gz", tmp_path / "new", postgresql.where, overwrite=True
        )
    assert len((await store.read(_content))["jobs"]) == 2
    await store.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "data"
    (directory / "keys").mkdir(parents=True)
    (directory / "spool").mkdir()
    (directory / "keys" / "vault.key").write_text("a key")
    (directory / "spool" / "part").write_bytes(b"x" * 1000)
    with sqlite3.connect(directory / archive.DATABASE) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE pairs (a INTEGER, b INTEGER)")
    connection.close()
    return directory


def _pairs(path: Path) -> list[tuple[int, int]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT a, b FROM pairs ORDER BY a").fetchall()
    finally:
        connection.close()


def test_a_backup_taken_while_others_write_is_consistent(data_dir: Path, tmp_path: Path) -> None:
    is_over = threading.Event()

    def write() -> None:
        connection = sqlite3.connect(data_dir / archive.DATABASE, isolation_level=None)
        number = 0
        while not is_over.is_set():
            connection.execute("BEGIN")
            connection.execute("INSERT INTO pairs VALUES (?, 0)", (number,))
            connection.execute("UPDATE pairs SET b = a WHERE a = ?", (number,))
            connection.execute("COMMIT")
            number += 1
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        archive.back_up(data_dir, tmp_path / "backup.tar.gz")
    finally:
        is_over.set()
        writer.join()
    archive.restore(tmp_path / "backup.tar.gz", tmp_path / "new")
    rows = _pairs(tmp_path / "new" / archive.DATABASE)
    assert all(a == b for a, b in rows)
    assert [a for a, _ in rows] == list(range(len(rows)))


def test_keys_come_along_and_the_spool_does_not(data_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar.gz"
    assert archive.back_up(data_dir, target) == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    archive.restore(target, tmp_path / "new")
    assert (tmp_path / "new" / "keys" / "vault.key").read_text() == "a key"
    assert stat.S_IMODE((tmp_path / "new" / "keys" / "vault.key").stat().st_mode) == 0o600
    assert not (tmp_path / "new" / "spool").exists()


def test_a_database_that_is_there_is_kept_unless_told(data_dir: Path, tmp_path: Path) -> None:
    archive.back_up(data_dir, tmp_path / "backup.tar.gz")
    connection = sqlite3.connect(data_dir / archive.DATABASE)
    connection.execute("INSERT INTO pairs VALUES (7, 7)")
    connection.commit()
    connection.close()
    with pytest.raises(ArchiveError, match="--overwrite"):
        archive.restore(tmp_path / "backup.tar.gz", data_dir)
    assert _pairs(data_dir / archive.DATABASE) == [(7, 7)]
    archive.restore(tmp_path / "backup.tar.gz", data_dir, overwrite=True)
    assert _pairs(data_dir / archive.DATABASE) == []


def test_a_running_telpher_is_not_overwritten(data_dir: Path, tmp_path: Path) -> None:
    archive.back_up(data_dir, tmp_path / "backup.tar.gz")
    with (data_dir / archive.LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(ArchiveError, match="running"):
            archive.restore(tmp_path / "backup.tar.gz", data_dir, overwrite=True)


@pytest.mark.parametrize("name", ["../outside", "telpher-backup/../../outside", "/etc/outside", "other/telpher.db"])
def test_an_archive_does_not_choose_where_it_lands(name: str, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as evil:
        member = tarfile.TarInfo(name)
        member.size = 4
        evil.addfile(member, io.BytesIO(b"evil"))
    with pytest.raises(ArchiveError, match="no backup"):
        archive.restore(tmp_path / "evil.tar.gz", tmp_path / "new")
    assert not (tmp_path / "outside").exists()
    assert not (tmp_path / "new" / archive.DATABASE).exists()


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar.gz", "w:gz") as evil:
        member = tarfile.TarInfo("telpher-backup/telpher.db")
        member.type = tarfile.SYMTYPE
        member.linkname = "/etc/passwd"
        evil.addfile(member)
    with pytest.raises(ArchiveError, match="no backup"):
        archive.restore(tmp_path / "evil.tar.gz", tmp_path / "new")


def test_a_broken_archive_changes_nothing(data_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "backup.tar.gz"
    archive.back_up(data_dir, target)
    target.write_bytes(target.read_bytes()[:-200])
    with pytest.raises(ArchiveError):
        archive.restore(target, tmp_path / "new")
    assert not (tmp_path / "new" / archive.DATABASE).exists()


def test_without_a_database_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"no telpher\.db"):
        archive.back_up(tmp_path, tmp_path / "backup.tar.gz")
    assert list(tmp_path.iterdir()) == []
