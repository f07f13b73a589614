"""The message of a log-in in the browser says by itself that its ten minutes are over, also after a restart; and what else ends it."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_page import answer_page, link_of, open_page, write_client
from tests.scenarios.google_rig import google
from tests.scenarios.waits import all_is_handled, from_bot

from telpher.actions import connect_google
from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

WORDS = {
    "anna": ("The log-in was not finished in time", "Begin again", "belongs to no log-in", "nothing was connected"),
    "boris": ("Вход не завершён вовремя", "Начать заново", "не относится ни к одному", "ничего не подключ"),
}
EMAIL = {"anna": "anna@example.com", "boris": "boris@example.com"}

pytestmark = pytest.mark.parametrize("who", ["anna", "boris"])


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    await google(sandbox, "POST", "accounts", email=EMAIL["boris"], name="Boris")
    client = await write_client(sandbox, tmp_path / "credentials.json")
    return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002), google_credentials_file=client)


@pytest.fixture
async def person(sandbox: Sandbox, who: str) -> AsyncIterator[Person]:
    async with Person(sandbox.url, {"anna": 1001, "boris": 1002}[who]) as somebody:
        yield somebody


async def ask_for_page(person: Person) -> Message:
    ways = await person.ask("/connect", lambda message: len(buttons_of(message)) == 2)
    await person.press(ways, buttons_of(ways)[1]["text"])
    return await person.wait_for_change(ways, link_of)


def is_over(words: tuple[str, ...], message: Message) -> bool:
    return words[0] in text_of(message) and [words[1] in button["text"] for button in buttons_of(message)] == [True]


async def let_the_minutes_pass(running: TelpherRunning) -> None:
    """While nobody is there."""
    await running.app.stop()
    with sqlite3.connect(running.settings.data_dir / "telpher.db") as database:
        database.execute("UPDATE logins SET created_ms = created_ms - 601000")
        database.execute("UPDATE jobs SET due_ms = due_ms - 601000 WHERE kind = 'login_page_ends'")
    database.close()
    running.app = App(running.settings)
    await running.app.start()


async def test_it_says_so_by_itself(
    telpher_running: TelpherRunning, person: Person, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect_google, "BROWSER_LOGIN_S", 1.0)
    shown = await ask_for_page(person)
    over = await person.wait_for_change(shown, lambda message: is_over(WORDS[who], message))
    assert from_bot(person) == [over]
    monkeypatch.undo()
    # The button leads on, and another ten minutes begin in the same message.
    await person.press(over, WORDS[who][1])
    ways = await person.wait_for_change(over, lambda message: len(buttons_of(message)) == 2)
    await person.press(ways, buttons_of(ways)[1]["text"])
    again = await person.wait_for_change(ways, link_of)
    await open_page(await answer_page(link_of(again), EMAIL[who]))
    await person.wait_for_change(again, lambda message: EMAIL[who] in text_of(message))


async def test_also_after_a_restart_and_an_address_that_comes_later_is_answered(
    telpher_running: TelpherRunning, person: Person, who: str
) -> None:
    shown = await ask_for_page(person)
    address = await answer_page(link_of(shown), EMAIL[who])
    await let_the_minutes_pass(telpher_running)
    over = await person.wait_for_change(shown, lambda message: is_over(WORDS[who], message))
    pasted = await person.send_text(address)
    await person.wait_for(lambda message: WORDS[who][2] in text_of(message), after=pasted)
    assert person.message(over) == over


async def test_what_has_led_back_is_left_as_it_is(
    telpher_running: TelpherRunning, anna: Person, person: Person, who: str
) -> None:
    shown = await ask_for_page(person)
    await open_page(await answer_page(link_of(shown), EMAIL[who]))
    done = await person.wait_for_change(shown, lambda message: EMAIL[who] in text_of(message))
    await let_the_minutes_pass(telpher_running)
    await all_is_handled(telpher_running, anna)
    assert person.message(done) == done


async def test_another_log_in_ends_it_and_its_message_says_so(
    telpher_running: TelpherRunning, person: Person, who: str
) -> None:
    first = await ask_for_page(person)
    second = await ask_for_page(person)
    over = await person.wait_for_change(first, lambda message: WORDS[who][3] in text_of(message))
    assert buttons_of(over) == []
    await let_the_minutes_pass(telpher_running)
    await person.wait_for_change(second, lambda message: is_over(WORDS[who], message))
    assert person.message(over) == over


async def test_a_message_that_was_deleted_is_not_replaced(
    telpher_running: TelpherRunning, anna: Person, person: Person, who: str
) -> None:
    shown = await ask_for_page(person)
    outbox = telpher_running.app.desk.outbox
    await outbox.delete_message(person.user_id, shown["message_id"])
    await let_the_minutes_pass(telpher_running)
    await all_is_handled(telpher_running, anna)
    assert not any(WORDS[who][0] in text_of(message) for message in person.messages)
