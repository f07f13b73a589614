"""Brings a database to the current schema: `migrate(engine)`.

Alembic costs a fifth of a second to import and 9 MB for as long as the process lives. So an empty database is made from the schema
itself (a test holds the two to each other), and an older one is upgraded by a child process, which alone loads Alembic.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from telpher.errors import StoreError
from telpher.store.kind import PURPOSE, Purpose
from telpher.store.schema import metadata

HEAD = "0001"
"""The newest revision in `versions/`; a test holds it to that."""

_DIRECTORY = Path(__file__).parent
_LIMIT_S = 600.0
_VERSIONS = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def migrate(engine: Engine) -> None:
    """Bring it to `HEAD`, in one transaction. Raises StoreError, also for a database that a newer Telpher has written."""
    if stored_revision(engine) == HEAD or _made(engine):
        return
    if engine.url.database:
        _upgrade_elsewhere(engine.url)
    else:
        upgrade(engine)


def stored_revision(engine: Engine) -> str | None:
    """None for an empty database."""
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSIONS.name):
        return None
    revision: str | None = connection.scalar(sa.select(_VERSIONS.c.version_num))
    return revision


def _made(engine: Engine) -> bool:
    """Make every table of an empty database; False, and nothing done, for any other."""
    # Begun by what locks out others: two that open one database at the same time must not both make it.
    with engine.connect().execution_options(**{PURPOSE: Purpose.WRITING}) as connection, connection.begin():
        if sa.inspect(connection).get_table_names():
            return _revision(connection) == HEAD
        metadata.create_all(connection, checkfirst=False)
        _VERSIONS.create(connection)
        connection.execute(sa.insert(_VERSIONS).values(version_num=HEAD))
        return True


def _upgrade_elsewhere(url: sa.URL) -> None:
    # Told by a pipe: an address may hold a password, and everybody may read a process's arguments.
    told = {"file": url.database} if url.get_backend_name() == "sqlite" else {"address": url.render_as_string(False)}
    where = told.get("file") or f"the database {url.database}"
    command = [sys.executable, "-m", f"{__name__}.child"]
    try:
        ran = subprocess.run(  # noqa: S603 - ourselves
            command, input=json.dumps(told), capture_output=True, text=True, timeout=_LIMIT_S, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise StoreError(f"{where} could not be brought up to date: {error}") from None
    if ran.returncode:
        last = ran.stderr.strip().rpartition("\n")[2]
        raise StoreError(f"{where} could not be brought up to date: {last or ran.returncode}")


def upgrade(engine: Engine) -> None:
    """The same by Alembic, in this process, also for an empty database."""
    from alembic import command  # noqa: PLC0415 - see the module's contract
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"engine": engine})
    # The file's own interpolation doubles percent signs: https://alembic.sqlalchemy.org/en/latest/api/config.html
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    revision = stored_revision(engine)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise StoreError(f"this database was written by a newer Telpher (revision {revision})")
    command.upgrade(config, "head")
