"""What every test has: the event loop that Telpher runs on, and databases (`database` is a file and then PostgreSQL's, `postgresql`
the latter alone).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.databases import MISSING, Database, FileDatabase, PostgresqlServer, ServerDatabase, server_programs

from telpher.event_loop import new_event_loop
from telpher.store.migrations import migrate
from telpher.store.postgresql import connect_postgresql

BOTH = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))
"""Parameters of a fixture that asks for `database`: `@pytest.fixture(params=BOTH)` or `parametrize(…, indirect=True)`."""


def pytest_asyncio_loop_factories(
    config: pytest.Config,
    item: pytest.Item,
) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """One loop for all."""
    return {"telpher": new_event_loop}


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """One for all tests of a worker; started at the first that needs it."""
    programs = server_programs()
    if programs is None:
        pytest.skip(MISSING)
    server = PostgresqlServer(programs)
    yield server
    server.end()


@pytest.fixture(scope="session")
def made_database(postgresql_server: PostgresqlServer) -> ServerDatabase:
    """Has every table already; only to be copied, which takes a tenth of the time of making them."""
    made = postgresql_server.new_database()
    assert isinstance(made.where, str)
    engine = connect_postgresql(made.where)
    migrate(engine)
    engine.dispose()
    return made


@pytest.fixture
def postgresql(postgresql_server: PostgresqlServer, made_database: ServerDatabase) -> Iterator[ServerDatabase]:
    """A database of the server, with every table and no row."""
    database = postgresql_server.new_database(template=made_database.name)
    yield database
    postgresql_server.drop(database)


@pytest.fixture(params=BOTH)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty one of either kind."""
    if request.param == "sqlite":
        return FileDatabase(tmp_path / "telpher.db")
    served: ServerDatabase = request.getfixturevalue("postgresql")
    return served
