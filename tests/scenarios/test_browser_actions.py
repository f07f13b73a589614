"""What can be done from `/files`: sort, star, recent, new folder, move and back, upload here; one message is edited all along."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import OWN_FILES, WHOLE_DRIVE, over_google
from tests.scenarios.waits import all_is_handled, from_bot, kept_files

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002))


def labels(message: Message) -> list[str]:
    return [button["text"] for button in buttons_of(message)]


def entries(message: Message) -> list[str]:
    """The buttons that are entries."""
    return [label for label in labels(message) if label[0] in "📁📝🖼📄🎬🎵🗜" and len(label) > 2]


def put(root: Path, name: str, size_bytes: int = 1, age_s: int = 0) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size_bytes)
    os.utime(path, (1_700_000_000 - age_s, 1_700_000_000 - age_s))


async def test_the_way_to_a_folder_is_told(telpher_running: TelpherRunning, anna: Person) -> None:
    put(telpher_running.drive_dir, "Trips/Lisbon/Day <1>/tram.jpg")
    listing = await anna.ask("/files", has_text("Your drive"))
    for name in ("Trips", "Lisbon", "Day <1>"):
        await anna.press(listing, name)
    await anna.wait_for(lambda message: text_of(message) == "📂 Your drive › Trips › Lisbon › Day <1>")
    await anna.press(listing, "Up")
    await anna.wait_for(lambda message: text_of(message) == "📂 Your drive › Trips › Lisbon")
    assert len(from_bot(anna)) == 1


async def test_folders_are_sorted_as_last_chosen(telpher_running: TelpherRunning, anna: Person) -> None:
    root = telpher_running.drive_dir
    put(root, "a.txt", 5, age_s=10)
    put(root, "b.txt", 1, age_s=0)
    put(root, "c.txt", 9, age_s=20)
    (root / "z folder").mkdir()
    listing = await anna.ask("/files", has_text("Your drive"))
    assert entries(listing) == ["📁 z folder", "📝 a.txt", "📝 b.txt", "📝 c.txt"]
    await anna.press(listing, "By name")
    dated = await anna.wait_for(lambda message: "⇅ By date" in labels(message))
    assert entries(dated) == ["📁 z folder", "📝 b.txt", "📝 a.txt", "📝 c.txt"]
    await anna.press(dated, "By date")
    sized = await anna.wait_for(lambda message: "⇅ By size" in labels(message))
    assert entries(sized) == ["📁 z folder", "📝 c.txt", "📝 a.txt", "📝 b.txt"]
    await telpher_running.restart()
    again = await anna.ask("/files", has_text("Your drive"))
    assert entries(again) == entries(sized), "the order stays as it was chosen"
    await anna.press(again, "By size")
    await anna.wait_for(lambda message: "⇅ By name" in labels(message))


async def test_pages_of_another_order_go_both_ways(telpher_running: TelpherRunning, anna: Person) -> None:
    for number in range(25):
        put(telpher_running.drive_dir, f"{number}.txt", age_s=number)
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "By name")
    await anna.wait_for(lambda message: "⇅ By date" in labels(message))
    await anna.press(listing, "Next")
    second = await anna.wait_for(has_text("page 2"))
    assert entries(second) == [f"📝 {number}.txt" for number in range(10, 20)]
    await anna.press(listing, "Previous")
    first = await anna.wait_for(has_text("page 1"))
    assert entries(first) == [f"📝 {number}.txt" for number in range(10)]


async def test_stars_and_what_is_recent(telpher_running: TelpherRunning, anna: Person) -> None:
    put(telpher_running.drive_dir, "Deep/Deeper/passport.pdf", age_s=99)
    put(telpher_running.drive_dir, "new.txt")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "Starred")
    await anna.wait_for(has_text("Nothing is starred yet"))
    await anna.press(listing, "Your drive")
    await anna.wait_for(has_text("Your drive"))
    await anna.press(listing, "Recent")
    recent = await anna.wait_for(has_text("🕐 Recent"))
    assert entries(recent) == ["📝 new.txt", "📄 passport.pdf"]
    await anna.press(recent, "passport")
    card = await anna.wait_for(has_text("passport.pdf", "1 B"))
    await anna.press(card, "☆ Star")
    await anna.wait_for(lambda message: "⭐ Unstar" in labels(message))
    await anna.press(listing, "‹ Back")
    await anna.wait_for(has_text("🕐 Recent"))
    await anna.press(listing, "Your drive")
    await anna.wait_for(has_text("Your drive"))
    await anna.press(listing, "Starred")
    starred = await anna.wait_for(has_text("⭐ Starred"))
    assert entries(starred) == ["📄 ⭐ passport.pdf"]
    await anna.press(starred, "passport")
    await anna.wait_for(has_text("passport.pdf", "1 B"))
    await anna.press(listing, "Unstar")
    await anna.wait_for(lambda message: "☆ Star" in labels(message))
    assert len(from_bot(anna)) == 1


async def test_a_new_folder(telpher_running: TelpherRunning, anna: Person) -> None:
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "⚙️ Folder")
    await anna.wait_for(lambda message: "➕ New folder" in labels(message))
    await anna.press(listing, "New folder")
    question = await anna.wait_for(has_text("What shall the new folder in", "Your drive"))
    await telpher_running.restart()
    await anna.ask("...", has_text("another one"))
    await anna.send_text("../Trips")
    made = await anna.wait_for(has_text("This folder is empty"))
    assert made["message_id"] == listing["message_id"]
    await anna.wait_until(lambda: not anna.has_message(question))
    (folder,) = [path.name for path in telpher_running.drive_dir.iterdir() if not path.name.startswith(".telpher")]
    assert "/" not in folder
    assert folder.endswith("Trips")


async def test_a_new_folder_can_be_called_off(telpher_running: TelpherRunning, anna: Person) -> None:
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "⚙️ Folder")
    await anna.wait_for(lambda message: "➕ New folder" in labels(message))
    await anna.press(listing, "New folder")
    await anna.wait_for(has_text("What shall the new folder"))
    await anna.ask("/cancel", has_text("never mind"))
    await anna.ask("Trips", has_text("🔎 Trips"))
    assert kept_files(telpher_running) == {}


async def test_move_there_and_back(telpher_running: TelpherRunning, anna: Person) -> None:
    root = telpher_running.drive_dir
    put(root, "note.txt")
    put(root, "Trips/Lisbon/tram.jpg")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "note.txt")
    await anna.wait_for(has_text("note.txt", "1 B"))
    await anna.press(listing, "Move")
    chooser = await anna.wait_for(has_text("Move note.txt to"))
    assert "✅ Move here" not in labels(chooser), "it is there already"
    assert entries(chooser) == ["📁 Trips"], "folders alone"
    await anna.press(listing, "Trips")
    await anna.wait_for(has_text("Move note.txt to", "› Trips"))
    await anna.press(listing, "Lisbon")
    await anna.wait_for(has_text("Trips › Lisbon"))
    await telpher_running.restart()
    await anna.press(listing, "Move here")
    moved = await anna.wait_for(has_text("note.txt", "Moved to Lisbon"))
    assert sorted(kept_files(telpher_running)) == ["Trips/Lisbon/note.txt", "Trips/Lisbon/tram.jpg"]
    await anna.press(moved, "Undo")
    await anna.wait_for(has_text("note.txt", "Back where it was"))
    assert sorted(kept_files(telpher_running)) == ["Trips/Lisbon/tram.jpg", "note.txt"]
    assert len(from_bot(anna)) == 1


async def test_move_into_a_folder_made_on_the_way(telpher_running: TelpherRunning, anna: Person) -> None:
    sent = await anna.send_file(b"note", name="note.txt", kind="document")
    receipt = await anna.wait_for(has_text("note.txt", "verified"), after=sent)
    await anna.press(receipt, "Move")
    await anna.wait_for(has_text("Move note.txt to"))
    await anna.press(receipt, "New folder")
    await anna.wait_for(has_text("What shall the new folder"))
    await anna.send_text("Letters")
    await anna.wait_for(has_text("Move note.txt to", "› Letters"))
    await anna.press(receipt, "Move here")
    await anna.wait_for(has_text("note.txt", "Moved to Letters"))
    assert list(kept_files(telpher_running)) == ["Letters/note.txt"]


async def test_a_folder_does_not_go_into_itself_and_a_move_can_be_left(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    put(telpher_running.drive_dir, "Alps/In/x.txt")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "📁 Alps")
    await anna.wait_for(has_text("› Alps"))
    inside = {button["text"]: button["callback_data"] for button in buttons_of(anna.message(listing))}
    await anna.press(listing, "⚙️ Folder")
    await anna.wait_for(lambda message: "📦 Move" in labels(message))
    await anna.press(listing, "📦 Move")
    chooser = await anna.wait_for(has_text("Move Alps to"))
    assert entries(chooser) == [], "what is moved is no place to move to"
    leave = next(button["callback_data"] for button in buttons_of(chooser) if "Cancel" in button["text"])
    errand_id = leave.split(":")[1]
    token_in = inside["📁 In"].split(":")[1]
    toast = await anna.press_data(listing, f"pf:{errand_id}:{token_in}")
    assert "into itself" in toast.text
    await anna.press(listing, "Cancel")
    card = await anna.wait_for(lambda message: "✏️ Rename" in labels(message))
    await anna.press(card, "‹ Back")
    await anna.wait_for(has_text("› Alps"))
    assert list(kept_files(telpher_running)) == ["Alps/In/x.txt"]


async def test_a_name_that_is_taken_keeps_both(telpher_running: TelpherRunning, anna: Person) -> None:
    put(telpher_running.drive_dir, "a.txt", 1)
    put(telpher_running.drive_dir, "Docs/a.txt", 2)
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "a.txt")
    await anna.wait_for(has_text("a.txt", "1 B"))
    await anna.press(listing, "Move")
    await anna.wait_for(has_text("Move a.txt to"))
    await anna.press(listing, "Docs")
    await anna.wait_for(has_text("› Docs"))
    await anna.press(listing, "Move here")
    await anna.wait_for(has_text("Moved to Docs"))
    assert kept_files(telpher_running) == {"Docs/a.txt": b"xx", "Docs/a (2).txt": b"x"}


async def test_upload_here_takes_the_next_files(telpher_running: TelpherRunning, anna: Person) -> None:
    (telpher_running.drive_dir / "Inbox").mkdir(parents=True)
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "Inbox")
    await anna.wait_for(has_text("› Inbox"))
    await anna.press(listing, "⚙️ Folder")
    await anna.wait_for(lambda message: "📤 Upload here" in labels(message))
    await anna.press(listing, "Upload here")
    waiting = await anna.wait_for(has_text("Send me files: until", "Inbox"))
    await telpher_running.restart()
    for name in ("one.txt", "two.txt"):
        sent = await anna.send_file(name.encode(), name=name, kind="document")
        await anna.wait_for(has_text(name, "verified"), after=sent)
    await anna.press(waiting, "Stop")
    shown = await anna.wait_for(has_text("› Inbox"))
    assert entries(shown) == ["📝 one.txt", "📝 two.txt"]
    sent = await anna.send_file(b"3", name="three.txt", kind="document")
    await anna.wait_for(has_text("three.txt", "verified"), after=sent)
    assert sorted(kept_files(telpher_running)) == ["Inbox/one.txt", "Inbox/two.txt", "three.txt"]


async def test_where_tells_of_the_folder_that_takes_the_next_files_and_a_choice_there_ends_it(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    (telpher_running.drive_dir / "Inbox").mkdir(parents=True)
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "Inbox")
    await anna.wait_for(has_text("› Inbox"))
    await anna.press(listing, "⚙️ Folder")
    await anna.wait_for(lambda message: "📤 Upload here" in labels(message))
    await anna.press(listing, "Upload here")
    await anna.wait_for(has_text("Send me files: until", "Inbox"))
    where = await anna.ask("/where", has_text("But first, until", "Inbox"))
    await anna.press(where, "The folder for new files")
    await anna.wait_for_change(where, lambda message: "Inbox" not in text_of(message))
    sent = await anna.send_file(b"1", name="one.txt", kind="document")
    await anna.wait_for(has_text("one.txt", "verified"), after=sent)
    assert sorted(kept_files(telpher_running)) == ["one.txt"]


@pytest.mark.one_language
async def test_in_russian(telpher_running: TelpherRunning, boris_himself: Person) -> None:
    listing = await boris_himself.ask("/files", has_text("Ваш диск"))
    await boris_himself.press(listing, "⚙️ Папка")
    await boris_himself.wait_for(lambda message: "📤 Загрузить сюда" in labels(message))
    await boris_himself.press(listing, "Новая папка")
    await boris_himself.wait_for(has_text("Как назвать новую папку"))
    await boris_himself.send_text("Поездки")
    await boris_himself.wait_for(has_text("Ваш диск › Поездки"))
    sent = await boris_himself.send_file(b"x", name="билет.txt", kind="document")
    receipt = await boris_himself.wait_for(has_text("билет.txt", "проверено"), after=sent)
    await boris_himself.press(receipt, "Переместить")
    await boris_himself.wait_for(has_text("Куда переместить билет.txt"))
    await boris_himself.press(receipt, "📁 Поездки")
    await boris_himself.wait_for(has_text("Куда переместить", "› Поездки"))
    await boris_himself.press(receipt, "Переместить сюда")
    moved = await boris_himself.wait_for(has_text("билет.txt", "Теперь здесь: Поездки"))
    await boris_himself.press(moved, "Вернуть")
    await boris_himself.wait_for(has_text("Снова на прежнем месте"))


@pytest.mark.one_language
class TestOverGoogle:
    """The same over Google Drive, with either grant."""

    @pytest.fixture(params=[OWN_FILES, WHOLE_DRIVE], ids=["own-files", "whole-drive"])
    async def telpher_settings(
        self, telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
    ) -> Settings:
        return await over_google(telpher_settings, sandbox, tmp_path, (1001,), scope=request.param)

    async def test_move_star_and_find(
        self, telpher_running: TelpherRunning, anna: Person, request: pytest.FixtureRequest
    ) -> None:
        sent = await anna.send_file(b"it's", name="it's a note.txt", kind="document")
        receipt = await anna.wait_for(has_text("it's a note.txt", "verified"), after=sent)
        await anna.press(receipt, "☆ Star")
        await anna.wait_for(lambda message: "⭐ Unstar" in labels(message))
        await anna.press(receipt, "Move")
        await anna.wait_for(has_text("Move it's a note.txt", "Telpher"))
        await anna.press(receipt, "New folder")
        await anna.wait_for(has_text("What shall the new folder in Telpher"))
        await anna.send_text("Anna's")
        await anna.wait_for(has_text("› Anna's"))
        await anna.press(receipt, "Move here")
        moved = await anna.wait_for(has_text("Moved to Anna's"))
        await anna.press(moved, "‹ Back")
        folder = await anna.wait_for(has_text("Your drive › Telpher › Anna's"))
        assert len(entries(folder)) == 1
        await anna.press(folder, "Up")
        await anna.wait_for(lambda message: text_of(message).startswith("📂 Your drive › Telpher"))
        await anna.press(folder, "Up")
        top = await anna.wait_for(lambda message: text_of(message) == "📂 Your drive")
        assert entries(top) == ["📁 Telpher"]
        found = await anna.ask("/find it's note", has_text("🔎 it's note"))
        assert len(entries(found)) == 1
        opened = await anna.ask("/files", has_text("Your drive"))
        is_whole = request.node.callspec.params["telpher_settings"] == WHOLE_DRIVE
        assert ("Telpher" in text_of(opened)) is not is_whole, "it opens where new files are"
        await anna.press(opened, "Starred")
        starred = await anna.wait_for(has_text("⭐ Starred"))
        assert len(entries(starred)) == 1
        await all_is_handled(telpher_running, anna)
