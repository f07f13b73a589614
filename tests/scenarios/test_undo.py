"""`/undo` takes back what a person did, also when its message is long gone; the way back leads where one came from."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import Outside, over_google
from tests.scenarios.waits import all_is_handled, from_bot

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path)


@pytest.fixture
async def outside(sandbox: Sandbox) -> Outside:
    return await Outside.of(sandbox)


def labels(message: Message) -> list[str]:
    return [button["text"] for button in buttons_of(message)]


async def test_what_was_done_is_listed_and_taken_back(
    telpher_running: TelpherRunning, anna: Person, boris: Person, outside: Outside
) -> None:
    await anna.ask("/undo", has_text("nothing to take back"))
    for name in ("one.txt", "two.txt"):
        await outside.upload(name, b"content", "root")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "one.txt")
    card = await anna.wait_for_change(listing, has_text("one.txt", "7 B"))
    await anna.press(card, "Delete")
    await anna.wait_for_change(card, has_text("Moved to the trash"))
    found = await anna.ask("two", has_text("🔎 two"))
    await anna.press(found, "two.txt")
    card = await anna.wait_for_change(found, has_text("two.txt", "7 B"))
    await anna.press(card, "Rename")
    await anna.wait_for(has_text("new name"))
    await anna.send_text("zwei")
    await anna.wait_for(has_text("zwei.txt", "was: two.txt"))
    await telpher_running.restart()
    shown = await anna.ask("/undo", has_text("the latest first"))
    assert labels(shown) == ["✏️ two.txt", "🗑 one.txt"]
    # Nobody else's, whatever they press.
    await boris.ask("/undo", has_text("nothing to take back"))
    data = [button["callback_data"] for button in buttons_of(shown)]
    for pressed in data:
        await boris.press_data(shown, pressed)
    await all_is_handled(telpher_running, anna)
    assert await names(outside) == ["zwei.txt"]
    await anna.press(shown, "one.txt")
    await anna.wait_for_change(shown, has_text("one.txt", "Back from the trash"))
    rest = await anna.ask("/undo", has_text("the latest first"))
    assert labels(rest) == ["✏️ two.txt"]
    await anna.press(rest, "two.txt")
    await anna.wait_for_change(rest, has_text("two.txt", "The old name is back"))
    await anna.ask("/undo", has_text("nothing to take back"))
    assert await names(outside) == ["one.txt", "two.txt"]


async def names(outside: Outside) -> list[str]:
    answer = await outside.ask("GET", "files", params={"q": "trashed = false and mimeType = 'text/plain'"})
    return sorted(file["name"] for file in answer["files"])


async def test_from_the_share_panel_back_to_where_one_came_from(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    await outside.upload("plan.txt", b"content", "root")
    found = await anna.ask("plan", has_text("🔎 plan"))
    await anna.press(found, "plan.txt")
    card = await anna.wait_for_change(found, has_text("7 B"))
    await anna.press(card, "Star")
    card = await anna.wait_for_change(card, lambda message: "⭐ Unstar" in labels(message))
    await anna.press(card, "Share")
    panel = await anna.wait_for_change(card, has_text("Only you can see it"))
    await anna.press(panel, "‹ Back")
    card = await anna.wait_for_change(panel, has_text("7 B"))
    await anna.press(card, "‹ Back")
    await anna.wait_for_change(card, has_text("🔎 plan"))
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "Starred")
    shelf = await anna.wait_for_change(listing, has_text("⭐ Starred"))
    for label, shows in (("plan.txt", "7 B"), ("Share", "Only you"), ("‹ Back", "7 B"), ("‹ Back", "⭐ Starred")):
        await anna.press(shelf, label)
        shelf = await anna.wait_for_change(shelf, has_text(shows))
    assert len(from_bot(anna)) == 2
