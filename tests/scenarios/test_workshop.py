"""The workshop by buttons: what is run, its picture, its long answers, what was run before, and whose it is. In both languages."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text, media_of, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherProcess, TelpherRunning
from tests.scenarios.waits import eventually

from telpher.access import Role
from telpher.sandbox.service import OWNER_ID, Sandbox
from telpher.settings import Settings

EXAMPLE = Path(__file__).parents[2] / "examples" / "telpher-module-primes"
BORIS_ID = 1002
SPACE = "\N{NARROW NO-BREAK SPACE}"


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    """Boris is an owner too: he reads Russian. Who is not an owner may compute for a second a day."""
    return dataclasses.replace(telpher_settings, owner_ids=(OWNER_ID, BORIS_ID), limit_day_cpu_s=1)


@pytest.fixture
async def boris(sandbox: Sandbox) -> AsyncIterator[Person]:
    """Another person, in Russian."""
    async with Person(sandbox.url, BORIS_ID) as person:
        yield person


def is_photo(message: Message) -> bool:
    return "photo" in message


def photos(person: Person) -> list[Message]:
    return [message for message in person.messages if is_photo(message)]


async def change(person: Person, shown: Message, button: str, until: str = "") -> Message:
    """Press, and wait until the message has changed."""
    before = text_of(shown), str(buttons_of(shown))
    await person.press(shown, button)
    return await person.wait_until(
        lambda: (
            now
            if (now := person.message(shown))
            and (text_of(now), str(buttons_of(now))) != before
            and until in text_of(now)
            else None
        )
    )


async def set_up(person: Person, module: str, *settings: tuple[str, str]) -> Message:
    """From `/compute` to a run that is ready: each setting is a parameter's button and an option's."""
    shown = await person.ask("/compute")
    shown = await change(person, shown, module)
    for parameter, option in settings:
        shown = await change(person, shown, f"✏️ {parameter}")
        shown = await change(person, shown, option)
    return shown


async def small_search(person: Person) -> Message:
    shown = await set_up(person, "Search", ("Numbers in the array", f"1{SPACE}000{SPACE}000"), ("Calls", "2"))
    await person.press(shown, "▶️ Run")
    return await person.wait_for(
        lambda message: message["message_id"] == shown["message_id"] and has_text("the same result")(message)
    )


async def test_a_comparison_is_followed_by_its_picture_once(telpher_running: TelpherRunning, anna: Person) -> None:
    ended = await small_search(anna)
    picture = await anna.wait_for(is_photo, timeout_s=60)
    assert picture["reply_to_message"]["message_id"] == ended["message_id"]
    assert media_of(picture)["width"] >= 1000
    await telpher_running.restart()
    await anna.ask("/hello", has_text("Hello"))
    assert len(photos(anna)) == 1


async def test_a_picture_whose_arrival_is_unknown_is_not_sent_again(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    await telpher_running.add_fault(match="POST .*/sendPhoto", kind="drop_answer", times=1)
    await small_search(anna)
    await anna.wait_for(is_photo, timeout_s=60)
    await telpher_running.restart()
    await anna.ask("/hello", has_text("Hello"))
    assert len(photos(anna)) == 1


async def test_parameters_and_ways_are_set_by_buttons(telpher_running: TelpherRunning, anna: Person) -> None:
    shown = await set_up(anna, "Search", ("Way", "an index, many queries"))
    assert f"Queries: 1{SPACE}000{SPACE}000" in text_of(shown)
    shown = await change(anna, shown, "✏️ Way")
    shown = await change(anna, shown, "as in the lesson")
    assert "Queries" not in text_of(shown), "it does not matter here"
    if sys.version_info < (3, 14):
        assert "Interpreters – " in text_of(shown)
        assert not any("Interpreters" in button["text"] for button in buttons_of(shown))
    for way in ("Linear", "Threads", "Processes"):
        shown = await change(anna, shown, f"✅ {way}")
    toast = await anna.press(shown, "▶️ Run")
    assert "Tick at least one way" in toast.text
    assert all(len(button["callback_data"].encode()) <= 64 for button in buttons_of(shown))


async def test_in_russian_digits_come_as_a_file(telpher_running: TelpherRunning, boris: Person) -> None:
    shown = await set_up(boris, "Знаки числа пи", ("Знаков после запятой", f"10{SPACE}000"))
    assert "Знаков после запятой: 10" in text_of(shown)
    shown = await change(boris, shown, "✅ Процессы")
    await boris.press(shown, "▶️ Запустить")
    ended = await boris.wait_for(has_text("π = 3.14159", "один и тот же"), timeout_s=60)
    assert ended["message_id"] == shown["message_id"]
    assert re.search(r"π = 3\.\d{100}…", text_of(ended)), "the first hundred"
    assert "Процессы" not in text_of(ended)
    sent = await boris.wait_for(lambda message: "document" in message, timeout_s=60)
    assert sent["reply_to_message"]["message_id"] == shown["message_id"]
    digits = (await boris.download(sent)).decode()
    assert len(digits) == 10_002
    assert digits.startswith("3.14159265358979")
    assert await boris.wait_for(is_photo, timeout_s=60)
    await eventually(lambda: no_answers_left(telpher_running))


async def no_answers_left(running: TelpherRunning) -> bool:
    return not list((running.settings.data_dir / "answers").iterdir())


async def test_the_last_runs_are_kept_and_two_can_be_compared(telpher_running: TelpherRunning, anna: Person) -> None:
    empty = await anna.ask("/compute history", has_text("not run anything yet"))
    await anna.press(empty, "Back")
    await small_search(anna)
    await small_search(anna)
    await telpher_running.restart()
    listed = await anna.ask("/compute history", has_text("Your last runs", "1. Search", "2. Search"))
    assert f"Numbers in the array: 1{SPACE}000{SPACE}000 · Calls: 2" in text_of(listed)
    assert re.search(r"Linear \d+\.\d m?s, Threads", text_of(listed))
    one = await change(anna, listed, "2", "found at")
    offer = await change(anna, one, "Compare with another run")
    compared = await change(anna, offer, "Search")
    assert re.search(r"Linear\n +A \d.* B \d.* ×\d+\.\d\d\nThreads", text_of(compared))
    one = await change(anna, await change(anna, compared, "Back"), "Back")
    again = await change(anna, one, "Run like this again")
    assert f"Numbers in the array: 1{SPACE}000{SPACE}000" in text_of(again)
    assert "Calls: 2" in text_of(again)


async def test_old_buttons_work_after_a_restart(telpher_running: TelpherRunning, anna: Person) -> None:
    shown = await set_up(anna, "Search", ("Numbers in the array", f"1{SPACE}000{SPACE}000"), ("Calls", "1"))
    await telpher_running.restart()
    shown = await change(anna, shown, "✅ Processes", "Calls: 1")
    await anna.press(shown, "▶️ Run")
    await anna.wait_for(has_text("Linear", "the same result"), timeout_s=60)


async def test_run_pressed_twice_runs_once(telpher_running: TelpherRunning, anna: Person) -> None:
    shown = await set_up(anna, "Search", ("Calls", "1"))
    run = next(button["callback_data"] for button in buttons_of(shown) if button["text"] == "▶️ Run")
    await anna.start_press(shown, run)
    assert "started already" in (await anna.press_data(shown, run)).text
    await anna.wait_for(has_text("the same result"), timeout_s=60)
    listed = await anna.ask("/compute history", has_text("1. Search"))
    assert "2. Search" not in text_of(listed)


async def test_another_persons_buttons_do_nothing(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    hers = await set_up(anna, "Search", ("Calls", "1"))
    before = buttons_of(hers)
    his = await boris.ask("/compute")
    for button in before:
        if button["callback_data"].startswith(("cpp:", "cpt:", "cpr:")):
            assert (await boris.press_data(his, button["callback_data"])).text, "an answer, not silence"
    assert buttons_of(anna.message(hers)) == before
    await anna.press(hers, "▶️ Run")
    await anna.wait_for(has_text("the same result"), timeout_s=60)
    run_id = next(
        button["callback_data"] for button in buttons_of(await anna.ask("/compute history")) if button["text"] == "1"
    )
    assert (await boris.press_data(his, run_id)).text
    assert await boris.ask("/compute history", has_text("ещё ничего не запускали"))


async def test_one_press_begins_the_lesson(telpher_running: TelpherRunning, anna: Person) -> None:
    shown = await change(anna, await anna.ask("/compute"), "As a lesson", "First module")
    assert [button["text"] for button in buttons_of(shown)] == ["▶️ Search"]


async def test_the_days_computing_time_is_limited(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    async with await Person.join(sandbox.url, "Clara") as clara:
        await telpher_running.app.desk.access.let_in(clara.user_id, Role.MEMBER, None)
        shown = await set_up(clara, "Search")
        await clara.press(shown, "▶️ Run")
        await clara.wait_for(has_text("the same result"), timeout_s=60)
        refused = await set_up(clara, "Search", ("Calls", "10"))
        told = await clara.press(refused, "▶️ Run")
        assert "computing time" in told.text
        assert "Calls: 10" in text_of(clara.message(refused)), "it can be run tomorrow"


@pytest.mark.slow
async def test_a_package_adds_a_module_to_the_chat(
    telpher_process: TelpherProcess, anna: Person, tmp_path: Path
) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    shutil.copytree(EXAMPLE, source)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    build = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--no-index"),
        *("--target", str(target), str(source)),
        env={**os.environ, "PATH": path},
    )
    assert await asyncio.wait_for(build.wait(), 100) == 0
    await telpher_process.start(PYTHONPATH=f"{target}{os.pathsep}{EXAMPLE.parents[1]}")
    shown = await change(anna, await anna.ask("/compute"), "Primes")
    await anna.press(shown, "▶️ Run")
    ended = await anna.wait_for(has_text("primes up to", "the same result"), timeout_s=60)
    assert ended["message_id"] == shown["message_id"]
    assert await anna.wait_for(is_photo, timeout_s=60)
