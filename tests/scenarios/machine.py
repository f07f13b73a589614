"""A machine that breaks: a small disk, too few descriptors, a locked database, no names. Each ends when the test says so."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
import sqlalchemy as sa

from telpher.store import Store


class Disk(Protocol):
    """A place with little room."""

    path: Path

    def fill(self) -> None:
        """Leave no room at all."""

    def leave(self, room_bytes: int) -> None:
        """Leave about so much."""

    def make_room(self) -> None: ...


class _SmallMount:
    """A file system of its own, in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._filler = path / "filler"

    def fill(self) -> None:
        with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass
        with contextlib.suppress(OSError), self._filler.open("ab", buffering=0) as file:
            while file.write(bytes(512)):
                pass

    def leave(self, room_bytes: int) -> None:
        self._filler.write_bytes(bytes(shutil.disk_usage(self.path).free - room_bytes))

    def make_room(self) -> None:
        self._filler.unlink()


@contextlib.contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[Disk]:
    """A tmpfs at `path`. Only where mounting is allowed: see `may_mount`."""
    path.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=700", "none", str(path)], check=True, timeout=20
    )
    try:
        yield _SmallMount(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True, timeout=20)


@contextlib.contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Nobody can write below the mount at `path`; nothing below may be open for writing when it begins."""
    subprocess.run(["mount", "-o", "remount,ro", str(path)], check=True, timeout=20)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(path)], check=True, timeout=20)


def may_mount() -> bool:
    """Whether this process may mount: as root, outside of a locked-down container."""
    if os.geteuid() != 0:
        return False
    probe = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, timeout=20, check=False
    )
    return probe.returncode == 0


@contextlib.contextmanager
def no_file_beyond(pid: int, size_bytes: int) -> Iterator[None]:
    """The process's files may not grow beyond this: what a full disk is to one who may not mount. Its writes fail."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def few_descriptors(pid: int, spare: int) -> Iterator[None]:
    """The process may open `spare` files or connections more than it has open now."""
    used = {int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir()}
    # The limit is one on their numbers, and there may be gaps.
    unused = (number for number in itertools.count() if number not in used)
    limit = next(itertools.islice(unused, spare, None))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@contextlib.asynccontextmanager
async def writes_refused(store: Store) -> AsyncIterator[None]:
    """The database takes no writes, and says so in SQLite's own words."""

    def turn(connection: sa.Connection) -> sqlite3.Connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.execute("PRAGMA query_only=ON")
        return driver

    driver = await store.write(turn)
    yield
    driver.execute("PRAGMA query_only=OFF")


@contextlib.contextmanager
def locked(database: Path) -> Iterator[None]:
    """This process, which is not the one that serves, writes to the database and does not come to an end."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA busy_timeout=10000")
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


class Names:
    """Who is asked where a host is. `are_known` is false while nobody answers. Made in the loop that will ask."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.are_known = True
        self.asked = 0
        loop_type = type(asyncio.get_running_loop())
        really, loop_really = socket.getaddrinfo, loop_type.getaddrinfo

        def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
            self._ask(host)
            return really(host, *arguments, **options)

        async def loop_getaddrinfo(loop: Any, host: Any, *arguments: Any, **options: Any) -> Any:
            self._ask(host)
            return await loop_really(loop, host, *arguments, **options)

        # Threads ask the one; the loop's may ask the system itself.
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(loop_type, "getaddrinfo", loop_getaddrinfo)

    def _ask(self, host: Any) -> None:
        if host == "localhost":
            self.asked += 1
            if not self.are_known:
                raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    async def were_asked(self) -> None:
        """Until somebody has asked in vain once more."""
        before = self.asked
        async with asyncio.timeout(20):
            while self.asked == before:
                await asyncio.sleep(0.02)
