"""What is PostgreSQL's own: a server that goes and comes back, commits whose end is in doubt, and one Telpher at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from tests.databases import PostgresqlServer, ServerDatabase
from tests.unit.store.cut_line import CutLine

from telpher.errors import DiskFullError, SettingsInvalidError, StoreError
from telpher.store import Store, hold, open_store
from telpher.store.migrations import HEAD, migrate, stored_revision, upgrade
from telpher.store.postgresql import connect_postgresql, place_of
from telpher.store.schema import invitations, jobs, searches, strangers

pytestmark = pytest.mark.postgresql


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server beside us sees at once that somebody has gone."""
    monkeypatch.setattr(hold, "_PATIENCE_S", 0.5)


@pytest.fixture
async def store(postgresql: ServerDatabase) -> AsyncIterator[Store]:
    store = open_store(postgresql.where, alone=True)
    yield store
    await store.close()


def _put(person_id: int) -> sa.Insert:
    return sa.insert(strangers).values(id=person_id, answered_ms=1)


def _ids(connection: Connection) -> list[int]:
    return list(connection.scalars(sa.select(strangers.c.id).order_by(strangers.c.id)))


async def test_a_server_that_was_restarted_is_used_as_if_nothing_had_been(
    store: Store, postgresql: ServerDatabase
) -> None:
    await store.write(lambda connection: connection.execute(_put(1)))
    await asyncio.to_thread(postgresql.server.stop)
    await asyncio.to_thread(postgresql.server.start)

    assert await store.read(_ids) == [1]
    await store.write(lambda connection: connection.execute(_put(2)))
    assert await store.read(_ids) == [1, 2]


async def test_while_the_server_is_away_it_is_told_and_afterwards_all_goes_on(
    store: Store, postgresql: ServerDatabase
) -> None:
    await asyncio.to_thread(postgresql.server.stop)
    for _ in range(2):
        with pytest.raises(StoreError, match="the database cannot be"):
            await store.write(lambda connection: connection.execute(_put(1)))
        with pytest.raises(StoreError, match="the database cannot be"):
            await store.read(_ids)
    await asyncio.to_thread(postgresql.server.start)

    await store.write(lambda connection: connection.execute(_put(2)))
    assert await store.read(_ids) == [2]


async def test_a_connection_that_breaks_in_the_middle_stores_nothing_of_those_who_shared_it(
    store: Store, postgresql: ServerDatabase
) -> None:
    def put_and_lose(connection: Connection) -> None:
        connection.execute(_put(2))
        postgresql.cut_connections()
        connection.execute(_put(3))

    is_begun, may_go_on = threading.Event(), threading.Event()

    def hold_up(_connection: Connection) -> bool:
        is_begun.set()
        return may_go_on.wait(10)

    held = asyncio.get_running_loop().create_task(store.write(hold_up))
    await asyncio.to_thread(is_begun.wait, 10)
    together = asyncio.gather(
        store.write(lambda connection: connection.execute(_put(1))),
        store.write(put_and_lose),
        store.write(lambda connection: connection.execute(_put(4))),
        return_exceptions=True,
    )
    await asyncio.sleep(0)
    may_go_on.set()
    ends = await together
    assert await held

    assert all(isinstance(end, StoreError) for end in ends)
    assert await store.read(_ids) == []
    await store.write(lambda connection: connection.execute(_put(5)))
    assert await store.read(_ids) == [5]


@pytest.fixture
def line(postgresql: ServerDatabase) -> Iterator[CutLine]:
    with CutLine(postgresql.server.folder) as line:
        yield line


@pytest.mark.parametrize("has_arrived", [True, False])
async def test_whether_a_commit_has_landed_is_asked_before_anybody_is_told(
    line: CutLine, postgresql: ServerDatabase, has_arrived: bool
) -> None:
    store = open_store(line.address(postgresql.name), alone=True)
    line.cut_at(b"COMMIT", is_passed_on=has_arrived)
    ends = await asyncio.gather(
        *(store.write(lambda connection, n=n: connection.execute(_put(n))) for n in range(4)), return_exceptions=True
    )

    assert line.cuts == 1
    landed = await store.read(_ids)
    assert landed == [n for n, end in enumerate(ends) if not isinstance(end, Exception)]
    # The first may have been on its way alone: it alone is in doubt then, and those behind it meet a new connection.
    assert (0 in landed) is has_arrived
    await store.close()


