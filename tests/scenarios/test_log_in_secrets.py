"""Nothing of a log-in lies open: in the database or in a log line."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.driver import Person
from tests.scenarios.conftest import TelpherProcess, TelpherRunning, both_databases, database_of
from tests.scenarios.google_page import answer_page, link_of, state_of
from tests.scenarios.google_rig import google
from tests.scenarios.linking import (
    ANNA,
    ask_for_page,
    connect,
    ready_to_link,
    saved,
    shows,
)

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings
from telpher.store import open_store
from telpher.store.schema import accounts, jobs, logins


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await ready_to_link(telpher_settings, sandbox, tmp_path)


@both_databases
async def test_nothing_of_a_log_in_lies_open(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    await ask_for_page(anna)
    await connect(anna, sandbox, ANNA)
    shown = await ask_for_page(anna)
    store = open_store(database_of(telpher_running.settings))
    try:
        rows = await store.read(
            lambda connection: [
                str(tuple(row))
                for table in (jobs, logins, accounts)
                for row in connection.execute(sa.select(table)).all()
            ]
        )
    finally:
        await store.close()
    assert len(rows) >= 3
    text = "\n".join(rows)
    for sign in ("AH-1Ng", "1//", "ya29.", "GOCSPX", state_of(link_of(shown))):
        assert sign not in text


async def test_no_log_line_holds_a_token(
    telpher_process: TelpherProcess, sandbox: Sandbox, anna: Person, telpher_settings: Settings
) -> None:
    await telpher_process.start(LOG_LEVEL="DEBUG")
    await connect(anna, sandbox, ANNA)
    shown = await ask_for_page(anna)
    address = await answer_page(link_of(shown), ANNA)
    await anna.send_text(address)
    await anna.wait_for(shows("Connected as", ANNA), after=shown["message_id"] - 1)
    await google(sandbox, "POST", "expire", what="access_tokens")
    await saved(anna, "quiet.txt")
    await asyncio.wait_for(telpher_process.stop(), 10)
    log = telpher_process.log
    for sign in ("ya29.", "1//", "AH-1Ng", "GOCSPX", "4/0A", state_of(address)):
        assert sign not in log, sign
    assert sandbox.token not in log
