"""Both kinds of database for tests: a file, and one of a PostgreSQL server that is started for the tests alone, in a folder of its own.

The server's programs are Debian's (`apt-get install postgresql`). It listens on a socket in that folder and nowhere else.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql

MISSING = "no PostgreSQL here: `apt-get install postgresql` lets the tests use its server"
_USER = "telpher"
_LIMIT_S = 60
# Nothing here has to survive a power cut; restarts of the server it does survive.
_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "listen_addresses": "",
    "lc_messages": "C",
}


def server_programs() -> Path | None:
    """The folder of `initdb` and `pg_ctl`: Debian keeps it off the path, one for each version."""
    on_path = shutil.which("initdb")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    return Path(on_path).parent if on_path else found[-1].parent if found else None


class Database(Protocol):
    """What a test's store is kept in."""

    where: Path | str
    """As `open_store` takes it."""

    def copied(self) -> Database:
        """Another with what this one holds now, as a power cut would leave it; whoever uses this one may go on."""


class FileDatabase:
    """SQLite's."""

    def __init__(self, path: Path) -> None:
        self.where: Path | str = path
        self._path = path
        self._copies = itertools.count()

    def copied(self) -> FileDatabase:
        after = self._path.parent / f"life-{next(self._copies)}" / self._path.name
        after.parent.mkdir()
        for file in self._path.parent.glob(f"{self._path.name}*"):
            shutil.copy(file, after.parent / file.name)
        return FileDatabase(after)


class ServerDatabase:
    """One of PostgreSQL's."""

    def __init__(self, server: PostgresqlServer, name: str) -> None:
        self.server = server
        self.name = name
        self.where: Path | str = server.address(name)

    def copied(self) -> ServerDatabase:
        with self.unreachable():
            return self.server.new_database(template=self.name)

    @contextlib.contextmanager
    def unreachable(self) -> Iterator[None]:
        """Every connection is cut, and none is let in."""
        name = sql.Identifier(self.name)
        self.server.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        self.cut_connections()
        try:
            yield
        finally:
            self.server.run(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))

    def connections(self) -> list[str]:
        """Who is connected, by the names that they gave; asked again for a moment, since a server sees a farewell a little later."""
        names = ["?"]
        query = sql.SQL("SELECT application_name FROM pg_stat_activity WHERE datname = {}").format(self.name)
        for _ in range(100):
            names = [row[0] for row in self.server.run(query)]
            if not names:
                break
            time.sleep(0.02)
        return names

    def cut_connections(self, who: str = "%") -> None:
        """As a server that restarts would; `who` is a pattern of the names that they gave."""
        query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = {} AND application_name LIKE {}"
        self.server.run(sql.SQL(query).format(self.name, who))


class PostgresqlServer:
    """A server of its own: made, started, stopped and removed by the tests."""

    def __init__(self, programs: Path, **options: str) -> None:
        """`options` are the server's settings, beside what the tests' have."""
        self._programs = programs
        # Not below pytest's folder, which others may not enter: the server refuses to run as root.
        self.folder = Path(tempfile.mkdtemp(prefix="telpher-pg-"))
        self._account = pwd.getpwnam("postgres" if _has("postgres") else "nobody") if os.geteuid() == 0 else None
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        self._databases = itertools.count()
        self._run("initdb", "--no-sync", "--auth=trust", f"--username={_USER}", "--encoding=UTF8", "--locale=C")
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in {**_OPTIONS, **options}.items())
            file.write(f"unix_socket_directories = '{self.folder}'\n")
        (self.folder / "data" / "pg_hba.conf").write_text("local all +guarded scram-sha-256\nlocal all all trust\n")
        self.start()
        self.run("CREATE ROLE guarded")

    def new_role(self, password: str) -> str:
        """Somebody who has to say this password, and owns nothing yet."""
        name = f"guarded_{next(self._databases)}"
        self.run(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} IN ROLE guarded").format(sql.Identifier(name), password))
        return name

    def address(self, name: str, user: str = _USER, password: str = "") -> str:
        """Of a database, as a setting has it."""
        return f"postgresql://{user}{f':{password}' if password else ''}@/{name}?host={self.folder}"

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-s", "-l", str(self.folder / "log"))

    def stop(self, how: str = "immediate") -> None:
        """`immediate` is what a crash is: the server recovers at its next start."""
        self._run("pg_ctl", "stop", "-w", "-s", "-m", how)

    def end(self) -> None:
        """Nothing of it stays."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def new_database(self, template: str = "template1") -> ServerDatabase:
        name = f"telpher_{next(self._databases)}"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        self.run(statement.format(sql.Identifier(name), sql.Identifier(template)))
        return ServerDatabase(self, name)

    def drop(self, database: ServerDatabase) -> None:
        self.run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database.name)))

    def run(self, statement: sql.Composable | str, database: str = "postgres") -> list[Any]:
        """Carry it out as the server's owner; the rows, if any."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            cursor = connection.execute(statement if isinstance(statement, sql.Composable) else sql.SQL(statement))  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        user = {} if self._account is None else {"user": self._account.pw_uid, "group": self._account.pw_gid}
        # A file: the server holds what `pg_ctl` was given open for as long as it runs.
        with (self.folder / "told").open("ab") as told:
            subprocess.run(
                [self._programs / program, "-D", self.folder / "data", *arguments],
                check=True,
                timeout=_LIMIT_S,
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                **user,  # type: ignore[arg-type]
            )


def _has(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
