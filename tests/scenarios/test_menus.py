"""Everybody's command menu offers what they may do, in their language, and follows their role."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.driver import Person, has_text
from tests.driver.messages import Message, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import all_is_handled, eventually

from telpher.access import Role
from telpher.bot.commands import COMMANDS, commands_for
from telpher.bot.texts import Texts
from telpher.settings import Settings

ANNA, BORIS = 1001, 1002
FOR_OWNERS = {"invite", "people", "stats", "doctor"}


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(telpher_settings, owner_ids=(ANNA,))


@pytest.fixture
async def boris(telpher_running: TelpherRunning) -> AsyncIterator[Person]:
    async with Person(telpher_running.sandbox.url, BORIS) as person:
        yield person


async def menu(running: TelpherRunning, person_id: int, language: str, chat_id: int | None = None) -> dict[str, str]:
    """As their app shows it: command → description."""
    where = {"user_id": person_id, "chat_id": chat_id or person_id}
    url = f"{running.sandbox.url}/chat/api/state"
    async with aiohttp.ClientSession() as http, http.get(url, params=where) as answer:
        listed = (await answer.json())["bot"]["commands"]
    return {one["command"]: one["description"] for one in listed.get(language, listed["default"])}


async def shows(running: TelpherRunning, person_id: int, language: str, role: Role) -> None:
    """Wait until that is what they see."""
    texts = Texts.for_language(language)
    wanted = {command.name: texts.t(command.text_key) for command in commands_for(role)}

    async def is_so() -> bool:
        return await menu(running, person_id, language) == wanted

    await eventually(is_so)


async def asked_of_telegram(running: TelpherRunning) -> int:
    url = f"{running.sandbox.url}/sandbox/log"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        log = await answer.json()
    listed = log["requests"] if isinstance(log, dict) else log
    return len([one for one in listed if "MyCommands" in one["path"] and one["status"] == 200])


async def invite(anna: Person, role: str) -> Message:
    question = await anna.ask("/invite", has_text("Whom"))
    await anna.press(question, role)
    return question


async def let_in(anna: Person, boris: Person) -> None:
    question = await invite(anna, "member")
    shown = await anna.wait_for_change(question, has_text("?start="))
    await boris.send_text(f"/start {text_of(shown).partition('?start=')[2].split()[0]}")
    await boris.wait_for(has_text("Boris"))


def test_each_role_is_offered_what_it_may() -> None:
    names = {role: {command.name for command in commands_for(role)} for role in Role}
    assert names[Role.OWNER] == {command.name for command in COMMANDS}
    assert names[Role.MEMBER] == names[Role.OWNER] - FOR_OWNERS
    assert names[Role.GUEST] == {"jobs", "me", "hello", "whoami", "help", "start"}
    assert names[Role.STRANGER] == {"start"}


async def test_it_follows_the_role(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    (telpher_running.drive_dir / "From guests").mkdir(parents=True)
    for language in ("en", "ru"):
        await shows(telpher_running, ANNA, language, Role.OWNER)
        await shows(telpher_running, BORIS, language, Role.STRANGER)
    await let_in(anna, boris)
    for language in ("en", "ru"):
        await shows(telpher_running, BORIS, language, Role.MEMBER)
    listing = await anna.ask("/people", has_text("Boris"))
    await anna.press(listing, "Boris")
    await anna.wait_for(lambda message: "guest" in str(message.get("reply_markup")))
    await anna.press(listing, "guest")
    await anna.wait_for(lambda message: "From guests" in str(message.get("reply_markup")))
    await anna.press(listing, "From guests")
    await anna.wait_for(has_text("From guests"))
    await anna.press(listing, "This folder")
    await shows(telpher_running, BORIS, "ru", Role.GUEST)
    await anna.press(listing, "member")
    await shows(telpher_running, BORIS, "ru", Role.MEMBER)
    await anna.press(listing, "Remove")
    await anna.wait_for(has_text("Remove Boris?"))
    await anna.press(listing, "Yes, remove")
    for language in ("en", "ru"):
        await shows(telpher_running, BORIS, language, Role.STRANGER)
    await shows(telpher_running, ANNA, "en", Role.OWNER)


async def test_a_start_asks_only_for_what_has_changed(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await let_in(anna, boris)
    await shows(telpher_running, BORIS, "ru", Role.MEMBER)
    await all_is_handled(telpher_running, anna)
    before = await asked_of_telegram(telpher_running)
    await telpher_running.restart()

    async def is_asked() -> bool:
        return await asked_of_telegram(telpher_running) >= before + 4

    await eventually(is_asked)
    await all_is_handled(telpher_running, anna)
    assert await asked_of_telegram(telpher_running) == before + 4, "what strangers and groups see, in two languages"
    # Whoever was removed while we were interrupted is looked after at the next start.
    desk = telpher_running.app.desk
    await desk.menus.stop()
    await desk.access.shut_out(BORIS)
    await telpher_running.restart()
    await shows(telpher_running, BORIS, "ru", Role.STRANGER)


async def test_a_telegram_that_is_away_is_waited_for_and_a_closed_chat_is_not(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await shows(telpher_running, ANNA, "en", Role.OWNER)
    await telpher_running.add_fault(match="setMyCommands", kind="status", status=502, times=3)
    await let_in(anna, boris)
    await shows(telpher_running, BORIS, "ru", Role.MEMBER)
    clara = await Person.join(telpher_running.sandbox.url, "Clara")
    closed = {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}
    await telpher_running.add_fault(match="setMyCommands", kind="status", status=400, body=closed, times=1)
    await telpher_running.app.desk.access.let_in(clara.user_id, Role.MEMBER)
    async with clara:
        await clara.ask("/start", has_text("Clara"))
        await shows(telpher_running, clara.user_id, "en", Role.MEMBER)


async def test_a_group_offers_what_is_answered_there(telpher_running: TelpherRunning, anna: Person) -> None:
    url = f"{telpher_running.sandbox.url}/chat/api/groups"
    async with aiohttp.ClientSession() as http, http.post(url, json={"title": "Trip", "member_ids": [ANNA]}) as answer:
        group_id = (await answer.json())["id"]

    async def is_short() -> bool:
        return list(await menu(telpher_running, ANNA, "ru", group_id)) == ["hello", "help"]

    await eventually(is_short)
