"""`@bot words` in any chat offers the person's own files, and to everybody else nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.driver import Person, has_text
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import Outside, google, over_google
from tests.scenarios.waits import eventually

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
def owners() -> tuple[int, ...]:
    """The first has the Google Drive."""
    return (1001, 1002)


@pytest.fixture
async def telpher_settings(
    telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path, owners: tuple[int, ...]
) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path, owners)


@pytest.fixture
async def outside(sandbox: Sandbox) -> Outside:
    return await Outside.of(sandbox)


async def put(outside: Outside, name: str, content: bytes = b"content") -> str:
    return await outside.upload(name, content, "root")


def only(answer: dict[str, Any]) -> dict[str, Any]:
    (result,) = answer["results"]
    return dict(result)


async def test_what_telegram_has_is_sent_at_once(telpher_running: TelpherRunning, anna: Person) -> None:
    content = os.urandom(2000)
    await anna.send_file(content, name="ticket 4711.pdf", kind="document")
    await anna.wait_for(has_text("ticket 4711.pdf", "verified"))
    answer = await anna.inline("ticket 4711")
    assert answer["cache_time"] == 0
    result = only(answer)
    assert (result["type"], result["title"]) == ("document", "ticket 4711.pdf")
    url = f"{telpher_running.sandbox.url}/chat/api/file/{result['document_file_id']}"
    async with aiohttp.ClientSession() as session, session.get(url) as file:
        assert await file.read() == content


async def test_what_was_sent_back_is_known_too_until_it_changes(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    file_id = await put(outside, "notes.txt")
    card = only(await anna.inline("notes"))
    assert card["type"] == "article"
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "notes.txt")
    opened = await anna.wait_for_change(listing, has_text("notes.txt"))
    await anna.press(opened, "Get back")
    await anna.wait_for(lambda message: "document" in message, after=opened)

    async def is_known() -> bool:
        return bool(only(await anna.inline("notes"))["type"] == "document")

    await eventually(is_known)
    await outside.ask("PATCH", f"files/{file_id}", json={"name": "notes of May.txt"})
    assert only(await anna.inline("notes"))["type"] == "article"


async def test_a_card_opens_only_for_those_it_is_shared_with(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    await put(outside, "plan <b>.txt")
    card = only(await anna.inline("plan"))
    text = card["input_message_content"]["message_text"]
    assert "plan &lt;b&gt;.txt" in text
    assert "Opens for those it is shared with" in text
    ((button,),) = card["reply_markup"]["inline_keyboard"]
    async with aiohttp.ClientSession() as session:
        async with session.get(button["url"]) as answer:
            assert answer.status == 403
        async with session.get(button["url"], params={"authuser": "anna@example.com"}) as answer:
            assert answer.status == 200
    assert await outside.shared_with("plan <b>.txt") == {}


async def test_without_words_what_changed_last(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    for name in ("first.txt", "second.txt"):
        await put(outside, name)
    titles = [result["title"] for result in (await anna.inline(""))["results"]]
    assert titles[0].endswith("second.txt")
    assert len(titles) == 2


async def test_everybody_else_gets_nothing(
    telpher_running: TelpherRunning, anna: Person, boris: Person, outside: Outside
) -> None:
    await put(outside, "secret.txt")
    assert len((await anna.inline("secret"))["results"]) == 1
    # Boris is served and has no drive; Clara is a stranger.
    assert (await boris.inline("secret"))["results"] == []
    async with await Person.join(telpher_running.sandbox.url, "Clara") as clara:
        for words in ("secret", "", "' or name contains 'secret"):
            assert (await clara.inline(words))["results"] == []
        assert not [message for message in clara.messages if message["from"]["is_bot"]]


async def test_a_drive_that_is_away_is_no_reason_to_wait(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    await put(outside, "plan.txt")
    await google(telpher_running.sandbox, "POST", "revoke")
    assert (await anna.inline("plan"))["results"] == []


async def test_odd_words(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    await put(outside, "it's \\ odd.txt")
    assert only(await anna.inline("it's"))["title"].endswith("it's \\ odd.txt")
    assert only(await anna.inline("\\"))["title"].endswith("it's \\ odd.txt")
    assert (await anna.inline("' or '1'='1"))["results"] == []
    assert (await anna.inline("x" * 256))["results"] == []


@pytest.mark.one_language
@pytest.mark.parametrize("owners", [(1002, 1001)])
async def test_the_same_in_russian(telpher_running: TelpherRunning, boris_himself: Person, outside: Outside) -> None:
    await put(outside, "план.txt")
    card = only(await boris_himself.inline("план"))
    assert "Откроется у тех, кому дан доступ" in card["description"]
    assert card["reply_markup"]["inline_keyboard"][0][0]["text"] == "🔗 Открыть"
