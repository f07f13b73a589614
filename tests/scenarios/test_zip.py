"""Several files or a folder come as one zip, made as it is sent; what is too much says so and offers the drive's own page."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import Outside, google, over_google
from tests.scenarios.waits import all_is_handled, from_bot

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages

FOLDER = "application/vnd.google-apps.folder"


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


async def folder(outside: Outside, name: str, parent_id: str | None = None) -> str:
    body = {"name": name, "mimeType": FOLDER} | ({"parents": [parent_id]} if parent_id else {})
    return str((await outside.ask("POST", "files", json=body))["id"])


async def put(outside: Outside, name: str, content: bytes, parent_id: str) -> str:
    return await outside.upload(name, content, parent_id)


async def opened(person: Person, name: str, top: str = "Your drive") -> Message:
    """The listing of a folder in the root."""
    listing = await person.ask("/files", has_text(top))
    await person.press(listing, name)
    return await person.wait_for_change(listing)


async def zip_in(person: Person, after: Message) -> tuple[str, zipfile.ZipFile]:
    sent = await person.wait_for(lambda message: "document" in message and message["from"]["is_bot"], after=after)
    read = zipfile.ZipFile(io.BytesIO(await person.download(sent)))
    assert read.testzip() is None
    return sent["document"]["file_name"], read


async def test_a_folder_comes_whole(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    trip = await folder(outside, "Trip")
    photos = await folder(outside, "Photos", trip)
    await folder(outside, "Nothing yet", trip)
    large = os.urandom(3_000_000)
    await put(outside, "a.txt", b"first", trip)
    await put(outside, "A.TXT", b"second", trip)
    await put(outside, "a.txt", b"third", trip)
    await put(outside, "../../etc/passwd", b"harmless", trip)
    await put(outside, "Фото №1.jpg", large, photos)
    await put(outside, "empty.txt", b"", photos)
    await google(telpher_running.sandbox, "POST", "documents", name="Plan", text="go", parent_id=trip)
    listing = await opened(anna, "Trip")
    await anna.press(listing, "Folder")
    menu = await anna.wait_for_change(listing)
    await anna.press(menu, "Get as zip")
    name, read = await zip_in(anna, menu)
    assert name == "Trip.zip"
    names = set(read.namelist())
    assert {"Photos/Фото №1.jpg", "Photos/empty.txt", "Nothing yet/", "Plan.docx"} <= names
    assert read.read("Photos/Фото №1.jpg") == large
    assert len({one.casefold() for one in names}) == len(names) == 8
    assert not [one for one in names if one.startswith("/") or ".." in one.split("/")]
    assert sorted(read.read(one) for one in names if one.lower().startswith("a")) == [b"first", b"second", b"third"]
    assert not list((telpher_running.settings.data_dir / "spool").glob("*")), "nothing is kept on this machine"


async def test_ticked_files_across_pages(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    many = await folder(outside, "Many")
    contents = {f"file {number:02}.bin": os.urandom(1000 + number) for number in range(13)}
    for name, content in contents.items():
        await put(outside, name, content, many)
    listing = await opened(anna, "Many")
    await anna.press(listing, "Folder")
    menu = await anna.wait_for_change(listing)
    await anna.press(menu, "Select")
    page = await anna.wait_for_change(menu, has_text("Tick what you want"))
    assert not [button for button in buttons_of(page) if "as zip" in button["text"]]
    await anna.press(page, "file 03.bin")
    page = await anna.wait_for_change(page, has_text("1 ticked"))
    await anna.press(page, "file 05.bin")
    page = await anna.wait_for_change(page, has_text("2 ticked"))
    await anna.press(page, "file 05.bin")
    page = await anna.wait_for_change(page, has_text("1 ticked"))
    await anna.press(page, "Next")
    page = await anna.wait_for_change(page, has_text("page 2", "1 ticked"))
    await anna.press(page, "file 12.bin")
    page = await anna.wait_for_change(page, has_text("2 ticked"))
    await telpher_running.restart()
    await anna.press(page, "Get 2 as zip")
    name, read = await zip_in(anna, page)
    assert name == "Many.zip"
    assert {one: read.read(one) for one in read.namelist()} == {
        one: contents[one] for one in ("file 03.bin", "file 12.bin")
    }
    await anna.press(page, "Previous")
    page = await anna.wait_for_change(page, has_text("2 ticked"))
    assert [button["text"] for button in buttons_of(page) if "☑️" in button["text"]] == ["☑️ 📄 file 03.bin"]
    await anna.press(page, "Back")
    await anna.wait_for_change(page, lambda message: "ticked" not in text_of(message))


async def test_what_is_too_much_is_refused_before_anything_is_sent(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    films = await folder(outside, "Films")
    ids = [await put(outside, f"film {number}.mkv", bytes(10 << 20), films) for number in range(6)]
    listing = await opened(anna, "Films")
    await anna.press(listing, "Folder")
    menu = await anna.wait_for_change(listing)
    await anna.press(menu, "Get as zip")
    refused = await anna.wait_for(has_text("Films.zip", "at least 60 MB", "at most 50 MB"), after=menu)
    opens = next(button for button in buttons_of(refused) if "url" in button)
    assert films in opens["url"]
    for file_id in ids:
        assert not await outside.requests(f"GET /drive/v3/files/{file_id}"), "a film was read"
    assert not await outside.requests("sendDocument")


async def test_a_broken_read_is_begun_anew(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    trip = await folder(outside, "Trip")
    content = os.urandom(4_000_000)
    file_id = await put(outside, "film.mp4", content, trip)
    await telpher_running.add_fault(
        match=f"GET /drive/v3/files/{file_id}$", kind="cut_response", after_bytes=2_000_000, skip=0, times=1
    )
    listing = await opened(anna, "Trip")
    await anna.press(listing, "Folder")
    menu = await anna.wait_for_change(listing)
    await anna.press(menu, "Get as zip")
    _, read = await zip_in(anna, menu)
    assert hashlib.md5(read.read("film.mp4")).hexdigest() == hashlib.md5(content).hexdigest()
    assert len([message for message in anna.messages if "document" in message]) == 1


@pytest.mark.one_language
@pytest.mark.parametrize("owners", [(1002, 1001)])
async def test_the_same_in_russian(telpher_running: TelpherRunning, boris_himself: Person, outside: Outside) -> None:
    trip = await folder(outside, "Поездка")
    await put(outside, "письмо.txt", "привет".encode(), trip)
    listing = await opened(boris_himself, "Поездка", "Ваш диск")
    menu_label = next(button["text"] for button in buttons_of(listing) if "⚙️" in button["text"])
    await boris_himself.press(listing, menu_label)
    menu = await boris_himself.wait_for_change(listing)
    await boris_himself.press(menu, "Выбрать")
    page = await boris_himself.wait_for_change(menu, has_text("Отметьте"))
    await boris_himself.press(page, "письмо.txt")
    page = await boris_himself.wait_for_change(page, has_text("Отмечен 1"))
    await boris_himself.press(page, "Забрать 1 в zip")
    name, read = await zip_in(boris_himself, page)
    assert name == "Поездка.zip"
    assert read.read("письмо.txt").decode() == "привет"


async def test_nobody_elses_ticks(
    telpher_running: TelpherRunning, anna: Person, boris: Person, outside: Outside
) -> None:
    trip = await folder(outside, "Trip")
    await put(outside, "annas.txt", b"annas", trip)
    listing = await opened(anna, "Trip")
    await anna.press(listing, "Folder")
    menu = await anna.wait_for_change(listing)
    await anna.press(menu, "Select")
    page = await anna.wait_for_change(menu, has_text("Tick"))
    await anna.press(page, "annas.txt")
    page = await anna.wait_for_change(page, has_text("1 ticked"))
    datas = [
        button["callback_data"]
        for event in anna.events
        if event["type"] in {"message", "edited"}
        for button in buttons_of(event["message"])
        if button.get("callback_data", "").partition(":")[0] in {"sb", "t0", "t1", "tp", "tz", "d"}
    ]
    assert len({data.partition(":")[0] for data in datas}) >= 5
    hello = await boris.ask("/hello")
    for data in sorted(set(datas)):
        toast = await boris.press_data(hello, data)
        assert toast.is_alert, data
        assert "this button" in toast.text.casefold(), (data, toast.text)
    await all_is_handled(telpher_running, anna)
    assert not [message for message in from_bot(boris) if "document" in message or "annas" in text_of(message)]
    assert "1 ticked" in text_of(anna.message(page))
