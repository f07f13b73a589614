"""`/compute`: Search, then Pi, in one message; the bot answers others meanwhile."""

from __future__ import annotations

import re

import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import from_bot

from telpher.bot.compute_views import LESSON
from telpher.compute.modules import registry
from telpher.sandbox.service import Sandbox

# The modules' own words, which stand in no catalogue.
SPOKEN = {
    "en": {"Search": "Search", "Pi": "Pi", "Linear": "Linear", "Threads": "Threads", "Processes": "Processes"},
    "ru": {"Search": "Поиск", "Pi": "Число пи", "Linear": "По очереди", "Threads": "Потоки", "Processes": "Процессы"},
}


@pytest.mark.both_languages
async def test_search_then_pi_then_ones_own_module(
    telpher_running: TelpherRunning, anna: Person, language: str
) -> None:
    words = SPOKEN[language]
    opening = await anna.ask("/cython", has_text("The workshop", "First module"))
    assert [button["text"] for button in buttons_of(opening)] == [f"▶️ {words['Search']}"]
    await anna.press(opening, words["Search"])
    search = await anna.wait_for(has_text(words["Search"], "Next module"), timeout_s=60)
    assert search["message_id"] == opening["message_id"]
    ways = f"{words['Linear']}|{words['Threads']}|{words['Processes']}"
    rows = re.findall(rf"^({ways}) +\d+\.\d\d \w+  ×\d+\.\d\d$", text_of(search), re.MULTILINE)
    assert rows == ways.split("|")
    assert max(len(line) for line in text_of(search).splitlines() if "×" in line) <= 30, "legible on a phone"
    assert [button["text"] for button in buttons_of(search)] == [f"▶️ {words['Pi']}"]
    await anna.press(search, words["Pi"])
    ended = await anna.wait_for(has_text(words["Search"], words["Pi"], "3.14159", "add your own module"), timeout_s=60)
    assert ended["message_id"] == opening["message_id"]
    assert len(re.findall(rf"^{words['Threads']} ", text_of(ended), re.MULTILINE)) == 2
    others = [module for name, module in registry().items() if name not in LESSON and module.unavailable is None]
    assert [button["text"] for button in buttons_of(ended)] == [f"▶️ {module.titles[language]}" for module in others]
    assert len([message for message in from_bot(anna) if "photo" not in message]) == 1


async def test_the_bot_tells_how_to_add_a_module(telpher_running: TelpherRunning, sandbox: Sandbox) -> None:
    """In English, whoever asks: it is a page for programmers."""
    async with Person(sandbox.url, 1001) as anna:
        page = await anna.ask("/own_module", has_text("Add a module to the workshop"))
        shown = {entity["type"] for entity in page["entities"]}
        assert {"bold", "code", "pre"} <= shown
        await anna.wait_for(has_text("What your module owes"))


async def test_the_bot_answers_while_it_computes(telpher_running: TelpherRunning, anna: Person) -> None:
    opening = await anna.ask("/cython", has_text("First module"))
    await anna.press(opening, "Search")
    for _ in range(3):
        await anna.ask("/hello", has_text("Hello, Anna"))
        assert "Next module" not in text_of(anna.message(opening)), "it still computes"
        if "■" in text_of(anna.message(opening)):
            break
    await anna.wait_for(has_text("Next module"), timeout_s=60)


async def test_a_second_press_starts_nothing(telpher_running: TelpherRunning, anna: Person) -> None:
    opening = await anna.ask("/cython", has_text("First module"))
    await anna.start_press(opening, "c:search")
    toast = await anna.press_data(opening, "c:search")
    assert "started already" in toast.text
    await anna.wait_for(has_text("Next module"), timeout_s=60)
    assert len(re.findall(r"^Threads ", text_of(anna.message(opening)), re.MULTILINE)) == 1


async def test_a_computation_can_be_cancelled_and_run_again(telpher_running: TelpherRunning, anna: Person) -> None:
    opening = await anna.ask("/cython", has_text("First module"))
    await anna.press(opening, "Search")
    running = await anna.wait_for(lambda message: any("Cancel" in one["text"] for one in buttons_of(message)))
    await anna.press(running, "Cancel")
    cancelled = await anna.wait_for(has_text("Search", "Cancelled"))
    await anna.press(cancelled, "Retry")
    await anna.wait_for(has_text("Search", "Next module"), timeout_s=60)


async def test_a_computation_goes_on_after_a_restart(telpher_running: TelpherRunning, anna: Person) -> None:
    opening = await anna.ask("/cython", has_text("First module"))
    await anna.press(opening, "Search")
    await telpher_running.restart()
    ended = await anna.wait_for(has_text("Search", "Next module"), timeout_s=60)
    assert ended["message_id"] == opening["message_id"]


async def test_jobs_shows_a_computation_too(telpher_running: TelpherRunning, anna: Person) -> None:
    opening = await anna.ask("/cython", has_text("First module"))
    await anna.press(opening, "Search")
    listed = await anna.ask("/jobs", has_text("1 job", "Computation: Search"))
    await anna.press(listed, "Cancel 1")
    await anna.wait_for(has_text("Search", "Cancelled"))
