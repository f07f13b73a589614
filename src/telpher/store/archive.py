"""One file that holds all that Telpher knows: a consistent copy of its database, and the keys and tokens beside it.

The copy is an SQLite database whatever Telpher keeps its own in, so that a backup can be put back into either.
Made while Telpher runs. What it does not hold can be had again: the spool (transfers fetch it anew) and the files of the folder
drive (they are the person's own, and backed up as such).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from telpher.errors import ArchiveError, TelpherError
from telpher.store.copying import copied_in, copy_out

DATABASE = "telpher.db"
LOCK = "telpher.lock"
_LEFT_OUT = {"spool", "drive", "sandbox", LOCK, DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm"}
_MARK = "telpher-backup"


def back_up(data_dir: Path, target: Path, database: Path | str | None = None) -> int:
    """Write everything that `data_dir` keeps to `target` (mode 0600), whole or not at all; its size in bytes. Raises ArchiveError.

    `database` is the file or the address of the database, by default the file in `data_dir`.
    """
    database = data_dir / DATABASE if database is None else database
    if isinstance(database, Path) and not database.is_file():
        raise ArchiveError(f"there is no {DATABASE} in {data_dir}")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file, tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            copy = Path(scratch) / DATABASE
            if isinstance(database, Path):
                _copy_database(database, copy)
            else:
                copy_out(database, copy)
            with tarfile.open(fileobj=file, mode="w:gz") as archive:
                archive.add(copy, f"{_MARK}/{DATABASE}")
                for path in _kept(data_dir):
                    archive.add(path, f"{_MARK}/{path.relative_to(data_dir)}", recursive=False)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    except (OSError, sqlite3.Error, TelpherError) as error:
        raise ArchiveError(f"the backup could not be written: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def restore(source: Path, data_dir: Path, database: Path | str | None = None, *, overwrite: bool = False) -> None:
    """Put a backup back into `data_dir` and `database`, which no running Telpher may use. Raises ArchiveError; then nothing was changed."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _alone(data_dir), tempfile.TemporaryDirectory(dir=data_dir) as scratch:
        if (database is None or isinstance(database, Path)) and (data_dir / DATABASE).exists() and not overwrite:
            raise ArchiveError(f"{data_dir} holds a database already: move it away, or say --overwrite")
        unpacked = Path(scratch)
        names = _unpack(source, unpacked)
        _check_database(unpacked / DATABASE)
        if isinstance(database, str):
            try:
                with copied_in(unpacked / DATABASE, database, overwrite=overwrite):
                    _put_in_place(unpacked, data_dir, [name for name in names if name != DATABASE])
            except TelpherError as error:
                raise ArchiveError(str(error)) from error
            return
        for name in (f"{DATABASE}-wal", f"{DATABASE}-shm"):
            (data_dir / name).unlink(missing_ok=True)
        # The database last: with it, Telpher has all the rest.
        _put_in_place(unpacked, data_dir, sorted(names, key=lambda name: name == DATABASE))


def _put_in_place(unpacked: Path, data_dir: Path, names: list[str]) -> None:
    for name in names:
        (data_dir / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        (unpacked / name).replace(data_dir / name)


def _kept(data_dir: Path) -> Iterator[Path]:
    for path in sorted(data_dir.iterdir()):
        if path.name in _LEFT_OUT or path.name.startswith((".", f"{DATABASE}.before-")):
            continue
        yield from (found for found in sorted([path, *path.rglob("*")]) if found.is_file() and not found.is_symlink())


def _copy_database(source: Path, target: Path) -> None:
    # https://www.sqlite.org/backup.html: consistent, also while others write.
    with (
        contextlib.closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=10)) as original,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        original.backup(copy)


def _check_database(path: Path) -> None:
    try:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            answer = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        answer = error
    if answer != "ok":
        raise ArchiveError(f"the backup's database is damaged: {answer}")


def _unpack(source: Path, target: Path) -> list[str]:
    """Plain files below the mark alone, each made anew here: nothing in an archive chooses where it lands or what it may do."""
    names = []
    try:
        with tarfile.open(source, "r:gz") as archive:
            for member in archive:
                first, _, name = member.name.partition("/")
                parts = Path(name).parts
                if first != _MARK or not member.isfile() or not parts or ".." in parts or Path(name).is_absolute():
                    raise ArchiveError(f"{source} is no backup of Telpher's: it holds {member.name!r}")
                content = archive.extractfile(member)
                assert content is not None
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with content, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    shutil.copyfileobj(content, file)
                    file.flush()
                    os.fsync(file.fileno())
                names.append(name)
    except (OSError, tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"{source} cannot be read: {error}") from error
    if DATABASE not in names:
        raise ArchiveError(f"{source} is no backup of Telpher's: it holds no {DATABASE}")
    return names


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    with (data_dir / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ArchiveError(f"Telpher is running on {data_dir}: stop it first") from None
        yield
