"""Each button does what it says, once, and only for the person whom it was shown to; old and forged ones end in a clear toast."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import sqlite3

import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import all_is_handled, from_bot, kept_files, press_until_accepted

from telpher.app import App
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002))


def names(running: TelpherRunning) -> list[str]:
    return sorted(path.rpartition("/")[2] for path in kept_files(running))


async def saved(person: Person, content: bytes, name: str) -> Message:
    sent = await person.send_file(content, name=name, kind="document")
    return await person.wait_for(has_text(name, "verified"), after=sent)


async def test_get_back_brings_the_same_bytes_and_leaves_the_chat_tidy(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    content = os.urandom(3_000_000)
    receipt = await saved(anna, content, "there and back.bin")
    for _ in range(2):
        last = anna.last_message
        await press_until_accepted(anna, receipt, "Get back")
        returned = await anna.wait_for(lambda message: "document" in message, after=last)
        assert returned["document"]["file_name"] == "there and back.bin"
        assert await anna.download(returned) == content
    # What said that it was coming goes again; the receipt stays.
    await anna.wait_until(lambda: len([m for m in from_bot(anna) if "document" not in m]) == 1 or None)


async def test_rename_asks_and_undo_takes_it_back(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await saved(anna, b"draft", "draft.txt")
    await anna.press(receipt, "Rename")
    question = await anna.wait_for(has_text("What shall", "draft.txt"))
    await anna.send_text("final", reply_to=question)
    renamed = await anna.wait_for(has_text("final.txt", "was: draft.txt"))
    assert renamed["message_id"] == receipt["message_id"]
    await anna.wait_for(has_text("Renamed", "final.txt"))
    assert names(telpher_running) == ["final.txt"]
    await anna.press(renamed, "Undo")
    await anna.wait_for(has_text("draft.txt", "old name is back"))
    assert names(telpher_running) == ["draft.txt"]
    assert not anna.has_message(question), "the question has had its answer"


async def test_the_next_message_is_the_name_also_after_a_restart(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await saved(anna, b"draft", "draft.txt")
    await anna.press(receipt, "Rename")
    await anna.wait_for(has_text("What shall"))
    await telpher_running.restart()
    await anna.send_text("../../final version.md\nand more")
    await anna.wait_for(has_text("final version.md", "was: draft.txt"))
    assert len(names(telpher_running)) == 1
    assert "/" not in names(telpher_running)[0]


async def test_a_rename_can_be_called_off(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await saved(anna, b"draft", "draft.txt")
    await anna.press(receipt, "Rename")
    await anna.wait_for(has_text("What shall"))
    await anna.ask("/cancel", has_text("the name stays"))
    await anna.ask("something else", has_text("Nothing in your drive has these words"))
    assert names(telpher_running) == ["draft.txt"]


async def test_a_name_that_cannot_be_is_asked_for_again(telpher_running: TelpherRunning, anna: Person) -> None:
    folder_less = await saved(anna, b"x", "LICENSE")
    await anna.press(folder_less, "Rename")
    await anna.wait_for(has_text("What shall"))
    await anna.ask("...", has_text("another one"))
    await anna.send_text("COPYING")
    await anna.wait_for(has_text("COPYING", "was: LICENSE"))
    assert names(telpher_running) == ["COPYING"]


async def test_delete_goes_to_the_trash_and_undo_brings_it_back(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await saved(anna, b"precious", "precious.txt")
    await anna.press(receipt, "Delete")
    trashed = await anna.wait_for(has_text("precious.txt", "Moved to the trash"))
    assert trashed["message_id"] == receipt["message_id"]
    assert names(telpher_running) == []
    await telpher_running.restart()
    await anna.press(trashed, "Undo")
    await anna.wait_for(has_text("precious.txt", "Back from the trash"))
    assert list(kept_files(telpher_running).values()) == [b"precious"]


@pytest.mark.parametrize(
    ("days_ago", "is_kept"), [(1, True), (6, True), (8, False)], ids=["a-day", "six-days", "eight-days"]
)
@pytest.mark.one_language
async def test_undo_is_possible_for_days(
    telpher_running: TelpherRunning, anna: Person, days_ago: int, is_kept: bool
) -> None:
    receipt = await saved(anna, b"precious", "precious.txt")
    await anna.press(receipt, "Delete")
    trashed = await anna.wait_for(has_text("precious.txt", "Moved to the trash"))
    await telpher_running.app.stop()
    with contextlib.closing(sqlite3.connect(telpher_running.settings.data_dir / "telpher.db")) as database, database:
        database.execute("UPDATE undo_records SET created_ms = created_ms - ?", (days_ago * 86_400_000,))
    telpher_running.app = App(telpher_running.settings)
    await telpher_running.app.start()
    toast = await anna.press(trashed, "Undo")
    if is_kept:
        await anna.wait_for(has_text("precious.txt", "Back from the trash"))
        assert list(kept_files(telpher_running).values()) == [b"precious"]
    else:
        assert "had its day" in toast.text
        assert kept_files(telpher_running) == {}


async def test_old_buttons_answer_clearly(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await saved(anna, b"x", "gone.txt")
    old = {button["text"]: button["callback_data"] for button in buttons_of(receipt) if "callback_data" in button}
    await anna.press(receipt, "Delete")
    await anna.wait_for(has_text("gone.txt", "trash"))
    for label in ("📥 Get back",):
        toast = await anna.press_data(receipt, old[label])
        assert "no longer in the drive" in toast.text
        assert toast.is_alert


@pytest.mark.parametrize(
    "data",
    [
        "",
        "nonsense",
        "f:zzzzzzzzzzzz:0",
        "e:zz:1",
        "d:g:zz",
        "u:424242",
        "j:c:424242",
        "b:424242",
        "c:nothing",
        "x" * 64,
    ],
)
async def test_what_was_never_ours_is_answered_too(telpher_running: TelpherRunning, anna: Person, data: str) -> None:
    hello = await anna.ask("/hello", has_text("Hello"))
    toast = await anna.press_data(hello, data or "0")
    assert "button has had its day" in toast.text
    assert toast.is_alert


async def test_nobody_elses_buttons(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    """Boris, who is served too, replays every button that Anna was ever shown."""
    receipt = await saved(anna, b"annas", "annas.txt")
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(receipt, "Rename")
    await anna.send_text("annas own.txt")
    renamed = await anna.wait_for(has_text("annas own.txt", "was:"))
    await anna.press(listing, buttons_of(listing)[0]["text"])
    shown = [event["message"] for event in anna.events if event["type"] in {"message", "edited"}]
    datas = {
        button["callback_data"]
        for message in [*shown, renamed]
        for button in buttons_of(message)
        if "callback_data" in button
    }
    assert len(datas) >= 5
    hers = {data for data in datas if data not in {"r", "q", "c:search", "sf:s:0", "sf:r:0"}}
    hello = await boris.ask("/hello")
    before = list(itertools.chain(kept_files(telpher_running).items()))
    for data in sorted(hers):
        toast = await boris.press_data(hello, data)
        assert toast.is_alert, data
        assert "this button" in toast.text.casefold(), (data, toast.text)
    await all_is_handled(telpher_running, anna)
    assert list(kept_files(telpher_running).items()) == before
    assert not [message for message in from_bot(boris) if "annas" in text_of(message)]


async def test_cancel_stops_a_running_transfer_and_retry_begins_again(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    content = os.urandom(6_000_000)
    await telpher_running.add_fault(
        match="GET /file/", kind="bandwidth", bytes_per_s=600_000, direction="down", times=1
    )
    sent = await anna.send_file(content, name="slow.bin", kind="document")
    running = await anna.wait_for(has_text("slow.bin", "%"), after=sent)
    toast = await anna.press(running, "Cancel")
    assert toast.text == "Cancelled"
    cancelled = await anna.wait_for(has_text("slow.bin", "Cancelled"), after=sent)
    assert names(telpher_running) == []
    await anna.press(cancelled, "Retry")
    await anna.wait_for(has_text("slow.bin", "verified"), after=sent, timeout_s=30)
    assert list(kept_files(telpher_running).values()) == [content]


async def test_jobs_lists_what_runs_and_cancels_it(telpher_running: TelpherRunning, anna: Person) -> None:
    await telpher_running.add_fault(
        match="GET /file/", kind="bandwidth", bytes_per_s=300_000, direction="down", times=1
    )
    sent = await anna.send_file(os.urandom(6_000_000), name="slow.bin", kind="document")
    await anna.wait_for(has_text("slow.bin", "%"), after=sent)
    listed = await anna.ask("/jobs", has_text("1 job", "slow.bin", "%"))
    await anna.press(listed, "Cancel 1")
    await anna.wait_for(has_text("slow.bin", "Cancelled"), after=sent)
    await anna.press(listed, "Refresh")
    await anna.wait_for(has_text("Nothing is on its way"))


async def test_what_is_too_big_to_come_back_says_so(telpher_running: TelpherRunning, anna: Person) -> None:
    telpher_running.drive_dir.mkdir(exist_ok=True)
    with (telpher_running.drive_dir / "film.mkv").open("wb") as film:
        film.truncate(60 << 20)
    listing = await anna.ask("/files", has_text("Your drive"))
    await anna.press(listing, "film.mkv")
    card = await anna.wait_for(has_text("film.mkv", "60 MB"))
    await anna.press(card, "Get back")
    await anna.wait_for(has_text("film.mkv", "60 MB", "at most 50 MB"), after=card)


@pytest.mark.one_language
async def test_a_receipt_in_russian(telpher_running: TelpherRunning, boris_himself: Person) -> None:
    await boris_himself.send_file(b"x" * 1536, name="письмо.txt", kind="document")
    receipt = await boris_himself.wait_for(has_text("письмо.txt", "1,5 КБ", "На диске, проверено"))
    assert [button["text"] for button in buttons_of(receipt)] == [
        "📥 Забрать",
        "✏️ Переименовать",
        "📦 Переместить",
        "☆ Отметить",
        "🗑 Удалить",
    ]
    await boris_himself.press(receipt, "Удалить")
    trashed = await boris_himself.wait_for(has_text("письмо.txt", "В корзине"))
    await boris_himself.press(trashed, "Вернуть")
    await boris_himself.wait_for(has_text("письмо.txt", "Снова на месте"))


async def test_pressing_get_back_twice_in_a_hurry_sends_once(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await saved(anna, os.urandom(2_000_000), "once.bin")
    await telpher_running.add_fault(match="sendDocument", kind="delay", delay_s=1.0, times=1)
    data = next(button["callback_data"] for button in buttons_of(receipt) if "Get back" in button["text"])
    await anna.start_press(receipt, data)
    toast = await anna.press_data(receipt, data)
    assert toast.text in {"Already on its way", "Coming right up"}
    await anna.wait_for(lambda message: "document" in message, after=receipt)
    await all_is_handled(telpher_running, anna)
    assert len([message for message in anna.messages if "document" in message and message["from"]["is_bot"]]) == 1


async def test_nobody_else_cancels_a_transfer(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    await telpher_running.add_fault(
        match="GET /file/", kind="bandwidth", bytes_per_s=2_000_000, direction="down", times=1
    )
    await anna.send_file(os.urandom(6_000_000), name="annas.bin", kind="document")
    running = await anna.wait_for(has_text("annas.bin", "%"))
    hello = await boris.ask("/hello")
    for data in [button["callback_data"] for button in buttons_of(running)] + ["j:r:1", "a:c:1", "a:r:1", "b:1"]:
        assert (await boris.press_data(hello, data)).is_alert
    await boris.ask("/jobs", has_text("Nothing is on its way"))
    await anna.wait_for(has_text("annas.bin", "verified"), timeout_s=30)
    assert len(from_bot(boris)) == 2
