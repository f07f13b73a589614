"""Telpher on PostgreSQL: the server crashes, is elsewhere, or is another's; files go on, one Telpher at a time, no password is told."""

from __future__ import annotations

import asyncio
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from tests.databases import PostgresqlServer, ServerDatabase
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherProcess, TelpherRunning, add_fault
from tests.scenarios.waits import kept_files

from telpher.sandbox.service import Sandbox
from telpher.settings import Secret, Settings
from telpher.store import hold

pytestmark = pytest.mark.postgresql
PASSWORD = "correct-horse-battery"


@pytest.fixture
def postgresql(postgresql_server: PostgresqlServer) -> Iterator[ServerDatabase]:
    """An empty one: Telpher makes the tables, as somebody who owns nothing but this database."""
    database = postgresql_server.new_database()
    role = postgresql_server.new_role(PASSWORD)
    postgresql_server.run(f"ALTER DATABASE {database.name} OWNER TO {role}")
    database.where = postgresql_server.address(database.name, role, PASSWORD)
    yield database
    postgresql_server.drop(database)


@pytest.fixture
def database_url(postgresql: ServerDatabase) -> str:
    return str(postgresql.where)


async def test_a_server_that_crashes_in_the_middle_loses_and_doubles_nothing(
    telpher_running: TelpherRunning, anna: Person, postgresql: ServerDatabase
) -> None:
    contents = [os.urandom(1_500_000) for _ in range(4)]
    await telpher_running.add_fault(match="GET /file/", kind="bandwidth", bytes_per_s=1_000_000, direction="down")
    for number, content in enumerate(contents):
        await anna.send_file(content, name=f"part {number}.bin", kind="document")
    await anna.wait_for(has_text("%"))
    await asyncio.to_thread(postgresql.server.stop)
    late = await anna.send_file(b"sent while it was away", name="late.txt", kind="document")
    assert late
    await asyncio.sleep(1.0)
    await asyncio.to_thread(postgresql.server.start)

    wanted = sorted([*contents, b"sent while it was away"])
    async with asyncio.timeout(60):
        while sorted(kept_files(telpher_running).values()) != wanted:
            await asyncio.sleep(0.1)
    store = telpher_running.app.store
    async with asyncio.timeout(30):
        while await store.read(lambda c: c.exec_driver_sql("SELECT DISTINCT state FROM jobs").all()) != [
            ("succeeded",)
        ]:
            await asyncio.sleep(0.1)
    assert sorted(kept_files(telpher_running).values()) == wanted


async def test_a_second_telpher_is_refused_in_one_line(
    telpher_running: TelpherRunning, telpher_process: TelpherProcess, tmp_path: Path
) -> None:
    await telpher_process.start(wait_until_ready=False, DATA_DIR=str(tmp_path / "elsewhere"))
    assert await telpher_process.wait() == 2
    (line,) = [line for line in telpher_process.log.splitlines() if "another Telpher" in line]
    assert "DATABASE_URL" in line
    assert "Traceback" not in telpher_process.log
    assert PASSWORD not in telpher_process.log
    assert telpher_running.app.store


async def test_a_telpher_whose_database_another_one_took_ends(
    telpher_process: TelpherProcess, telpher_settings: Settings, postgresql: ServerDatabase, anna: Person
) -> None:
    await telpher_process.start()
    with psycopg.connect(str(telpher_settings.database_url), autocommit=True, application_name="elsewhere") as other:
        # Who stands in line for the lock has it the moment that its holder is cut off.
        waiting = asyncio.get_running_loop().create_task(
            asyncio.to_thread(other.execute, f"SELECT pg_advisory_lock({hold._LOCK})")
        )
        while not postgresql.server.run("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"):
            await asyncio.sleep(0.02)
        await asyncio.to_thread(postgresql.cut_connections, "telpher %")
        await waiting
        other.execute("UPDATE tenures SET number = number + 1, holder = 'telpher elsewhere'")
    await anna.send_text("/start")

    assert await telpher_process.wait() != 0
    assert "another Telpher" in telpher_process.log
    assert "this one ends" in telpher_process.log
    assert PASSWORD not in telpher_process.log


async def test_it_moves_there_and_back_with_all_that_it_knows(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person, telpher_settings: Settings, tmp_path: Path
) -> None:
    await add_fault(sandbox, match="GET /file/", kind="bandwidth", bytes_per_s=700_000, direction="down", times=1)
    content = os.urandom(3_000_000)
    await telpher_process.start(DATABASE_URL="")
    await anna.send_file(content, name="moving.bin", kind="document")
    await anna.wait_for(has_text("moving.bin", "%"), timeout_s=30)
    await telpher_process.stop()
    assert (telpher_settings.data_dir / "telpher.db").exists()

    for url, file in (("", "there.tar.gz"), (str(telpher_settings.database_url), "back.tar.gz")):
        other = str(telpher_settings.database_url) if not url else ""
        await telpher_process.start("backup", str(tmp_path / file), DATABASE_URL=url, wait_until_ready=False)
        assert await telpher_process.wait() == 0, telpher_process.log
        arguments = ("restore", str(tmp_path / file), "--overwrite")
        await telpher_process.start(*arguments, DATABASE_URL=other, wait_until_ready=False)
        assert await telpher_process.wait() == 0, telpher_process.log
        await telpher_process.start(DATABASE_URL=other)
        await anna.wait_for(has_text("moving.bin", "verified"), timeout_s=40)
        assert await telpher_process.stop() == 0
    assert [path.read_bytes() for path in telpher_process.drive_dir.rglob("moving*.bin")] == [content]
    assert PASSWORD not in telpher_process.log


async def test_the_doctor_looks_at_the_server(
    telpher_process: TelpherProcess, telpher_settings: Settings, postgresql: ServerDatabase
) -> None:
    async def told(**environment: str) -> str:
        before = len(telpher_process.output)
        await telpher_process.start("doctor", wait_until_ready=False, **environment)
        with pytest.raises(AssertionError, match="it ended with"):
            await telpher_process.wait_for_line("never said")
        (line,) = [line for line in telpher_process.output[before:] if " database " in line]
        assert PASSWORD not in line
        return line

    careless = await told()
    assert f"{postgresql.name} on" in careless
    assert "fsync" in careless, "the tests' server does not wait for the disk"
    wrong = dataclasses.replace(telpher_settings, database_url=Secret(telpher_settings.database_url + "&port=1"))
    assert "WRONG" in await told(DATABASE_URL=str(wrong.database_url))
