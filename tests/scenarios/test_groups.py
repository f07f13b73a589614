"""In a group the bot speaks when it is spoken to, carries files to their sender's drive, and shows nothing that is private."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import all_is_handled, from_bot, kept_files

from telpher.settings import Settings

pytestmark = pytest.mark.both_languages

BOT = "@telpher_sandbox_bot"


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(telpher_settings, owner_ids=(1001,))


@pytest.fixture
async def group_id(telpher_running: TelpherRunning) -> int:
    """Anna, who is served, and Boris, who is not."""
    body = {"title": "Family", "member_ids": [1001, 1002]}
    url = f"{telpher_running.sandbox.url}/chat/api/groups"
    async with aiohttp.ClientSession() as http, http.post(url, json=body) as response:
        return int((await response.json())["id"])


@pytest.fixture
async def anna_there(telpher_running: TelpherRunning, group_id: int) -> AsyncIterator[Person]:
    async with Person(telpher_running.sandbox.url, 1001, chat_id=group_id, is_interpreted=True) as person:
        yield person


@pytest.fixture
async def boris_there(telpher_running: TelpherRunning, group_id: int) -> AsyncIterator[Person]:
    async with Person(telpher_running.sandbox.url, 1002, chat_id=group_id) as person:
        yield person


async def test_commands_mentions_and_replies_are_answered_and_nothing_else(
    telpher_running: TelpherRunning, anna: Person, anna_there: Person
) -> None:
    hello = await anna_there.ask("/hello", has_text("Hello, Anna"))
    await anna_there.ask(f"/hello{BOT}", has_text("Hello, Anna"))
    await anna_there.ask(f"{BOT} are you there?", has_text("Mention me with a file"))
    reply = await anna_there.send_text("thanks", reply_to=hello)
    await anna_there.wait_for(has_text("Mention me with a file"), after=reply)
    count = len(from_bot(anna_there))
    for words in ("just talking", "/files@another_bot", "/frobnicate"):
        await anna_there.send_text(words)
    await all_is_handled(telpher_running, anna)
    assert len(from_bot(anna_there)) == count


async def test_nothing_private_is_shown_to_all(
    telpher_running: TelpherRunning, anna: Person, anna_there: Person
) -> None:
    telpher_running.drive_dir.mkdir(exist_ok=True)
    (telpher_running.drive_dir / "diary.txt").write_bytes(b"dear diary")
    for command in (
        "/files",
        "/find diary",
        "/where",
        "/jobs",
        "/shares",
        "/accounts",
        "/whoami",
        "/people",
        f"/find{BOT} diary",
    ):
        answer = await anna_there.ask(command, has_text("between you and me"))
        assert [button.get("url") for button in buttons_of(answer)] == ["https://t.me/telpher_sandbox_bot"]
    await anna_there.ask(f"{BOT} diary", has_text("between you and me"))
    await all_is_handled(telpher_running, anna)
    assert not [text for text in map(text_of, from_bot(anna_there)) if "diary" in text or "1001" in text]


async def test_a_file_with_a_mention_goes_to_its_senders_drive(
    telpher_running: TelpherRunning, anna: Person, anna_there: Person
) -> None:
    content = os.urandom(40_000)
    sent = await anna_there.send_file(content, name="plan.pdf", kind="document", caption=f"{BOT} Garden plan")
    said = await anna_there.wait_for(has_text("On its way to your drive, Anna"), after=sent)
    assert said["reply_to_message"]["message_id"] == sent["message_id"]
    assert not [button for button in buttons_of(said) if "callback_data" in button]
    receipt = await anna.wait_for(has_text("Garden plan.pdf", "verified"))
    assert receipt["chat"]["id"] == 1001
    assert list(kept_files(telpher_running).values()) == [content]
    assert not [text for text in map(text_of, from_bot(anna_there)) if "plan" in text]


async def test_a_mention_in_reply_to_ones_own_file_carries_it(
    telpher_running: TelpherRunning, anna: Person, anna_there: Person
) -> None:
    sent = await anna_there.send_file(b"minutes", name="minutes.txt", kind="document")
    await all_is_handled(telpher_running, anna)
    assert kept_files(telpher_running) == {}, "nobody asked"
    await anna_there.send_text(f"{BOT} please", reply_to=sent)
    await anna.wait_for(has_text("minutes.txt", "verified"))
    assert list(kept_files(telpher_running).values()) == [b"minutes"]


async def test_a_refusal_is_told_in_private(telpher_running: TelpherRunning, anna: Person, anna_there: Person) -> None:
    await anna_there.send_file(b"x" * (21 << 20), name="film.mkv", kind="document", caption=BOT)
    await anna.wait_for(has_text("film.mkv", "at most 20 MB"))
    await anna_there.wait_for(has_text("between you and me"))
    assert kept_files(telpher_running) == {}


async def test_strangers_are_not_there(
    telpher_running: TelpherRunning, anna: Person, anna_there: Person, boris_there: Person
) -> None:
    hello = await anna_there.ask("/hello", has_text("Hello, Anna"))
    count = len(from_bot(boris_there))
    for words in ("/hello", "/files", f"{BOT} hi"):
        await boris_there.send_text(words)
    await boris_there.send_text("hi", reply_to=hello)
    await boris_there.send_file(b"mine", name="boris.txt", kind="document", caption=BOT)
    await boris_there.start_press(hello, "r")
    await all_is_handled(telpher_running, anna)
    assert len(from_bot(boris_there)) == count
    assert kept_files(telpher_running) == {}


async def test_who_is_asked_each_time_is_asked_in_private(
    telpher_running: TelpherRunning, anna: Person, anna_there: Person
) -> None:
    settings = await anna.ask("/where", has_text("Where new files go"))
    await anna.press(settings, "Ask me each time")
    await anna.wait_for(lambda message: "• ❓" in str(message.get("reply_markup")))
    await anna_there.send_file(b"x", name="secret name.txt", kind="document", caption=BOT)
    question = await anna.wait_for(has_text("Where shall it go", "secret name.txt"))
    await anna_there.wait_for(has_text("On its way"))
    await anna.press(question, "The folder for new files")
    await anna.wait_for(has_text("secret name.txt", "verified"))
    assert not [text for text in map(text_of, from_bot(anna_there)) if "secret" in text]


@pytest.mark.one_language
class TestInRussian:
    """The same for who reads Russian."""

    @pytest.fixture
    def telpher_settings(self, telpher_settings: Settings) -> Settings:
        return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002))

    async def test_a_file_and_a_listing(
        self, telpher_running: TelpherRunning, boris_there: Person, anna: Person
    ) -> None:
        await boris_there.ask("/files", has_text("только между нами"))
        await boris_there.send_file(b"x", name="отчёт.txt", kind="document", caption=f"{BOT} #Отчёты")
        await boris_there.wait_for(has_text("Везу на ваш диск, Boris"))
        async with Person(telpher_running.sandbox.url, 1002) as boris:
            await boris.wait_for(has_text("отчёт.txt", "На диске, проверено", "📁 Отчёты"))
        assert from_bot(anna) == []
