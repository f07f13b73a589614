"""Where files go: the folder for new ones, a folder, a template, a question each time; a caption overrides; both of one name are kept."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from pathlib import Path

import pytest
from tests.driver import Person, has_text, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import OWN_FILES, WHOLE_DRIVE, google, over_google
from tests.scenarios.test_browser_actions import entries, labels
from tests.scenarios.test_saving import JPEG
from tests.scenarios.waits import all_is_handled, from_bot, kept_files

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002))


# What `{kind}` becomes, and so a folder's name.
PICTURES = {"en": "Pictures", "ru": "Фото"}
DOCUMENTS = {"en": "Documents", "ru": "Документы"}


async def sent(person: Person, name: str, caption: str | None = None, content: bytes = b"x") -> str:
    """Send a file and wait until it is there; the receipt's text."""
    message = await person.send_file(content, name=name, kind="document", caption=caption)
    receipt = await person.wait_for(lambda one: "✅" in text_of(one), after=message)
    return text_of(receipt)


async def choose_template(person: Person, template: str) -> None:
    where = await person.ask("/where", has_text("Where new files go"))
    await person.press(where, "Folders by date and kind")
    await person.wait_for(has_text("Send me a path with {year}"))
    preview = await person.ask(template, has_text("Today’s files would go to"))
    await person.press(preview, "Use it")
    await person.wait_for_change(preview, has_text("Where new files go"))


async def test_a_template_is_looked_at_before_it_is_taken(
    telpher_running: TelpherRunning, anna: Person, language: str
) -> None:
    today = dt.datetime.now().astimezone()
    where = await anna.ask("/where", has_text("Where new files go", "The folder for new files"))
    assert "• 🏠 The folder for new files" in labels(where)
    await anna.press(where, "Folders by date and kind")
    await anna.wait_for(has_text("Send me a path"))
    await anna.ask("{hour}/x", has_text("I can’t use “{hour}”", "{year} {month} {day} {kind}"))
    first = await anna.ask("{year}", has_text("Today’s files would go to", f"{today:%Y}/"))
    await telpher_running.restart()
    second = await anna.ask(
        "{year}/{month}/{kind}",
        has_text(f"🖼 {today:%Y/%m}/{PICTURES[language]}/", f"📄 {today:%Y/%m}/{DOCUMENTS[language]}/"),
    )
    await anna.wait_until(lambda: not anna.has_message(first))
    assert "plain.txt" in await sent(anna, "plain.txt"), "nothing has changed yet"
    await anna.press(second, "Use it")
    await anna.wait_for(has_text("Where new files go", "{year}/{month}/{kind}"))
    text = await sent(anna, "report.pdf")
    assert f"📁 {today:%Y} › {today:%m} › {DOCUMENTS[language]}" in text
    assert sorted(kept_files(telpher_running)) == [f"{today:%Y/%m}/{DOCUMENTS[language]}/report.pdf", "plain.txt"]


async def all_verified(anna: Person, count: int) -> None:
    """Wait for `0.pdf`, `1.pdf`, …: from the fourth on they may share one receipt."""

    def is_told(name: str) -> bool:
        return any(name in text_of(one) and "verified" in text_of(one) for one in from_bot(anna))

    await anna.wait_until(lambda: all(is_told(f"{number}.pdf") for number in range(count)))


async def test_many_at_once_share_their_folders(telpher_running: TelpherRunning, anna: Person, language: str) -> None:
    await choose_template(anna, "{year}/{kind}")
    await asyncio.gather(*(anna.send_file(b"%d" % n, name=f"{n}.pdf", kind="document") for n in range(6)))
    await all_verified(anna, 6)
    year = f"{dt.datetime.now().astimezone():%Y}"
    assert sorted(kept_files(telpher_running)) == [f"{year}/{DOCUMENTS[language]}/{n}.pdf" for n in range(6)]