async def test_a_doubt_outlasts_the_server_and_others_are_told_at_once(
    line: CutLine, postgresql: ServerDatabase
) -> None:
    store = open_store(line.address(postgresql.name), alone=True)
    line.cut_at(b"COMMIT", is_passed_on=True)
    line.is_refusing = True
    in_doubt = asyncio.get_running_loop().create_task(store.write(lambda connection: connection.execute(_put(1))))
    while not line.cuts:
        await asyncio.sleep(0.01)
    with pytest.raises(StoreError, match="cannot be reached"):
        await store.write(lambda connection: connection.execute(_put(2)))
    assert not in_doubt.done()

    line.is_refusing = False
    await in_doubt
    assert await store.read(_ids) == [1]
    await store.close()


async def test_a_store_that_closes_in_doubt_says_so(line: CutLine, postgresql: ServerDatabase) -> None:
    store = open_store(line.address(postgresql.name), alone=True)
    line.cut_at(b"COMMIT", is_passed_on=False)
    line.is_refusing = True
    in_doubt = asyncio.get_running_loop().create_task(store.write(lambda connection: connection.execute(_put(1))))
    while not line.cuts:
        await asyncio.sleep(0.01)
    await store.close()
    with pytest.raises(StoreError, match="could not be asked"):
        await in_doubt


async def test_a_second_telpher_is_refused_without_telling_a_password(store: Store, postgresql: ServerDatabase) -> None:
    with pytest.raises(SettingsInvalidError, match="another Telpher uses the database") as refused:
        await asyncio.to_thread(open_store, postgresql.where, alone=True)
    assert "DATABASE_URL" in str(refused.value)
    assert await store.read(_ids) == []

    # Who only has something to add may do so beside it.
    beside = await asyncio.to_thread(open_store, postgresql.where)
    await beside.write(lambda connection: connection.execute(_put(1)))
    await beside.close()
    assert await store.read(_ids) == [1]


async def test_who_lost_the_database_to_another_writes_no_more_and_is_told_to_end(
    store: Store, postgresql: ServerDatabase
) -> None:
    lost: asyncio.Future[StoreError] = asyncio.get_running_loop().create_future()
    store.when_lost(lost.set_result)
    await asyncio.to_thread(postgresql.cut_connections)
    other = await asyncio.to_thread(open_store, postgresql.where, alone=True)

    with pytest.raises(StoreError, match="is held by telpher"):
        await store.write(lambda connection: connection.execute(_put(1)))
    assert not lost.done()
    await other.write(lambda connection: connection.execute(_put(2)))
    await other.close()

    for _ in range(2):
        with pytest.raises(StoreError, match="this one ends"):
            await store.write(lambda connection: connection.execute(_put(1)))
    assert "has used the database" in str(await asyncio.wait_for(lost, 5))
    assert await store.read(_ids) == [2]


