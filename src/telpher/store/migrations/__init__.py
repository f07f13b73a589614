"""Brings a database to the current schema: `migrate(engine)`.

Alembic costs a fifth of a second to import, so it is only loaded where the stored revision differs from `HEAD`.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

HEAD = "0001"
"""The newest revision in `versions/`; a test holds it to that."""

_DIRECTORY = Path(__file__).parent


def migrate(engine: Engine) -> None:
    """Upgrade to `HEAD` in one transaction. Raises RuntimeError for a database that a newer Telpher has written."""
    if stored_revision(engine) != HEAD:
        _upgrade(engine)


def stored_revision(engine: Engine) -> str | None:
    """None for an empty database."""
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        revision: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
        return revision


def _upgrade(engine: Engine) -> None:
    from alembic import command  # noqa: PLC0415 - see the module's contract
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config(attributes={"engine": engine})
    # The file's own interpolation doubles percent signs: https://alembic.sqlalchemy.org/en/latest/api/config.html
    config.set_main_option("script_location", str(_DIRECTORY).replace("%", "%%"))
    revision = stored_revision(engine)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise RuntimeError(f"this database was written by a newer Telpher (revision {revision})")
    command.upgrade(config, "head")
