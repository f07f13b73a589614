"""Migrations build exactly what the schema says, on an empty and on a current database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Engine

from telpher.store import migrations, open_store
from telpher.store.database import connect_sqlite
from telpher.store.migrations import HEAD, migrate, stored_revision
from telpher.store.schema import metadata


def _shape(engine: Engine) -> dict[str, str]:
    """Every table, index and trigger, as the database describes it to programs."""
    shape: dict[str, str] = {}
    with engine.connect() as connection:
        inspector = sa.inspect(connection)
        for table in inspector.get_table_names():
            if table == "alembic_version":
                continue
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
            connection.execute(sa.text("SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'")).all()
        )
    return shape


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return connect_sqlite(tmp_path / "telpher.db")


def test_migrations_build_exactly_the_schema(engine: Engine, tmp_path: Path) -> None:
    migrate(engine)
    described = connect_sqlite(tmp_path / "described.db")
    metadata.create_all(described)

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


async def test_a_second_start_finds_everything_and_does_not_load_alembic(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "telpher.db"
    store = open_store(path)
    await store.write(lambda connection: connection.execute(sa.text("INSERT INTO strangers VALUES (7, 8)")))
    await store.close()

    program = (
        "import asyncio, sys, pathlib, sqlalchemy as sa\n"
        "from telpher.store import open_store\n"
        "async def main():\n"
        "    store = open_store(pathlib.Path(sys.argv[1]))\n"
        "    print(await store.read(lambda c: c.scalar(sa.text('SELECT answered_ms FROM strangers'))))\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
        "print('alembic' in sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.split() == ["8", "False"]


def test_a_database_of_a_newer_telpher_is_left_alone(engine: Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(RuntimeError, match="newer Telpher"):
        migrate(engine)
    assert stored_revision(engine) == "9999"
    engine.dispose()


def test_a_migration_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "telpher.db"
    engine = connect_sqlite(path)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE transfers (id TEXT)"))

    with pytest.raises(sa.exc.OperationalError, match="already exists"):
        open_store(path)

    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["transfers"]
    engine.dispose()
