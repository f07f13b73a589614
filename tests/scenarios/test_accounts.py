"""Each person's own account: linked from the chat, listed, switched, ended, lost and won back; in both languages."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.async_api import expect
from tests.driver import Person, buttons_of, text_of
from tests.driver.messages import Message
from tests.driver.window import MISSING, chromium_path, launched
from tests.scenarios.conftest import TelpherProcess, TelpherRunning
from tests.scenarios.google_page import (
    answer_page,
    files_of,
    google,
    link_of,
    open_page,
    state_of,
    write_client,
)

from telpher.sandbox.service import Sandbox
from telpher.settings import DriveKind, Settings
from telpher.store import open_store
from telpher.store.schema import accounts, jobs, logins

ANNA, BORIS = "anna@example.com", "boris@example.com"


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    """Two owners, the folder drive, and a Google client of the operator's."""
    await google(sandbox, "POST", "settings", device_interval_s=0.1)
    await google(sandbox, "POST", "accounts", email=BORIS, name="Boris")
    client = await write_client(sandbox, tmp_path / "credentials.json")
    return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002), google_credentials_file=client)


@pytest.fixture
async def boris(sandbox: Sandbox) -> AsyncIterator[Person]:
    async with Person(sandbox.url, 1002) as person:
        yield person


def shows(*parts: str) -> Callable[[Message], bool]:
    """A predicate: the bot wrote this, and every part stands in it or on its buttons."""

    def predicate(message: Message) -> bool:
        seen = "\n".join([text_of(message), *(button["text"] for button in buttons_of(message))]).casefold()
        return bool(message["from"]["is_bot"]) and all(part.casefold() in seen for part in parts)

    return predicate


def code_in(message: Message) -> str:
    found = re.search(r"[A-Z]{4}-[A-Z]{4}", text_of(message))
    assert found is not None, text_of(message)
    return found.group()


async def ask_for_code(person: Person) -> Message:
    """/connect, Google Drive: the message with the code."""
    ways = await person.ask("/connect", lambda message: len(buttons_of(message)) == 2)
    await person.press(ways, buttons_of(ways)[0]["text"])
    return await person.wait_for_change(ways, lambda message: "-" in text_of(message) and link_of(message))


async def ask_for_page(person: Person) -> Message:
    """/connect, Google Drive, all of it: the message with the way to Google's page."""
    ways = await person.ask("/connect", lambda message: len(buttons_of(message)) == 2)
    await person.press(ways, buttons_of(ways)[1]["text"])
    return await person.wait_for_change(ways, link_of)


async def connect(person: Person, sandbox: Sandbox, account: str) -> Message:
    """Log in with a code."""
    shown = await ask_for_code(person)
    await google(sandbox, "POST", "device", user_code=code_in(shown), account=account)
    return await person.wait_for(shows(account, "✅"), after=shown["message_id"] - 1)


async def connect_whole(person: Person, sandbox: Sandbox, account: str) -> Message:
    """Log in in a browser that is on the bot's machine."""
    shown = await ask_for_page(person)
    status, _ = await open_page(await answer_page(link_of(shown), account))
    assert status == 200
    return await person.wait_for(shows(account, "✅"), after=shown["message_id"] - 1)


async def saved(person: Person, name: str, content: bytes = b"content") -> Message:
    sent = await person.send_file(content, name=name, kind="document")
    return await person.wait_for(shows(name, "✅"), after=sent, timeout_s=30)


# ---- a drive for each person


