"""The whole drive is linked in the person's browser: pasted or caught, by them alone; every failure says why."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.async_api import expect
from tests.driver import Person, text_of
from tests.driver.interpreter import in_english
from tests.driver.window import MISSING, chromium_path, launched
from tests.scenarios.conftest import TelpherRunning, both_databases, database_of
from tests.scenarios.google_page import answer_page, files_of, link_of, open_page, write_client
from tests.scenarios.linking import (
    ANNA,
    BORIS,
    ask_for_code,
    ask_for_page,
    code_in,
    ready_to_link,
    saved,
    shows,
)

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings
from telpher.store import open_store
from telpher.store.schema import logins

pytestmark = pytest.mark.both_languages


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await ready_to_link(telpher_settings, sandbox, tmp_path)


async def test_the_pasted_address_links_the_whole_drive(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    shown = await ask_for_page(anna)
    assert "cannot be opened" in text_of(shown)
    assert "code_challenge_method=S256" in link_of(shown)
    address = await answer_page(link_of(shown), BORIS)
    pasted = await anna.send_text(address)
    done = await anna.wait_for(shows("Connected as", BORIS))
    assert done["message_id"] == shown["message_id"]
    assert not anna.has_message(pasted), "an address that could end a log-in does not stay in the chat"
    again = await anna.send_text(address)
    await anna.wait_for(shows("/connect"), after=again)
    assert not anna.has_message(again)


@pytest.mark.one_language
async def test_in_russian(telpher_running: TelpherRunning, boris_himself: Person) -> None:
    shown = await ask_for_page(boris_himself)
    assert "не открывается" in text_of(shown)
    await boris_himself.send_text(await answer_page(link_of(shown), BORIS))
    await boris_himself.wait_for(shows("Подключён диск", BORIS))


async def test_no_lasting_access(telpher_running: TelpherRunning, anna: Person) -> None:
    body = '{"access_token": "x", "expires_in": 3599, "scope": "https://www.googleapis.com/auth/drive"}'
    await telpher_running.add_fault(match="POST /token", kind="status", status=200, body=body, times=1)
    shown = await ask_for_page(anna)
    await anna.send_text(await answer_page(link_of(shown), ANNA))
    await anna.wait_for(shows("no lasting access", "Begin again"))


async def test_the_tick_taken_off(telpher_running: TelpherRunning, anna: Person) -> None:
    body = '{"access_token": "x", "refresh_token": "y", "expires_in": 3599, "scope": "openid"}'
    await telpher_running.add_fault(match="POST /token", kind="status", status=200, body=body, times=1)
    shown = await ask_for_page(anna)
    await anna.send_text(await answer_page(link_of(shown), ANNA))
    await anna.wait_for(shows("the tick", "Begin again"))


async def test_an_api_that_is_not_enabled(telpher_running: TelpherRunning, anna: Person) -> None:
    body = '{"error": {"code": 403, "message": "off", "errors": [{"reason": "accessNotConfigured"}]}}'
    await telpher_running.add_fault(match="GET /drive/v3/about", kind="status", status=403, body=body, times=1)
    shown = await ask_for_page(anna)
    await anna.send_text(await answer_page(link_of(shown), ANNA))
    await anna.wait_for(shows("API is not enabled", "Begin again"))


async def test_the_browser_on_this_machine_needs_no_pasting(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    shown = await ask_for_page(anna)
    address = await answer_page(link_of(shown), ANNA)
    assert f":{telpher_running.app.web_port}/oauth/google" in address
    status, text = await open_page(address)
    assert (status, f"Connected as {ANNA}" in in_english(text)) == (200, True)
    await anna.wait_for(shows("Connected as", ANNA))
    status, text = await open_page(address)
    assert "each works once" in in_english(text)


async def test_a_public_address_catches_the_page(
    telpher_running: TelpherRunning, sandbox: Sandbox, tmp_path: Path, boris: Person
) -> None:
    settings = telpher_running.settings
    public = f"http://127.0.0.1:{telpher_running.app.web_port}/behind/a/proxy"
    web_client = await write_client(sandbox, tmp_path / "web.json", "web", f"{public}/oauth/google")
    await telpher_running.app.stop()
    telpher_running.settings = dataclasses.replace(
        settings,
        webhook_url=public,
        web_port=int(public.split(":")[2].partition("/")[0]),
        google_whole_drive_credentials_file=web_client,
    )
    telpher_running.app = type(telpher_running.app)(telpher_running.settings)
    await telpher_running.app.start()
    shown = await ask_for_page(boris)
    assert "by myself" in text_of(shown)
    address = await answer_page(link_of(shown), BORIS)
    assert address.startswith(f"{public}/oauth/google?")
    status, text = await open_page(address)
    assert (status, f"Connected as {BORIS}" in in_english(text)) == (200, True)
    await boris.wait_for(shows("Connected as", BORIS))


async def test_the_page_works_only_for_its_person(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    shown = await ask_for_page(anna)
    address = await answer_page(link_of(shown), ANNA)
    await boris.ask(address, shows("belongs to no log-in"))
    await anna.send_text(f"here it is: {address.removeprefix('http://')}")
    await anna.wait_for(shows("Connected as", ANNA))
    assert ANNA not in text_of(await boris.ask("/accounts"))


@both_databases
async def test_declined_and_too_late_in_the_browser(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    shown = await ask_for_page(anna)
    await anna.send_text(await answer_page(link_of(shown), ANNA, "deny"))
    await anna.wait_for(shows("declined", "Begin again"))
    shown = await ask_for_page(anna)
    address = await answer_page(link_of(shown), ANNA)
    store = open_store(database_of(telpher_running.settings))
    try:
        late = sa.update(logins).values(created_ms=logins.c.created_ms - 601_000)
        await store.write(lambda connection: connection.execute(late))
    finally:
        await store.close()
    await anna.send_text(address)
    await anna.wait_for(shows("not finished in time", "Begin again"), after=shown["message_id"] - 1)


@pytest.mark.one_language
@pytest.mark.chromium
@pytest.mark.slow
async def test_both_ways_in_chromium(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    if chromium_path() is None:
        pytest.skip(MISSING)
    async with launched() as browser:
        page = await browser.new_page()
        shown = await ask_for_code(anna)
        await page.goto(link_of(shown).partition("?")[0])
        await page.get_by_label("Code").fill(code_in(shown))
        await page.get_by_role("button", name="Next").click()
        await page.get_by_label(ANNA).check()
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_text("Your device is connected")).to_be_visible()
        await anna.wait_for(shows("Connected as", ANNA))
        shown = await ask_for_page(anna)
        await page.goto(link_of(shown))
        await expect(page.get_by_text("all of your Google Drive files")).to_be_visible()
        await page.get_by_label(BORIS).check()
        await page.get_by_role("button", name="Allow").click()
        await expect(page.get_by_text(f"Connected as {BORIS}")).to_be_visible()
        await anna.wait_for(shows("Connected as", BORIS))
    await saved(anna, "through the browser.txt")
    assert await files_of(sandbox, BORIS) == ["through the browser.txt"]
