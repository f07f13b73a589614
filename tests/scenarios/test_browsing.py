"""`/files`: ten a page, both ways, into folders and back up, in one message."""

from __future__ import annotations

import shutil

import pytest
from tests.driver import Person, buttons_of, has_text
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import from_bot

pytestmark = pytest.mark.both_languages

TOOLS = {"⇅ By name", "⚙️ Folder", "⭐ Starred", "🕐 Recent"}


def labels(message: Message) -> list[str]:
    """What leads somewhere: entries, pages and up."""
    return [button["text"] for button in buttons_of(message) if button["text"] not in TOOLS]


async def test_a_drive_is_walked_in_one_message(telpher_running: TelpherRunning, anna: Person) -> None:
    root = telpher_running.drive_dir
    (root / "Trips" / "Lisbon").mkdir(parents=True)
    (root / "Trips" / "Lisbon" / "tram 28.jpg").write_bytes(b"jpeg")
    for number in range(1, 24):
        (root / f"note {number}.txt").write_bytes(b"x" * number)
    first = await anna.ask("/files", has_text("Your drive", "page 1"))
    assert labels(first) == ["📁 Trips", *(f"📝 note {number}.txt" for number in range(1, 10)), "Next ›"]
    await anna.press(first, "Next")
    second = await anna.wait_for(has_text("page 2"))
    assert labels(second) == [*(f"📝 note {number}.txt" for number in range(10, 20)), "‹ Previous", "Next ›"]
    await anna.press(second, "Next")
    third = await anna.wait_for(has_text("page 3"))
    assert labels(third) == [*(f"📝 note {number}.txt" for number in range(20, 24)), "‹ Previous"]
    await anna.press(third, "Previous")
    again = await anna.wait_for(has_text("page 2"))
    assert labels(again) == labels(second)
    await anna.press(again, "note 12.txt")
    card = await anna.wait_for(has_text("note 12.txt", "12 B", "text"))
    await telpher_running.restart()
    await anna.press(card, "‹ Back")
    assert labels(await anna.wait_for(has_text("page 2"))) == labels(second)
    await anna.press(again, "Previous")
    await anna.wait_for(has_text("page 1"))
    await anna.press(first, "Trips")
    trips = await anna.wait_for(has_text("Trips"))
    assert labels(trips) == ["📁 Lisbon", "⬆️ Up"]
    await anna.press(trips, "Lisbon")
    lisbon = await anna.wait_for(has_text("Lisbon"))
    assert labels(lisbon) == ["🖼 tram 28.jpg", "⬆️ Up"]
    await anna.press(lisbon, "Up")
    await anna.wait_for(has_text("Trips"))
    await anna.press(trips, "Up")
    await anna.wait_for(has_text("Your drive", "page 1"))
    assert len(from_bot(anna)) == 1


async def test_a_folder_that_is_gone_says_so(telpher_running: TelpherRunning, anna: Person) -> None:
    folder = telpher_running.drive_dir / "Old"
    folder.mkdir(parents=True)
    listing = await anna.ask("/files", has_text("Your drive"))
    shutil.rmtree(folder)
    toast = await anna.press(listing, "📁 Old")
    assert toast.is_alert
    assert "no longer in the drive" in toast.text


async def test_a_card_in_the_browser_keeps_its_way_back(telpher_running: TelpherRunning, anna: Person) -> None:
    (telpher_running.drive_dir / "Docs").mkdir(parents=True)
    (telpher_running.drive_dir / "Docs" / "a.txt").write_bytes(b"a")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "Docs")
    await anna.wait_for(has_text("Docs"))
    await anna.press(listing, "a.txt")
    await anna.wait_for(has_text("a.txt", "1 B"))
    await anna.press(listing, "Delete")
    await anna.wait_for(has_text("a.txt", "trash"))
    await anna.press(listing, "Undo")
    await anna.wait_for(has_text("a.txt", "Back from the trash"))
    await anna.press(listing, "Rename")
    await anna.wait_for(has_text("What shall"))
    await anna.send_text("b")
    renamed = await anna.wait_for(has_text("b.txt", "was: a.txt"))
    assert renamed["message_id"] == listing["message_id"]
    await anna.press(renamed, "‹ Back")
    docs = await anna.wait_for(has_text("Docs"))
    assert labels(docs) == ["📝 b.txt", "⬆️ Up"]
