"""Small talk, in both languages, and what is neither a command nor a file."""

from __future__ import annotations

import dataclasses

import pytest
from tests.driver import Person, has_text, is_from_bot
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import all_is_handled, from_bot

from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002))


async def test_the_bot_answers(telpher_running: TelpherRunning, anna: Person) -> None:
    for command, words in {
        "/start": ["Hello, Anna", "/files", "/compute"],
        "/help": ["/jobs", "@telpher_sandbox_bot", "/doctor", "/whoami"],
        "/hello": ["Hello, Anna"],
        "/hello@telpher_sandbox_bot": ["Hello, Anna"],
        "/whoami": ["1001", "owner"],
        "/jobs": ["Nothing is on its way"],
        "/files": ["Your drive", "Send me a file"],
        "/compute": ["The workshop", "Choose what to compute"],
        "/cython": ["The workshop", "First module"],
        "/cancel": ["nothing to cancel"],
        "/frobnicate <b>": ["I don’t know /frobnicate", "/help"],
        "hello there": ["🔎 hello there", "Nothing in your drive", "/help"],
        "https://example.org/a?b=c": ["That is a link", "/files"],
    }.items():
        await anna.ask(command, has_text(*words))


@pytest.mark.one_language
async def test_everyone_in_their_language(telpher_running: TelpherRunning, boris_himself: Person, anna: Person) -> None:
    for command, words in {
        "/start": ["Здравствуйте, Boris", "/files"],
        "/help": ["Мастерская"],
        "/hello": ["Здравствуйте, Boris"],
        "/whoami": ["1002", "владелец"],
        "/jobs": ["в пути ничего нет"],
        "/files": ["Ваш диск"],
        "/compute": ["Мастерская"],
        "привет": ["🔎 привет", "ничего с такими словами нет"],
    }.items():
        await boris_himself.ask(command, has_text(*words))
    assert from_bot(anna) == []


@pytest.mark.one_language
async def test_whoever_changes_their_language_is_answered_in_it(
    telpher_running: TelpherRunning, boris_himself: Person
) -> None:
    await boris_himself.ask("/hello", has_text("Здравствуйте, Boris"))
    await boris_himself.set_language("en")
    await boris_himself.ask("/hello", has_text("Hello, Boris"))
    await telpher_running.restart()
    sent = await boris_himself.send_file(b"x", name="letter.txt", kind="document")
    receipt = await boris_himself.wait_for(has_text("letter.txt", "In the drive, verified"), after=sent)
    await boris_himself.set_language("ru")
    await boris_himself.press(receipt, "Delete")
    await boris_himself.wait_for(has_text("letter.txt", "В корзине"))


async def test_what_is_no_file_is_answered_too(telpher_running: TelpherRunning, anna: Person) -> None:
    hello = await anna.ask("/hello")
    chat = {"id": anna.user_id, "type": "private", "first_name": "Anna"}
    sender = {"id": anna.user_id, "is_bot": False, "first_name": "Anna", "language_code": anna.language}
    for number, content in enumerate(
        [
            {"location": {"latitude": 52.5, "longitude": 13.4}},
            {"contact": {"phone_number": "+1", "first_name": "X"}},
            {"dice": {"emoji": "🎲", "value": 3}},
        ]
    ):
        before = anna.last_message
        message = {"message_id": 9000 + number, "date": 1_700_000_000, "chat": chat, "from": sender, **content}
        await anna.raw_update({"message": message})
        await anna.wait_for(has_text("no file in this message"), after=before)
    assert is_from_bot(hello)


async def test_a_mistake_of_ours_is_told_once_and_nothing_else_suffers(
    telpher_running: TelpherRunning, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = await anna.ask("/files", has_text("Your drive"))

    async def page(*_: object) -> None:
        raise RuntimeError("a secret detail")

    desk = telpher_running.app._desk
    assert desk is not None
    monkeypatch.setattr(desk.browse, "page", page)
    answer = await anna.ask("/files", has_text("Something went wrong"))
    assert "secret" not in answer["text"]
    toast = await anna.press_data(listing, "r")
    assert toast.is_alert
    assert "Something went wrong" in toast.text
    await anna.ask("/hello", has_text("Hello, Anna"))
    assert len(from_bot(anna)) == 3


async def test_in_a_group_nothing_private_is_shown(telpher_running: TelpherRunning, anna: Person) -> None:
    group = {"id": -100500, "type": "supergroup", "title": "Family"}
    sender = {"id": anna.user_id, "is_bot": False, "first_name": "Anna", "language_code": anna.language}
    for number, text in enumerate(["/files", "/start", "hello"]):
        message = {"message_id": 700 + number, "date": 1_700_000_000, "chat": group, "from": sender, "text": text}
        entities = [{"type": "bot_command", "offset": 0, "length": len(text)}] if text.startswith("/") else []
        await anna.raw_update({"message": message | {"entities": entities}})
    await all_is_handled(telpher_running, anna)
    assert len(from_bot(anna)) == 1