async def test_a_folder_of_ones_choice(telpher_running: TelpherRunning, anna: Person) -> None:
    (telpher_running.drive_dir / "Inbox" / "Deep").mkdir(parents=True)
    where = await anna.ask("/settings", has_text("Where new files go"))
    await anna.press(where, "A folder of my choice")
    await anna.wait_for(has_text("Where shall new files go"))
    await anna.press(where, "Inbox")
    await anna.wait_for(has_text("› Inbox"))
    await anna.press(where, "New files go here")
    await anna.wait_for(has_text("Where new files go", "📁 Inbox"))
    await sent(anna, "one.txt")
    await sent(anna, "two.txt", "/Elsewhere\nsecond")
    await sent(anna, "three.txt", "third #Inbox")
    assert sorted(kept_files(telpher_running)) == ["Elsewhere/second.txt", "Inbox/one.txt", "Inbox/third.txt"]
    (telpher_running.drive_dir / "Inbox").rename(telpher_running.drive_dir / "Post")
    await sent(anna, "four.txt")
    assert "Post/four.txt" in kept_files(telpher_running), "a folder stays itself under another name"
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "Post")
    await anna.wait_for(has_text("› Post"))
    await anna.press(listing, "⚙️ Folder")
    await anna.wait_for(lambda message: "🗑 Delete" in labels(message))
    await anna.press(listing, "Delete")
    await anna.wait_for(has_text("Post", "trash"))
    await sent(anna, "five.txt")
    assert "five.txt" in kept_files(telpher_running), "no file is lost with its folder"
    await anna.ask("/where", has_text("The folder that you chose is gone"))


async def test_captions_say_where_and_what(telpher_running: TelpherRunning, anna: Person) -> None:
    (telpher_running.drive_dir / "Trips").mkdir(parents=True)
    await sent(anna, "a.txt", "#trips")
    await sent(anna, "b.txt", "Tram 28 #Trips")
    await sent(anna, "c.txt", "/Trips/Lisbon")
    await sent(anna, "d.txt", "/../../etc/passwd")
    await sent(anna, "e.txt", "C#sharp")
    assert sorted(kept_files(telpher_running)) == [
        "C#sharp.txt",
        "Trips/Lisbon/c.txt",
        "Trips/Tram 28.txt",
        "Trips/a.txt",
        "etc/passwd/d.txt",
    ]


async def test_an_albums_caption_speaks_for_all_of_it(telpher_running: TelpherRunning, anna: Person) -> None:
    await anna.send_album(
        [(b"1", "one.txt"), (b"2", "two.txt"), (b"3", "three.txt")], kind="document", caption="#Trips"
    )
    await anna.wait_for(has_text("3 files", "verified"))
    assert sorted(kept_files(telpher_running)) == ["Trips/one.txt", "Trips/three.txt", "Trips/two.txt"]
    await anna.send_album([(b"4", "four.txt"), (b"5", "five.txt")], kind="document")
    await anna.wait_for(has_text("2 files", "verified"))
    assert {"four.txt", "five.txt"} < set(kept_files(telpher_running))


async def test_somebody_elses_caption_sends_nothing_anywhere(telpher_running: TelpherRunning, anna: Person) -> None:
    first = await anna.send_file(b"x", name="a.txt", kind="document", caption="#News")
    await anna.wait_for(has_text("verified"), after=first)
    forwarded = await anna.forward(first)
    await anna.wait_for(has_text("verified"), after=forwarded)
    assert sorted(kept_files(telpher_running)) == ["#News.txt", "News/a.txt"]


async def test_both_of_one_name_are_kept(telpher_running: TelpherRunning, anna: Person) -> None:
    await choose_template(anna, "Everything")
    for content in (b"one", b"two"):
        await sent(anna, "same.txt", content=content)
    assert kept_files(telpher_running) == {"Everything/same.txt": b"one", "Everything/same (2).txt": b"two"}


async def test_asked_each_time(telpher_running: TelpherRunning, anna: Person) -> None:
    (telpher_running.drive_dir / "Inbox").mkdir(parents=True)
    where = await anna.ask("/where", has_text("Where new files go"))
    await anna.press(where, "Ask me each time")
    await anna.wait_for(lambda message: "• ❓ Ask me each time" in labels(message))
    first = await anna.send_file(b"1", name="one.txt", kind="document")
    question = await anna.wait_for(has_text("It waits", "one.txt"))
    assert question["reply_to_message"]["message_id"] == first["message_id"]
    await anna.send_album([(b"2", "two.txt"), (b"3", "three.txt")], kind="document")
    asked = await anna.wait_for(has_text("3 files wait", "one.txt", "two.txt", "three.txt"))
    assert asked["message_id"] == question["message_id"], "one question for what comes together"
    await telpher_running.restart()
    assert kept_files(telpher_running) == {}
    await anna.press(asked, "A folder of my choice")
    await anna.wait_for(has_text("Where shall it go"))
    await anna.press(asked, "Inbox")
    await anna.wait_for(has_text("› Inbox"))
    await anna.press(asked, "Put it here")
    await anna.wait_for(has_text("one.txt", "verified"))
    await anna.wait_for(has_text("2 files", "verified"))
    assert sorted(kept_files(telpher_running)) == ["Inbox/one.txt", "Inbox/three.txt", "Inbox/two.txt"]
    await anna.wait_until(lambda: not anna.has_message(asked))
    await sent(anna, "four.txt", "/Direct")
    assert "Direct/four.txt" in kept_files(telpher_running), "a caption is an answer"


