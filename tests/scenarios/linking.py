"""A person links their Google account from the chat; what a test types and presses for it, and what it then sees."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path

from tests.driver import Person, buttons_of, text_of
from tests.driver.messages import Message
from tests.scenarios.google_page import answer_page, link_of, open_page, write_client
from tests.scenarios.google_rig import google

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

ANNA, BORIS = "anna@example.com", "boris@example.com"


async def ready_to_link(
    settings: Settings, sandbox: Sandbox, tmp_path: Path, owners: tuple[int, ...] = (1001, 1002)
) -> Settings:
    """The folder drive, a Google client of the operator's, and two people with an account each."""
    await google(sandbox, "POST", "settings", device_interval_s=0.1)
    await google(sandbox, "POST", "accounts", email=BORIS, name="Boris")
    client = await write_client(sandbox, tmp_path / "credentials.json")
    return dataclasses.replace(settings, owner_ids=owners, google_credentials_file=client)


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
