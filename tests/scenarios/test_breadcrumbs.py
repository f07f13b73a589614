"""The way to a folder is told as it is now, at once after whatever the person changed about it from here."""

from __future__ import annotations

import pytest
from tests.driver import Person, has_text
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning

pytestmark = pytest.mark.both_languages


async def _into(person: Person, listing: Message, *folders: str) -> None:
    for depth, folder in enumerate(folders, start=1):
        await person.press(listing, f"📁 {folder}")
        await person.wait_for(has_text(" › ".join(folders[:depth])))


async def test_a_folder_that_was_renamed_is_called_so_below_it_too(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    (telpher_running.drive_dir / "Trips" / "Lisbon" / "Day 1").mkdir(parents=True)
    older = await anna.ask("/files", has_text("Your drive"))
    await _into(anna, older, "Trips", "Lisbon")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "📁 Trips")
    await anna.wait_for(has_text("› Trips"), after=older)
    await anna.press(listing, "⚙️ Folder")
    await anna.wait_for(lambda message: "Rename" in str(message.get("reply_markup")))
    await anna.press(listing, "Rename")
    question = await anna.wait_for(has_text("new name"))
    await anna.send_text("Voyages", reply_to=question)
    renamed = await anna.wait_for(has_text("Voyages", "was: Trips"))
    await anna.press(older, "📁 Day 1")
    await anna.wait_for(has_text("Your drive › Voyages › Lisbon › Day 1"))
    await anna.press(renamed, "Undo")
    await anna.wait_for(has_text("Trips", "old name"))
    await anna.press(older, "Up")
    await anna.wait_for(has_text("Your drive › Trips › Lisbon"))


async def test_a_folder_that_was_moved_stands_where_it_is(telpher_running: TelpherRunning, anna: Person) -> None:
    (telpher_running.drive_dir / "Trips" / "Lisbon").mkdir(parents=True)
    (telpher_running.drive_dir / "Trips" / "Lisbon" / "tram.txt").write_text("tram")
    (telpher_running.drive_dir / "Archive").mkdir()
    listing = await anna.ask("/files", has_text("Your drive"))
    await _into(anna, listing, "Trips", "Lisbon")
    card = await anna.ask("/files", has_text("Your drive"))
    await anna.press(card, "📁 Trips")
    await anna.wait_for(has_text("› Trips"), after=card["message_id"] - 1)
    await anna.press(card, "⚙️ Folder")
    await anna.wait_for(lambda message: "Move" in str(message.get("reply_markup")))
    await anna.press(card, "📦 Move")
    await anna.wait_for(has_text("Move Trips to"))
    await anna.press(card, "Archive")
    await anna.wait_for(has_text("› Archive"), after=card["message_id"] - 1)
    await anna.press(card, "Move here")
    moved = await anna.wait_for(has_text("Trips", "Moved to Archive"))
    # The other message still shows Lisbon, which lies elsewhere now.
    await anna.press(listing, "By name")
    await anna.wait_for(has_text("Archive › Trips › Lisbon"))
    await anna.press(moved, "Undo")
    await anna.wait_for(has_text("Trips", "Back where it was"))
    await anna.press(listing, "Up")
    await anna.press(listing, "📁 Lisbon")
    shown = await anna.wait_for(has_text("› Lisbon"))
    assert "Archive" not in shown["text"]
