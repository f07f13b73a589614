"""Backups: consistent while Telpher writes, whole or not at all, and nothing in one chooses where it lands."""

from __future__ import annotations

import fcntl
import io
import sqlite3
import stat
import tarfile
import threading
from pathlib import Path

import pytest

from telpher.errors import ArchiveError
from telpher.store import archive


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
