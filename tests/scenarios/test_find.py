"""`/find` and plain words: narrowed by kind and date, paged both ways, in one message, and only in one's own drive."""

from __future__ import annotations

import dataclasses
import os
import time
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import google, over_google
from tests.scenarios.test_browser_actions import entries, labels
from tests.scenarios.waits import from_bot

from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages

DAY_S = 86_400


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(telpher_settings, owner_ids=(1001, 1002))


def put(root: Path, name: str, days_ago: int = 0) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    then = time.time() - days_ago * DAY_S
    os.utime(path, (then, then))


async def test_words_find_names_wherever_they_are(telpher_running: TelpherRunning, anna: Person) -> None:
    root = telpher_running.drive_dir
    put(root, "Trips/Lisbon/Tram 28 ticket.pdf")
    put(root, "ticket to Porto.jpg")
    put(root, "other.txt")
    found = await anna.ask("/find ticket", has_text("🔎 ticket"))
    assert entries(found) == ["🖼 ticket to Porto.jpg", "📄 Tram 28 ticket.pdf"]
    typed = await anna.ask("TRAM ticket", has_text("🔎 TRAM ticket"))
    assert entries(typed) == ["📄 Tram 28 ticket.pdf"]
    await anna.press(typed, "Tram 28")
    card = await anna.wait_for(has_text("Tram 28 ticket.pdf", "1 B"))
    assert card["message_id"] == typed["message_id"]
    await anna.press(card, "‹ Back")
    await anna.wait_for_change(card, has_text("🔎 TRAM ticket"))
    await anna.ask("/find", has_text("Write what to look for"))
    await anna.ask("/find nothing <like> this", has_text("🔎 nothing <like> this", "Nothing in your drive"))


async def test_a_search_is_narrowed_and_widened(telpher_running: TelpherRunning, anna: Person) -> None:
    root = telpher_running.drive_dir
    put(root, "trip.jpg", days_ago=1)
    put(root, "trip.pdf", days_ago=20)
    put(root, "trip.mp4", days_ago=300)
    put(root, "trip.zip", days_ago=500)
    (root / "trip").mkdir()
    found = await anna.ask("trip", has_text("🔎 trip"))
    assert len(entries(found)) == 5
    assert "• All" in labels(found)
    assert "• Ever" in labels(found)
    await anna.press(found, "🖼")
    pictures = await anna.wait_for(lambda message: "• 🖼" in labels(message))
    assert entries(pictures) == ["🖼 trip.jpg"]
    await anna.press(found, "📁")
    await anna.wait_for(lambda message: "• 📁" in labels(message) and entries(message) == ["📁 trip"])
    await anna.press(found, "🗜")
    await anna.wait_for(lambda message: "• 🗜" in labels(message))
    await anna.press(found, "Month")
    none = await anna.wait_for(has_text("Nothing of this kind and time"))
    await telpher_running.restart()
    await anna.press(none, "All")
    month = await anna.wait_for(lambda message: {"• All", "• Month"} <= set(labels(message)))
    assert entries(month) == ["📁 trip", "🖼 trip.jpg", "📄 trip.pdf"]
    await anna.press(found, "Year")
    await anna.wait_for(lambda message: "• Year" in labels(message) and len(entries(message)) == 4)
    await anna.press(found, "Ever")
    await anna.wait_for(lambda message: "• Ever" in labels(message) and len(entries(message)) == 5)
    assert len(from_bot(anna)) == 1


async def test_the_same_again_changes_nothing_and_is_no_error(telpher_running: TelpherRunning, anna: Person) -> None:
    put(telpher_running.drive_dir, "trip.jpg")
    found = await anna.ask("trip", has_text("🔎 trip"))
    for label in ("• All", "• Ever", "• All"):
        toast = await anna.press(found, label)
        assert (toast.text, toast.is_alert) == ("", False)
    assert len(from_bot(anna)) == 1
    assert anna.message(found) == found


async def test_what_was_found_pages_both_ways(telpher_running: TelpherRunning, anna: Person) -> None:
    for number in range(1, 24):
        put(telpher_running.drive_dir, f"sheet {number}.txt")
    found = await anna.ask("sheet", has_text("🔎 sheet", "page 1"))
    await anna.press(found, "Next")
    second = await anna.wait_for(has_text("🔎 sheet", "page 2"))
    assert entries(second) == [f"📝 sheet {number}.txt" for number in range(11, 21)]
    await anna.press(second, "Next")
    third = await anna.wait_for(has_text("page 3"))
    assert entries(third) == [f"📝 sheet {number}.txt" for number in range(21, 24)]
    await anna.press(third, "Previous")
    await anna.wait_for(has_text("page 2"))
    await anna.press(third, "📝 sheet 15.txt")
    await anna.wait_for(has_text("sheet 15.txt", "1 B"))
    await anna.press(third, "‹ Back")
    again = await anna.wait_for(has_text("🔎 sheet", "page 2"))
    assert entries(again) == entries(second)


async def test_a_search_is_only_for_who_searched(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    put(telpher_running.drive_dir, "annas secret.txt")
    found = await anna.ask("secret", has_text("🔎 secret"))
    hello = await boris.ask("/hello")
    for button in buttons_of(found):
        toast = await boris.press_data(hello, button["callback_data"])
        assert toast.is_alert
        assert "this button" in toast.text.casefold()
    assert not [message for message in from_bot(boris) if "secret" in text_of(message)]


@pytest.mark.one_language
async def test_in_russian(telpher_running: TelpherRunning, boris_himself: Person) -> None:
    await boris_himself.ask("/find", has_text("Напишите, что искать"))
    sent = await boris_himself.send_file(b"x", name="Билет в Лиссабон.txt", kind="document")
    await boris_himself.wait_for(has_text("проверено"), after=sent)
    found = await boris_himself.ask("билет", has_text("🔎 билет"))
    assert entries(found) == ["📝 Билет в Лиссабон.txt"]
    assert {"• Все", "Неделя"} <= set(labels(found))
    await boris_himself.ask("чего нет", has_text("ничего с такими словами нет"))


@pytest.mark.one_language
class TestOverGoogle:
    """The same over Google Drive."""

    @pytest.fixture
    async def telpher_settings(self, telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
        return await over_google(telpher_settings, sandbox, tmp_path, (1001,))

    async def test_names_that_look_like_queries(self, telpher_running: TelpherRunning, anna: Person) -> None:
        await google(telpher_running.sandbox, "POST", "seed", count=12, name="o'neill's report {n}.txt")
        await google(telpher_running.sandbox, "POST", "seed", count=3, name="other {n}.txt")
        found = await anna.ask("o'neill's report", has_text("🔎", "page 1"))
        assert len(entries(found)) == 10
        await anna.press(found, "Next")
        second = await anna.wait_for(has_text("🔎", "page 2"))
        assert len(entries(second)) == 2
        await anna.press(second, "🖼")
        await anna.wait_for(has_text("Nothing of this kind"))
        await anna.press(second, "📄")
        await anna.wait_for(lambda message: len(entries(message)) == 10)
        for words in ("' or name contains 'other", "x\\", "') or ('1'='1"):
            await anna.ask(f"/find {words}", has_text("Nothing in your drive"))
