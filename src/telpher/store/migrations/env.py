"""Alembic's door: run by its commands, which hand the engine over in the configuration's attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context

from telpher.store.schema import metadata

if TYPE_CHECKING:
    from sqlalchemy.engine import Engine


def run() -> None:
    """Run the chosen revisions in one transaction."""
    engine: Engine = context.config.attributes["engine"]
    with engine.connect() as connection:
        # SQLite cannot alter most of a table in place, so it is copied: https://alembic.sqlalchemy.org/en/latest/batch.html
        context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
        with context.begin_transaction():
            context.run_migrations()


run()
