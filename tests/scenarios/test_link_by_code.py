"""An account is linked by a code on any device: as Google paces it, over a restart; and every failure says why."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, text_of
from tests.scenarios.conftest import TelpherProcess, TelpherRunning
from tests.scenarios.google_page import answer_page, files_of, link_of, write_client
from tests.scenarios.google_rig import google
from tests.scenarios.linking import (
    ANNA,
    BORIS,
    ask_for_code,
    code_in,
    ready_to_link,
    saved,
    shows,
)

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await ready_to_link(telpher_settings, sandbox, tmp_path)


async def test_a_code_links_an_account(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    shown = await ask_for_code(anna)
    assert "enter this code" in text_of(shown)
    code = code_in(shown)
    copies = [button["copy_text"]["text"] for button in buttons_of(shown) if "copy_text" in button]
    assert copies == [code]
    assert f"user_code={code}" in link_of(shown)
    told = await answer_page(link_of(shown), BORIS)
    assert "connected" in told
    done = await anna.wait_for(shows("Connected as", BORIS, "New files go there"))
    assert done["message_id"] == shown["message_id"], "the same message says it"
    await saved(anna, "in google.txt")
    assert await files_of(sandbox, BORIS) == ["in google.txt"]
    assert await files_of(sandbox, ANNA) == []


@pytest.mark.one_language
async def test_in_russian(telpher_running: TelpherRunning, sandbox: Sandbox, boris_himself: Person) -> None:
    shown = await ask_for_code(boris_himself)
    assert "введите этот код" in text_of(shown)
    await answer_page(link_of(shown), BORIS)
    await boris_himself.wait_for(shows("Подключён диск", BORIS, "Новые файлы теперь"))
    shown = await ask_for_code(boris_himself)
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=BORIS, decision="deny")
    failed = await boris_himself.wait_for(shows("отказано", "Начать заново"))
    await boris_himself.press(failed, "Начать заново")
    await boris_himself.wait_for(shows("Какой диск подключить"))


async def test_it_waits_as_told_and_also_over_a_restart(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await telpher_running.add_fault(
        match="POST /token", kind="status", status=403, body='{"error": "slow_down"}', times=1, skip=1
    )
    shown = await ask_for_code(anna)
    await telpher_running.restart()
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=ANNA)
    done = await anna.wait_for(shows("Connected as", ANNA), timeout_s=30)
    assert done["message_id"] == shown["message_id"]


async def test_declined(telpher_running: TelpherRunning, sandbox: Sandbox, boris: Person) -> None:
    shown = await ask_for_code(boris)
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=BORIS, decision="deny")
    failed = await boris.wait_for(shows("was declined", "Begin again"))
    await boris.press(failed, "Begin again")
    await boris.wait_for(shows("Which drive shall I connect"))


async def test_not_in_time(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    await ask_for_code(anna)
    await google(sandbox, "POST", "expire", what="device_codes")
    await anna.wait_for(shows("not finished in time", "Begin again"))


async def test_never_mind(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    shown = await ask_for_code(anna)
    await anna.press(shown, "Never mind")
    await anna.wait_for(shows("nothing was connected"))
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=ANNA)
    await anna.ask("/jobs", shows("Nothing is on its way"))
    listed = await anna.ask("/accounts", shows("Your drives"))
    assert ANNA not in text_of(listed)


async def test_a_later_log_in_takes_the_place_of_an_earlier(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    first = await ask_for_code(anna)
    second = await ask_for_code(anna)
    await anna.wait_until(lambda: "nothing was connected" in text_of(anna.message(first)) or None)
    await google(sandbox, "POST", "device", user_code=code_in(second), account=ANNA)
    await anna.wait_for(shows("Connected as", ANNA))


async def test_a_client_of_the_wrong_type(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    file = telpher_running.settings.google_credentials_file
    assert file is not None
    await write_client(sandbox, file, "desktop")
    ways = await anna.ask("/connect", shows("Which drive"))
    toast = await anna.press(ways, "☁️ Google Drive")
    assert "TVs and Limited Input devices" in toast.text
    await write_client(sandbox, file, "device")
    ways = await boris.ask("/connect", shows("Which drive"))
    toast = await boris.press(ways, "Google Drive, all of it")
    assert "Desktop app" in toast.text


async def test_an_api_that_is_not_enabled(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    body = '{"error": {"code": 403, "message": "off", "errors": [{"reason": "accessNotConfigured"}]}}'
    await telpher_running.add_fault(match="GET /drive/v3/about", kind="status", status=403, body=body, times=1)
    shown = await ask_for_code(anna)
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=ANNA)
    await anna.wait_for(shows("API is not enabled", "Begin again"))


async def test_no_lasting_access(telpher_running: TelpherRunning, anna: Person) -> None:
    body = '{"access_token": "x", "expires_in": 3599, "scope": "https://www.googleapis.com/auth/drive.file"}'
    await telpher_running.add_fault(match="POST /token", kind="status", status=200, body=body, times=1)
    await ask_for_code(anna)
    await anna.wait_for(shows("no lasting access", "Begin again"))


async def test_the_tick_taken_off(telpher_running: TelpherRunning, boris: Person) -> None:
    body = '{"access_token": "x", "refresh_token": "y", "expires_in": 3599, "scope": "openid"}'
    await telpher_running.add_fault(match="POST /token", kind="status", status=200, body=body, times=1)
    await ask_for_code(boris)
    await boris.wait_for(shows("the tick", "Begin again"))


async def test_without_a_client_it_says_what_the_operator_has_to_do(
    telpher_settings: Settings, sandbox: Sandbox, anna: Person, tmp_path: Path
) -> None:
    process = TelpherProcess(
        dataclasses.replace(telpher_settings, google_credentials_file=None), tmp_path / "without.log"
    )
    try:
        await process.start()
        answer = await anna.ask("/connect", shows("GOOGLE_CREDENTIALS_FILE"))
        assert not buttons_of(answer)
        assert await process.stop() == 0
    finally:
        await process.end()


async def test_the_sandbox_has_a_google_to_try_it_with(tmp_path: Path) -> None:
    alone = Settings(data_dir=tmp_path / "alone", web_port=0)
    process = TelpherProcess(alone, tmp_path / "alone.log")
    try:
        await process.start()
        url = next(line for line in process.output if "chat with it at" in line).split()[-1]
        async with Person(url, 1001) as anna:
            shown = await ask_for_code(anna)
            assert link_of(shown).startswith(url)
            told = await answer_page(link_of(shown), ANNA)
            assert "connected" in told
            await anna.wait_for(shows("Connected as", ANNA), timeout_s=30)
        assert await process.stop() == 0
    finally:
        await process.end()
