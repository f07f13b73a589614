"""Migrations build exactly what the schema says, on an empty and on a current database."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Engine

from telpher.errors import StoreError
from telpher.store import migrations, open_store
from telpher.store.migrations import HEAD, migrate, stored_revision, upgrade
from telpher.store.schema import inbox, say_conditions_to_postgresql
from telpher.store.sqlite import connect_sqlite


def _shape(engine: Engine) -> dict[str, str]:
    """Every table, index and trigger, as the database describes it to programs."""
    shape: dict[str, str] = {}
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            shape[table] = repr(
                (
                    [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)],
                    inspector.get_pk_constraint(table),
                    sorted(inspector.get_unique_constraints(table), key=str),
                    sorted(inspector.get_check_constraints(table), key=str),
                    sorted(inspector.get_foreign_keys(table), key=str),
                )
            )
        rows = connection.execute(sa.text("SELECT name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"))
        shape.update({row.name: " ".join(row.sql.split()) for row in rows if row.sql is not None})
        shape["counted"] = repr(
            sorted(connection.scalars(sa.text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")))
        )
    return shape


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return connect_sqlite(tmp_path / "telpher.db")


def test_migrations_build_exactly_the_schema(engine: Engine, tmp_path: Path) -> None:
    upgrade(engine)
    described = connect_sqlite(tmp_path / "described.db")
    migrate(described)
    assert stored_revision(engine) == stored_revision(described) == HEAD

    built, wanted = _shape(engine), _shape(described)

    assert built.keys() == wanted.keys()
    assert "jobs_transitions" in built
    for name, shape in wanted.items():
        assert built[name] == shape
    engine.dispose()
    described.dispose()


def test_head_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))

    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


_OPEN_AND_LOOK = """
import asyncio, sys, pathlib, sqlalchemy as sa
from telpher.store import open_store

async def main():
    store = open_store(pathlib.Path(sys.argv[1]))
    print(await store.read(lambda c: c.scalar(sa.text("SELECT count(*) FROM strangers"))))
    await store.close()

asyncio.run(main())
print([name for name in ("alembic", "sqlalchemy.dialects.postgresql") if name in sys.modules])
"""


@pytest.mark.parametrize("before", ["nothing", "an old one", "a current one"])
async def test_no_start_keeps_alembic_or_another_database_in_memory(before: str, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "telpher.db"
    if before != "nothing":
        store = open_store(path)
        await store.write(lambda connection: connection.execute(sa.text("INSERT INTO strangers VALUES (7, 8)")))
        await store.close()
    if before == "an old one":
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.executescript(
                f"{''.join(f'DROP TABLE {name};' for name in reversed(_tables(database)))}"
                "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
            )

    ran = subprocess.run(
        [sys.executable, "-c", _OPEN_AND_LOOK, str(path)], capture_output=True, text=True, check=True, timeout=60
    )

    assert ran.stdout.split("\n")[:2] == ["1" if before == "a current one" else "0", "[]"]


def _tables(database: sqlite3.Connection) -> list[str]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
    return [name for (name,) in found]


def test_indexes_over_some_rows_are_such_indexes_in_postgresql_too() -> None:
    say_conditions_to_postgresql()
    index = next(index for index in inbox.indexes if index.name == "ix_inbox_unfinished")
    assert "WHERE state = 'new'" in str(sa.schema.CreateIndex(index).compile(dialect=postgresql.dialect()))


def test_a_database_of_a_newer_telpher_is_left_alone(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(StoreError, match="newer Telpher"):
        migrate(engine)
    assert stored_revision(engine) == "9999"
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "telpher.db"
    engine = connect_sqlite(path)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE transfers (id TEXT)"))

    with pytest.raises(StoreError, match="already exists"):
        open_store(path)

    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["transfers"]
    engine.dispose()
