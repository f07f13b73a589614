"""A log-in that ended is told once and won back from the chat; what waited for it goes on, and nothing is lost."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.driver import Person, text_of
from tests.scenarios.conftest import TelpherRunning, database_of
from tests.scenarios.google_page import files_of, link_of, open_page
from tests.scenarios.google_rig import google
from tests.scenarios.linking import (
    ANNA,
    BORIS,
    code_in,
    connect,
    ready_to_link,
    saved,
    shows,
)

from telpher.sandbox.service import Sandbox
from telpher.settings import DriveKind, Settings
from telpher.store import open_store
from telpher.store.schema import accounts

pytestmark = pytest.mark.both_languages


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await ready_to_link(telpher_settings, sandbox, tmp_path)


@pytest.mark.parametrize("is_over_a_restart", [False, True])
async def test_a_log_in_that_ended_is_told_once_and_goes_on(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person, is_over_a_restart: bool
) -> None:
    await connect(anna, sandbox, ANNA)
    await connect(boris, sandbox, BORIS)
    await google(sandbox, "POST", "revoke", account=ANNA)
    for name in ("one.bin", "two.bin", "three.bin"):
        await anna.send_file(os.urandom(100_000), name=name, kind="document")
    for name in ("one.bin", "two.bin", "three.bin"):
        await anna.wait_for(shows(name, "no longer lets me in"), timeout_s=30)
    told = await anna.wait_for(shows(ANNA, "nothing is lost", "Log in again"))
    await saved(boris, "others go on.txt")
    if is_over_a_restart:
        await telpher_running.restart()
    await anna.send_file(os.urandom(100_000), name="four.bin", kind="document")
    await anna.wait_for(shows("four.bin", "no longer lets me in"))
    assert len([message for message in anna.messages if "nothing is lost" in text_of(message)]) == 1
    await anna.press(told, "Log in again")
    shown = await anna.wait_for_change(told, link_of)
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=BORIS)
    wrong = await anna.wait_for_change(shown, shows("This was to renew", ANNA, BORIS))
    await anna.press(wrong, "Begin again")
    shown = await anna.wait_for_change(wrong, lambda message: "-" in text_of(message) and link_of(message))
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=ANNA)
    await anna.wait_for_change(shown, shows("Connected as", ANNA, "4 jobs that waited"))
    for name in ("one.bin", "two.bin", "three.bin", "four.bin"):
        await anna.wait_for(shows(name, "verified"), timeout_s=40)
    assert await files_of(sandbox, ANNA) == ["four.bin", "one.bin", "three.bin", "two.bin"]
    assert await files_of(sandbox, BORIS) == ["others go on.txt"]


async def test_a_log_in_of_an_app_in_testing_says_so(
    telpher_running: TelpherRunning, sandbox: Sandbox, boris: Person
) -> None:
    await connect(boris, sandbox, BORIS)
    store = open_store(database_of(telpher_running.settings))
    try:
        week_ms = 7 * 24 * 3600 * 1000
        old = sa.update(accounts).values(changed_ms=accounts.c.changed_ms - week_ms - 1000)
        await store.write(lambda connection: connection.execute(old))
    finally:
        await store.close()
    await google(sandbox, "POST", "revoke", account=BORIS)
    await google(sandbox, "POST", "expire", what="access_tokens")
    await boris.send_file(b"x", name="ждёт.txt", kind="document")
    await boris.wait_for(shows("ждёт.txt", "Testing"))
    await boris.wait_for(shows(BORIS, "after seven days", "Log in again"))
    listed = await boris.ask("/accounts", shows("needs you to log in again"))
    await boris.press(listed, BORIS)
    await boris.wait_for_change(listed, shows("Log in again"))


@pytest.mark.one_language
async def test_one_refresh_at_a_time(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    await connect(anna, sandbox, ANNA)
    await saved(anna, "first.txt")
    await google(sandbox, "POST", "expire", what="access_tokens")
    before = await _token_calls(sandbox)
    for number in range(6):
        await anna.send_file(os.urandom(1000), name=f"{number}.bin", kind="document")
    for number in range(6):
        await anna.wait_for(shows(f"{number}.bin", "verified"), timeout_s=30)
    assert await _token_calls(sandbox) - before == 1


async def _token_calls(sandbox: Sandbox) -> int:
    _, text = await open_page(f"{sandbox.url}/sandbox/log")
    return text.count('"/token"')


async def test_the_settings_account_is_won_back_from_the_chat_too(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person, tmp_path: Path
) -> None:
    granted = await google(sandbox, "POST", "token", scope="https://www.googleapis.com/auth/drive.file")
    token_file = tmp_path / "token.json"
    token_file.write_text(json.dumps(granted))
    await telpher_running.app.stop()
    telpher_running.settings = dataclasses.replace(
        telpher_running.settings, drive=DriveKind.GOOGLE, google_token_file=token_file
    )
    telpher_running.app = type(telpher_running.app)(telpher_running.settings)
    await telpher_running.app.start()
    await boris.ask("/files", shows("no drive", "/connect", "Connect a drive"))
    await google(sandbox, "POST", "revoke")
    await anna.send_file(b"patience", name="waits.txt", kind="document")
    await anna.wait_for(shows("waits.txt", "no longer lets me in"))
    told = await anna.wait_for(shows("nothing is lost", "Log in again"))
    await anna.press(told, "Log in again")
    shown = await anna.wait_for_change(told, link_of)
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=ANNA)
    await anna.wait_for_change(shown, shows("Connected as", ANNA, "1 job that waited"))
    await anna.wait_for(shows("waits.txt", "verified"))
    await telpher_running.restart()
    await saved(anna, "after a restart.txt")
    assert await files_of(sandbox, ANNA) == ["after a restart.txt", "waits.txt"]
    await connect(boris, sandbox, BORIS)
    await saved(boris, "его.txt")
    assert await files_of(sandbox, BORIS) == ["его.txt"]
