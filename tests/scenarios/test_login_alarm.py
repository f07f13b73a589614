"""That an account needs a new log-in is told once, also when the process that noticed it died before it could say so."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from tests.driver import Person, buttons_of, has_text
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherProcess, TelpherRunning
from tests.scenarios.google_page import answer_page, google, link_of, open_page, write_client
from tests.scenarios.waits import all_is_handled, eventually

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings
from telpher.store import open_store
from telpher.store.schema import login_alarms, paused_accounts

pytestmark = pytest.mark.both_languages

ANNA = "anna@example.com"
TOLD = "nothing is lost"


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    client = await write_client(sandbox, tmp_path / "credentials.json")
    return dataclasses.replace(telpher_settings, owner_ids=(1001,), google_credentials_file=client)


async def connect(person: Person) -> None:
    ways = await person.ask("/connect", lambda message: len(buttons_of(message)) == 2)
    await person.press(ways, buttons_of(ways)[1]["text"])
    shown = await person.wait_for_change(ways, link_of)
    await open_page(await answer_page(link_of(shown), ANNA))
    await person.wait_for_change(shown, has_text(ANNA))


async def end_log_in(sandbox: Sandbox) -> None:
    await google(sandbox, "POST", "revoke", account=ANNA)
    await google(sandbox, "POST", "expire", what="access_tokens")


async def no_more_faults(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as http, http.delete(f"{sandbox.url}/sandbox/faults") as answer:
        assert answer.status == 200


async def has_rows(settings: Settings, table: sa.Table) -> bool:
    """Seen from another process."""
    store = open_store(settings.data_dir / "telpher.db")
    try:
        query = sa.select(sa.func.count()).select_from(table)
        return bool(await store.read(lambda connection: connection.scalar(query)))
    finally:
        await store.close()


def told(person: Person) -> list[Message]:
    return [message for message in person.messages if has_text(ANNA, TOLD)(message)]


async def test_a_kill_before_it_was_sent(
    telpher_process: TelpherProcess, telpher_settings: Settings, sandbox: Sandbox, anna: Person
) -> None:
    await telpher_process.start()
    await connect(anna)
    await end_log_in(sandbox)
    # Telegram has no room for messages from now on, so that the notice is on its way when the process dies.
    rule = {"match": "sendMessage", "kind": "status", "status": 429, "retry_after": 60, "times": 1000}
    async with aiohttp.ClientSession() as http, http.post(f"{sandbox.url}/sandbox/faults", json=rule) as answer:
        assert answer.status == 200, await answer.text()
    await anna.send_file(b"waits", name="waits.txt", kind="document")

    async def is_paused() -> bool:
        return await has_rows(telpher_settings, paused_accounts)

    async def is_noted() -> bool:
        return await has_rows(telpher_settings, login_alarms)

    await eventually(is_paused)
    await telpher_process.kill()
    assert told(anna) == []
    await no_more_faults(sandbox)
    await telpher_process.start()
    await anna.wait_for(has_text(ANNA, TOLD))
    await eventually(is_noted)
    await telpher_process.kill()
    await telpher_process.start()
    await anna.send_file(b"waits too", name="later.txt", kind="document")
    await anna.wait_for(has_text("later.txt", "no longer lets me in"))
    assert len(told(anna)) == 1


async def test_a_telegram_that_is_away_is_waited_for(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna)
    await end_log_in(sandbox)
    await telpher_running.add_fault(match="sendMessage", kind="status", status=502, times=8)
    await anna.send_file(b"waits", name="waits.txt", kind="document")
    await anna.wait_for(has_text(ANNA, TOLD), timeout_s=60)
    await all_is_handled(telpher_running, anna)
    assert len(told(anna)) == 1