async def test_two_owners_do_not_share_a_folder(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    await saved(anna, "annas.txt")
    await saved(boris, "борису.txt")
    hers, his = await anna.ask("/files"), await boris.ask("/files")
    assert "annas.txt" in str(buttons_of(hers))
    assert "борису.txt" in str(buttons_of(his))
    assert "борису.txt" not in str(buttons_of(hers))
    assert "annas.txt" not in str(buttons_of(his))
    assert (telpher_running.drive_dir / "annas.txt").read_bytes() == b"content"
    assert (telpher_running.settings.data_dir / "drives" / "1002" / "борису.txt").exists()


# ---- the code


@pytest.mark.parametrize("who", ["anna", "boris"])
async def test_a_code_links_an_account(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person, who: str
) -> None:
    person = {"anna": anna, "boris": boris}[who]
    words = {
        "anna": ("enter this code", "Connected as", "New files go there"),
        "boris": ("введите этот код", "Подключён диск", "Новые файлы теперь"),
    }[who]
    shown = await ask_for_code(person)
    assert words[0] in text_of(shown)
    code = code_in(shown)
    copies = [button["copy_text"]["text"] for button in buttons_of(shown) if "copy_text" in button]
    assert copies == [code]
    assert f"user_code={code}" in link_of(shown)
    told = await answer_page(link_of(shown), BORIS)
    assert "connected" in told
    done = await person.wait_for(shows(words[1], BORIS, words[2]))
    assert done["message_id"] == shown["message_id"], "the same message says it"
    await saved(person, "in google.txt")
    assert await files_of(sandbox, BORIS) == ["in google.txt"]
    assert await files_of(sandbox, ANNA) == []


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
    failed = await boris.wait_for(shows("отказано", "Начать заново"))
    await boris.press(failed, "Начать заново")
    await boris.wait_for(shows("Какой диск подключить"))


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
    ways = await boris.ask("/connect", shows("Какой диск"))
    toast = await boris.press(ways, "целиком")
    assert "Приложение для ПК" in toast.text


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
    await boris.wait_for(shows("галочка", "Начать заново"))


async def test_nothing_of_a_log_in_lies_open(telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person) -> None:
    await ask_for_page(anna)
    await connect(anna, sandbox, ANNA)
    shown = await ask_for_page(anna)
    store = open_store(telpher_running.settings.data_dir / "telpher.db")
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


# ---- the whole drive


@pytest.mark.parametrize("who", ["anna", "boris"])
async def test_the_pasted_address_links_the_whole_drive(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person, who: str
) -> None:
    person = {"anna": anna, "boris": boris}[who]
    words = {"anna": ("cannot be opened", "Connected as"), "boris": ("не открывается", "Подключён диск")}[who]
    shown = await ask_for_page(person)
    assert words[0] in text_of(shown)
    assert "code_challenge_method=S256" in link_of(shown)
    address = await answer_page(link_of(shown), BORIS)
    pasted = await person.send_text(address)
    done = await person.wait_for(shows(words[1], BORIS))
    assert done["message_id"] == shown["message_id"]
    assert not person.has_message(pasted), "an address that could end a log-in does not stay in the chat"
    again = await person.send_text(address)
    await person.wait_for(shows("/connect"), after=again)
    assert not person.has_message(again)


async def test_the_browser_on_this_machine_needs_no_pasting(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    shown = await ask_for_page(anna)
    address = await answer_page(link_of(shown), ANNA)
    assert f":{telpher_running.app.web_port}/oauth/google" in address
    status, text = await open_page(address)
    assert (status, f"Connected as {ANNA}" in text) == (200, True)
    await anna.wait_for(shows("Connected as", ANNA))
    status, text = await open_page(address)
    assert "each works once" in text


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
    assert "Я сам замечу" in text_of(shown)
    address = await answer_page(link_of(shown), BORIS)
    assert address.startswith(f"{public}/oauth/google?")
    status, text = await open_page(address)
    assert (status, f"Подключён диск {BORIS}" in text) == (200, True)
    await boris.wait_for(shows("Подключён диск", BORIS))


async def test_the_page_works_only_for_its_person(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    shown = await ask_for_page(anna)
    address = await answer_page(link_of(shown), ANNA)
    await boris.ask(address, shows("не относится ни к одному"))
    await anna.send_text(f"here it is: {address.removeprefix('http://')}")
    await anna.wait_for(shows("Connected as", ANNA))
    assert ANNA not in text_of(await boris.ask("/accounts"))


async def test_declined_and_too_late_in_the_browser(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    shown = await ask_for_page(anna)
    await anna.send_text(await answer_page(link_of(shown), ANNA, "deny"))
    await anna.wait_for(shows("declined", "Begin again"))
    shown = await ask_for_page(anna)
    address = await answer_page(link_of(shown), ANNA)
    store = open_store(telpher_running.settings.data_dir / "telpher.db")
    try:
        late = sa.update(logins).values(created_ms=logins.c.created_ms - 601_000)
        await store.write(lambda connection: connection.execute(late))
    finally:
        await store.close()
    await anna.send_text(address)
    await anna.wait_for(shows("not finished in time", "Begin again"), after=shown["message_id"] - 1)


# ---- what is connected


async def test_accounts_shows_scope_date_and_room(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    await google(sandbox, "POST", "quota", account=ANNA, limit_bytes=1000)
    await connect(anna, sandbox, ANNA)
    await saved(anna, "half.bin", os.urandom(500))
    listed = await anna.ask("/accounts", shows("Your drives"))
    text = text_of(listed)
    assert "Folder on this server" in text
    assert f"✔️ {ANNA}" in text
    assert "only the files that I put there" in text
    assert "since " in text
    assert "▰▰▰▰▰▰▱▱▱▱▱▱ 50 %" in text
    assert "500 B of 1 KB used" in text
    await connect_whole(boris, sandbox, BORIS)
    text = text_of(await boris.ask("/accounts"))
    assert "весь диск" in text
    assert "Папка на этом сервере" in text
    assert ANNA not in text


async def test_switching_decides_where_new_files_go(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna, sandbox, ANNA)
    await connect(anna, sandbox, BORIS)
    await saved(anna, "first.txt")
    assert await files_of(sandbox, BORIS) == ["first.txt"]
    listed = await anna.ask("/accounts", shows("Your drives"))
    await anna.press(listed, ANNA)
    card = await anna.wait_for_change(listed, shows(ANNA, "New files here"))
    toast = await anna.press(card, "New files here")
    assert toast.text == "New files go here now"
    await telpher_running.restart()
    receipt = await saved(anna, "second.txt")
    assert await files_of(sandbox, ANNA) == ["second.txt"]
    listed = await anna.ask("/accounts")
    await anna.press(listed, "Folder")
    await anna.press(await anna.wait_for_change(listed), "New files here")
    await saved(anna, "third.txt")
    assert (telpher_running.drive_dir / "third.txt").exists()
    # Old buttons keep to the drive that they were made for.
    await anna.press(receipt, "Delete")
    await anna.wait_for(shows("second.txt", "trash"))
    assert await files_of(sandbox, ANNA) == []


async def test_disconnecting_asks_revokes_and_ends_what_is_on_its_way(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna, sandbox, ANNA)
    receipt = await saved(anna, "stays.txt")
    await telpher_running.add_fault(match="PUT /upload/", kind="bandwidth", bytes_per_s=150_000, direction="up")
    sent = await anna.send_file(os.urandom(7_000_000), name="slow.bin", kind="document")
    await anna.wait_for(shows("slow.bin", "%"), after=sent, timeout_s=30)
    listed = await anna.ask("/accounts", shows(ANNA))
    await anna.press(listed, ANNA)
    card = await anna.wait_for_change(listed, shows("Disconnect"))
    await anna.press(card, "Disconnect")
    question = await anna.wait_for_change(card, shows("Disconnect", "Yes"))
    await anna.press(question, "Keep it")
    card = await anna.wait_for_change(question, shows("Disconnect"))
    await anna.press(card, "Disconnect")
    question = await anna.wait_for_change(card, shows("Disconnect", "Yes"))
    await anna.press(question, "Yes, disconnect")
    await anna.wait_for_change(question, shows("is disconnected"))
    await anna.wait_for(shows("slow.bin", "was disconnected"), after=sent, timeout_s=30)
    revoked = await google(sandbox, "POST", "revoke", account=ANNA)
    assert revoked == {"revoked": 0}, "nothing was left to be revoked"
    assert await files_of(sandbox, ANNA) == ["stays.txt"]
    toast = await anna.press(receipt, "Get back")
    assert "disconnected" in toast.text
    await saved(anna, "to the folder.txt")
    assert (telpher_running.drive_dir / "to the folder.txt").exists()


async def test_what_two_people_linked_is_not_revoked_by_one(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    for person in (anna, boris):
        await connect(person, sandbox, ANNA)
    listed = await boris.ask("/accounts", shows(ANNA))
    await boris.press(listed, ANNA)
    await boris.press(await boris.wait_for_change(listed), "Отключить")
    await boris.press(await boris.wait_for(shows("Да, отключить")), "Да, отключить")
    await boris.wait_for(shows(ANNA, "отключено"))
    await saved(anna, "still works.txt")
    assert await files_of(sandbox, ANNA) == ["still works.txt"]


async def test_shared_drives_and_a_team(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    drive_id = (await google(sandbox, "POST", "drives", name="Harvest", members={ANNA: "organizer"}))["id"]
    await connect_whole(anna, sandbox, ANNA)
    listed = await anna.ask("/accounts", shows(ANNA))
    await anna.press(listed, ANNA)
    await anna.press(await anna.wait_for_change(listed), "Shared drives")
    choices = await anna.wait_for(shows("Which shared drive", "Harvest"))
    await anna.press(choices, "Harvest")
    card = await anna.wait_for_change(choices, shows("Harvest", "shared drive", "Offer"))
    await anna.press(card, "New files here")
    card = await anna.wait_for_change(card, shows("New files go here"))
    assert "Harvest" not in text_of(await boris.ask("/accounts"))
    await saved(anna, "plan.txt")
    listed_files = await google(sandbox, "GET", "files")
    assert [file["drive_id"] for file in listed_files if file["name"] == "plan.txt"] == [drive_id]
    await anna.press(card, "Offer to the team")
    card = await anna.wait_for_change(card, shows("Your team may use it"))
    his = await boris.ask("/accounts", shows("Harvest", "общий диск вашей команды"))
    await boris.press(his, "Harvest")
    his_card = await boris.wait_for_change(his, shows("Новые файлы сюда"))
    assert not [button for button in buttons_of(his_card) if "Отключить" in button["text"]]
    await boris.press(his_card, "Новые файлы сюда")
    await saved(boris, "план.txt")
    listed_files = await google(sandbox, "GET", "files")
    assert [file["drive_id"] for file in listed_files if file["name"] == "план.txt"] == [drive_id]
    await anna.press(card, "No longer for the team")
    await anna.wait_for_change(card, shows("Offer to the team"))
    assert "Harvest" not in text_of(await boris.ask("/accounts"))
    await saved(boris, "снова свой.txt")
    assert (telpher_running.settings.data_dir / "drives" / "1002" / "снова свой.txt").exists()


# ---- a log-in that ends


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
    store = open_store(telpher_running.settings.data_dir / "telpher.db")
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
    await boris.wait_for(shows(BORIS, "через семь дней", "Войти снова"))
    listed = await boris.ask("/accounts", shows("нужно войти снова"))
    await boris.press(listed, BORIS)
    await boris.wait_for_change(listed, shows("Войти снова"))


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
    await boris.ask("/files", shows("нет диска", "/connect", "Подключить диск"))
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


# ---- with a real browser


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