async def test_who_lost_the_connection_alone_has_the_database_again(store: Store, postgresql: ServerDatabase) -> None:
    for n in range(3):
        await asyncio.to_thread(postgresql.cut_connections)
        await store.write(lambda connection, n=n: connection.execute(_put(n)))
    with pytest.raises(SettingsInvalidError, match="another Telpher"):
        await asyncio.to_thread(open_store, postgresql.where, alone=True)


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("53100", DiskFullError, "disk of the database's server is full"),
        ("58030", StoreError, "machine does not work"),
        ("55P03", StoreError, "another program has locked it"),
        ("25006", StoreError, "is read-only"),
        ("53300", StoreError, "out of something"),
    ],
)
async def test_the_servers_troubles_are_told_in_our_words(
    store: Store, state: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        await store.write(
            lambda connection: connection.exec_driver_sql(f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{state}'; END $$")
        )
    await store.write(lambda connection: connection.execute(_put(1)))


async def test_a_table_that_another_program_holds_is_waited_for_and_not_for_ever(
    store: Store, postgresql: ServerDatabase
) -> None:
    await store.write(lambda connection: connection.exec_driver_sql("SET lock_timeout = '200ms'"))
    with psycopg.connect(str(postgresql.where)) as other:
        other.execute("LOCK TABLE strangers")
        with pytest.raises(StoreError, match="another program has locked it"):
            await store.write(lambda connection: connection.execute(_put(1)))
        other.rollback()
        await store.write(lambda connection: connection.execute(_put(1)))


async def test_commits_wait_for_the_disk_whatever_the_servers_own_rule(postgresql: ServerDatabase) -> None:
    postgresql.server.run(f"ALTER DATABASE {postgresql.name} SET synchronous_commit = off")
    store = open_store(postgresql.where)
    assert await store.write(lambda connection: connection.scalar(sa.text("SHOW synchronous_commit"))) == "on"
    await store.close()


async def test_any_text_and_any_number_of_64_bits_has_its_place(store: Store) -> None:
    words = "nul \0 here, 𝔘nicode, \u202eright to left"

    def put(connection: Connection) -> None:
        connection.execute(sa.insert(searches).values(person_id=1, words=words, created_ms=1))

    await store.write(put)
    kept = await store.read(lambda connection: connection.scalar(sa.select(searches.c.words)))
    assert kept == words.replace("\0", "␀")
    found = sa.select(sa.func.count()).where(searches.c.words == words)
    assert await store.read(lambda connection: connection.scalar(found)) == 1
    far = sa.select(jobs.c.id).where(jobs.c.id == 1 << 62)
    assert await store.read(lambda connection: connection.scalar(far)) is None


async def test_an_error_shows_no_value_that_was_to_be_stored(store: Store) -> None:
    values = {"key": "k", "code_hash": "very-secret", "role": "guest", "made_by": 1, "ends_ms": 1}
    with pytest.raises(sa.exc.IntegrityError) as refused:
        await store.write(lambda connection: connection.execute(sa.insert(invitations).values(values)))
    assert "very-secret" not in str(refused.value).partition("DETAIL")[0]


def test_a_database_of_another_alphabet_is_refused(postgresql_server: PostgresqlServer) -> None:
    postgresql_server.run("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    with pytest.raises(StoreError, match="ENCODING 'UTF8'"):
        open_store(postgresql_server.address("latin"))


def test_what_keeps_us_out_is_told_without_the_password(postgresql_server: PostgresqlServer) -> None:
    role = postgresql_server.new_role("correct horse")
    for address, told in (
        (postgresql_server.address("postgres", role, "battery-staple"), "password authentication failed"),
        (postgresql_server.address("nowhere"), "does not exist"),
        ("postgresql://telpher:battery-staple@127.0.0.1:1/telpher", "cannot be reached"),
    ):
        with pytest.raises(StoreError, match=told) as refused:
            open_store(address)
        assert "battery" not in str(refused.value)
        assert "battery" not in repr(connect_postgresql(address))
    with pytest.raises(SettingsInvalidError) as wrong:
        open_store("postgresql://telpher:battery-staple@host:many/telpher")
    assert "battery" not in str(wrong.value)


def test_a_place_is_told_without_who_goes_there() -> None:
    assert place_of("postgresql://me:secret@db.example:5433/bot") == "bot on db.example:5433"
    assert place_of("postgres:///bot?host=/run/postgresql") == "bot on /run/postgresql"


async def test_a_server_that_is_not_there_yet_is_waited_for(
    postgresql: ServerDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(postgresql.server.stop)
    with caplog.at_level(logging.WARNING):
        opening = asyncio.get_running_loop().create_task(asyncio.to_thread(open_store, postgresql.where, wait_s=30))
        while "waiting for it" not in caplog.text:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(postgresql.server.start)
        store = await opening
    assert await store.read(_ids) == []
    await store.close()


def _shape(engine: sa.Engine) -> dict[str, str]:
    """Every table, index, trigger and function, as the database describes it."""
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
        for query in (
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
            "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal",
            "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
        ):
            shape.update({row[0]: row[1] for row in connection.execute(sa.text(query))})
    return shape


@contextlib.contextmanager
def _engine_of(database: ServerDatabase) -> Iterator[sa.Engine]:
    engine = connect_postgresql(str(database.where))
    try:
        yield engine
    finally:
        engine.dispose()


def test_migrations_build_exactly_the_schema(postgresql_server: PostgresqlServer) -> None:
    built, described = postgresql_server.new_database(), postgresql_server.new_database()
    with _engine_of(built) as by_migrations, _engine_of(described) as by_schema:
        upgrade(by_migrations)
        migrate(by_schema)
        assert stored_revision(by_migrations) == stored_revision(by_schema) == HEAD
        assert "jobs_transitions" in _shape(by_schema)
        assert _shape(by_migrations) == _shape(by_schema)


async def test_a_database_of_a_newer_telpher_is_refused_by_the_one_that_upgrades(postgresql: ServerDatabase) -> None:
    with psycopg.connect(str(postgresql.where)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer Telpher"):
        await asyncio.to_thread(open_store, postgresql.where)


async def test_two_that_open_an_empty_database_at_the_same_time_make_it_once(
    postgresql_server: PostgresqlServer,
) -> None:
    empty = postgresql_server.new_database()
    stores = await asyncio.gather(*(asyncio.to_thread(open_store, empty.where) for _ in range(3)))
    for store in stores:
        assert await store.read(_ids) == []
        await store.close()


def test_without_its_driver_what_to_install_is_told(tmp_path: Path) -> None:
    import subprocess
    import sys

    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from telpher.store import open_store\n"
        "open_store('postgresql://localhost/telpher')\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert "pip install 'telpher[postgresql]'" in ran.stderr