async def test_what_waits_can_be_let_go(telpher_running: TelpherRunning, anna: Person) -> None:
    where = await anna.ask("/where", has_text("Where new files go"))
    await anna.press(where, "Ask me each time")
    await anna.wait_for(lambda message: "• ❓ Ask me each time" in labels(message))
    await anna.send_file(b"1", name="one.txt", kind="document")
    question = await anna.wait_for(has_text("It waits", "one.txt"))
    old = next(button["callback_data"] for row in question["reply_markup"]["inline_keyboard"] for button in row)
    await anna.press(question, "Cancel")
    await anna.wait_for(has_text("I leave it"))
    toast = await anna.press_data(question, old)
    assert "had its day" in toast.text
    await all_is_handled(telpher_running, anna)
    assert kept_files(telpher_running) == {}


@pytest.mark.one_language
async def test_in_russian(telpher_running: TelpherRunning, boris_himself: Person) -> None:
    where = await boris_himself.ask("/where", has_text("Куда попадают новые файлы", "В папку для новых файлов"))
    await boris_himself.press(where, "По папкам: дата и вид")
    await boris_himself.wait_for(has_text("Пришлите путь", "{kind}"))
    preview = await boris_himself.ask("{kind}", has_text("Сегодняшние файлы попали бы сюда", "🖼 Фото/"))
    await boris_himself.press(preview, "Годится")
    await boris_himself.wait_for(has_text("Куда попадают новые файлы", "{kind}"))
    photo = await boris_himself.send_file(JPEG, name="x.jpg", kind="photo")
    await boris_himself.wait_for(has_text("проверено", "📁 Фото"), after=photo)
    await boris_himself.press(where, "Спрашивать каждый раз")
    await boris_himself.wait_for(lambda message: "• ❓ Спрашивать каждый раз" in labels(message))
    await boris_himself.send_file(b"1", name="письмо.txt", kind="document")
    question = await boris_himself.wait_for(has_text("файл ждёт", "письмо.txt"))
    await boris_himself.press(question, "В папку для новых файлов")
    await boris_himself.wait_for(has_text("письмо.txt", "проверено"))


@pytest.mark.one_language
class TestOverGoogle:
    """The same over Google Drive, with either grant."""

    @pytest.fixture(params=[OWN_FILES, WHOLE_DRIVE], ids=["own-files", "whole-drive"])
    async def telpher_settings(
        self, telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path, request: pytest.FixtureRequest
    ) -> Settings:
        return await over_google(telpher_settings, sandbox, tmp_path, (1001,), scope=request.param)

    async def test_template_and_captions(self, telpher_running: TelpherRunning, anna: Person) -> None:
        await choose_template(anna, "Anna's {year}/{kind}")
        await asyncio.gather(*(anna.send_file(b"%d" % n, name=f"{n}.pdf", kind="document") for n in range(3)))
        await all_verified(anna, 3)
        for _ in range(2):
            await sent(anna, "same.txt", "#Same")
        listed = await google(telpher_running.sandbox, "GET", "files")
        folders = sorted(entry["name"] for entry in listed if entry["is_folder"])
        year = f"{dt.datetime.now().astimezone():%Y}"
        assert folders == [f"Anna's {year}", "Documents", "Same", "Telpher"], "each folder once"
        assert [entry["name"] for entry in listed if entry["name"] == "same.txt"] == ["same.txt"] * 2
        listing = await anna.ask("/files", has_text("Your drive"))
        if entries(listing) == ["📁 Telpher"]:
            await anna.press(listing, "Telpher")
        shown = await anna.wait_for(has_text("Your drive › Telpher"))
        assert entries(shown) == [f"📁 Anna's {year}", "📁 Same"]
