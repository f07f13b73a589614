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
from tests.driver import Person, buttons_of, has_text, is_from_bot, media_of, text_of
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


WORDS = {
    "search": ("Search", "Поиск"),
    "digits": ("Digits of pi", "Знаки числа пи"),
    "numbers": ("Numbers in the array", "Чисел в массиве"),
    "sought": ("Number sought (−1: the last)", "Искомое число (−1: последнее)"),
    "how many digits": ("Digits after the point", "Знаков после запятой"),
    "threads within": ("Threads within a call", "Потоков в одном вызове"),
    "calls": ("Calls", "Вызовов"),
    "way": ("Way", "Вид"),
    "as in the lesson": ("as in the lesson", "как в уроке"),
    "index": ("an index, many queries", "индекс, много запросов"),
    "queries": ("Queries", "Запросов"),
    "linear": ("Linear", "По очереди"),
    "threads": ("Threads", "Потоки"),
    "processes": ("Processes", "Процессы"),
    "interpreters": ("Interpreters", "Интерпретаторы"),
    "run": ("▶️ Run", "▶️ Запустить"),
    "back": ("Back", "Назад"),
    "write": ("Write a number", "Вписать число"),
    "range": ("A whole number from {} to {}.", "Целое число от {} до {}."),
    "does not fit": ("“{}” does not fit “{}”.", "«{}» не подходит для «{}»."),
    "same result": ("the same result", "один и тот же"),
    "found": ("found at", "найдено на месте"),
    "not found": ("not found", "не найдено"),
    "nothing ticked": ("Tick at least one way", "Отметьте хотя бы один"),
    "nothing run": ("not run anything yet", "ещё ничего не запускали"),
    "last runs": ("Your last runs", "Ваши прошлые запуски"),
    "compare": ("Compare with another run", "Сравнить с другим запуском"),
    "first": ("A", "А"),
    "second": ("B", "Б"),
    "again": ("Run like this again", "Запустить так же"),
    "history": ("/compute history", "/compute история"),
    "seconds": ("m?s", "м?с"),
    "mark": (".", ","),
    "hello": ("Hello", "Здравствуйте"),
}


@dataclasses.dataclass(frozen=True)
class Reader:
    """A person, and what the workshop says in their language."""

    person: Person
    place: int

    def __getitem__(self, what: str) -> str:
        return WORDS[what][self.place]

    async def change(self, shown: Message, button: str, until: str = "") -> Message:
        """Press, and wait until the message has changed."""
        before = text_of(shown), str(buttons_of(shown))
        await self.person.press(shown, button)
        return await self.changed(shown, before, until)

    async def changed(self, shown: Message, before: tuple[str, str], until: str = "") -> Message:
        return await self.person.wait_until(
            lambda: (
                now
                if (now := self.person.message(shown))
                and (text_of(now), str(buttons_of(now))) != before
                and until in text_of(now)
                else None
            ),
            timeout_s=60,
        )

    async def set_up(self, module: str, *settings: tuple[str, str]) -> Message:
        """From `/compute` to a run that is ready: each setting is a parameter's button and an option's."""
        shown = await self.change(await self.person.ask("/compute"), self[module])
        for parameter, option in settings:
            shown = await self.change(shown, f"✏️ {self[parameter]}")
            shown = await self.change(shown, option)
        return shown

    async def run(self, shown: Message) -> Message:
        """Run what is ready; the same message, when it has ended."""
        await self.person.press(shown, self["run"])
        return await self.changed(shown, (text_of(shown), ""), self["same result"])

    async def small_search(self) -> Message:
        return await self.run(await self.set_up("search", ("numbers", f"1{SPACE}000{SPACE}000"), ("calls", "2")))

    async def write(self, shown: Message, parameter: str, *written: str) -> tuple[Message, list[str]]:
        """Set a parameter by writing numbers until one is taken; the message, and what was said to the others."""
        asking = await self.change(shown, f"✏️ {self[parameter]}")
        before = text_of(asking), str(buttons_of(asking))
        await self.person.press(asking, self["write"])
        question = await self.person.wait_for(lambda message: "⌨️" in text_of(message), after=asking)
        assert question["reply_to_message"]["message_id"] == shown["message_id"]
        refusals = []
        for wrong in written[:-1]:
            sent = await self.person.send_text(wrong)
            refusals.append(text_of(await self.person.wait_for(lambda message: "⚠️" in text_of(message), after=sent)))
        await self.person.send_text(written[-1])
        taken = await self.changed(asking, before)
        await self.person.wait_until(lambda: not self.person.has_message(question))
        return taken, refusals


def is_photo(message: Message) -> bool:
    return "photo" in message


def photos(person: Person) -> list[Message]:
    return [message for message in person.messages if is_photo(message)]


@pytest.fixture(params=["en", "ru"])
def reader(request: pytest.FixtureRequest, anna: Person, boris: Person) -> Reader:
    """Anna, who reads English, and then the same with Boris, who reads Russian."""
    return Reader(anna, 0) if request.param == "en" else Reader(boris, 1)


@pytest.fixture
def in_english(anna: Person) -> Reader:
    """Where the language changes nothing."""
    return Reader(anna, 0)


async def test_a_comparison_is_followed_by_its_picture_once(telpher_running: TelpherRunning, reader: Reader) -> None:
    ended = await reader.small_search()
    picture = await reader.person.wait_for(is_photo, timeout_s=60)
    assert picture["reply_to_message"]["message_id"] == ended["message_id"]
    assert media_of(picture)["width"] >= 1000
    await telpher_running.restart()
    await reader.person.ask("/hello", has_text(reader["hello"]))
    assert len(photos(reader.person)) == 1


async def test_a_picture_whose_arrival_is_unknown_is_not_sent_again(
    telpher_running: TelpherRunning, in_english: Reader
) -> None:
    await telpher_running.add_fault(match="POST .*/sendPhoto", kind="drop_answer", times=1)
    await in_english.small_search()
    await in_english.person.wait_for(is_photo, timeout_s=60)
    await telpher_running.restart()
    await in_english.person.ask("/hello", has_text("Hello"))
    assert len(photos(in_english.person)) == 1


async def test_parameters_and_ways_are_set_by_buttons(telpher_running: TelpherRunning, reader: Reader) -> None:
    shown = await reader.set_up("search", ("way", reader["index"]))
    assert f"{reader['queries']}: 1{SPACE}000{SPACE}000" in text_of(shown)
    shown = await reader.change(shown, f"✏️ {reader['way']}")
    shown = await reader.change(shown, reader["as in the lesson"])
    assert reader["queries"] not in text_of(shown), "it does not matter here"
    if sys.version_info < (3, 14):
        assert f"{reader['interpreters']} – " in text_of(shown)
        assert not any(reader["interpreters"] in button["text"] for button in buttons_of(shown))
    for way in ("linear", "threads", "processes"):
        shown = await reader.change(shown, f"✅ {reader[way]}")
    toast = await reader.person.press(shown, reader["run"])
    assert reader["nothing ticked"] in toast.text
    assert all(len(button["callback_data"].encode()) <= 64 for button in buttons_of(shown))
    assert len([message for message in reader.person.messages if is_from_bot(message)]) == 1, "edited, not posted anew"


async def test_numbers_are_stepped(telpher_running: TelpherRunning, reader: Reader) -> None:
    shown = await reader.set_up("search", ("numbers", f"1{SPACE}000{SPACE}000"))
    shown = await reader.change(shown, f"✏️ {reader['numbers']}")
    assert reader["range"].format(1, f"2{SPACE}147{SPACE}483{SPACE}647") in text_of(shown)
    steps = [button["text"] for button in buttons_of(shown)][:4]
    assert steps == ["÷ 10", "÷ 2", "× 2", "× 10"]
    doubling = next(button["callback_data"] for button in buttons_of(shown) if button["text"] == "× 2")
    shown = await reader.change(shown, "× 2", f"2{SPACE}000{SPACE}000")
    await reader.person.press_data(shown, doubling)
    assert f": 2{SPACE}000{SPACE}000" in text_of(reader.person.message(shown)), "a press that comes twice counts once"
    for _ in range(4):
        shown = await reader.change(shown, "× 10" if "× 10" in str(buttons_of(shown)) else "× 2")
    assert f": 2{SPACE}147{SPACE}483{SPACE}647" in text_of(shown), "no further than it goes"
    assert [button["text"] for button in buttons_of(shown)][:2] == ["÷ 10", "÷ 2"]
    await telpher_running.restart()
    shown = await reader.change(shown, "÷ 2", f"1{SPACE}073{SPACE}741{SPACE}823")
    shown = await reader.change(shown, reader["back"])
    shown = await reader.change(shown, f"✏️ {reader['calls']}")
    assert [button["text"] for button in buttons_of(shown)][:4] == ["− 10", "− 1", "+ 1", "+ 10"]
    shown = await reader.change(await reader.change(shown, "+ 1"), reader["back"])
    assert f"{reader['calls']}: 6" in text_of(shown)
    assert f"{reader['numbers']}: 1{SPACE}073{SPACE}741{SPACE}823" in text_of(shown)


async def test_numbers_are_written(telpher_running: TelpherRunning, reader: Reader) -> None:
    shown = await reader.set_up("search", ("calls", "1"))
    shown, refusals = await reader.write(shown, "numbers", "many", "10^12", "2.5M")
    assert f"{reader['numbers']}: 2{SPACE}500{SPACE}000" in text_of(shown)
    assert reader["does not fit"].format("many", reader["numbers"]) in refusals[0]
    assert reader["does not fit"].format("10^12", reader["numbers"]) in refusals[1]
    assert reader["range"].format(1, f"2{SPACE}147{SPACE}483{SPACE}647") in refusals[1]
    # One that no button offers a value for.
    shown, _ = await reader.write(shown, "sought", "3 000 000")
    assert f"{reader['sought']}: 3{SPACE}000{SPACE}000" in text_of(shown)
    assert reader["not found"] in text_of(await reader.run(shown)), "there are not so many"
    listed = await reader.person.ask(reader["history"], has_text(reader["last runs"]))
    assert f"{reader['sought']}: 3{SPACE}000{SPACE}000" in text_of(listed)


async def test_what_was_asked_for_may_be_answered_after_a_restart_or_not_at_all(
    telpher_running: TelpherRunning, in_english: Reader
) -> None:
    anna = in_english.person
    shown = await in_english.set_up("search")
    shown = await in_english.change(shown, "✏️ Calls")
    await anna.press(shown, "Write a number")
    question = await anna.wait_for(lambda message: "⌨️" in text_of(message), after=shown)
    await telpher_running.restart()
    await anna.send_text("7", reply_to=question)
    shown = await in_english.changed(shown, (text_of(shown), ""), "Calls: 7")
    await in_english.change(shown, "✏️ Calls")
    await anna.press(shown, "Write a number")
    await anna.wait_for(lambda message: "⌨️" in text_of(message), after=question)
    await anna.ask("/cancel")
    await anna.ask("9")
    assert "Calls: 7" in text_of(anna.message(shown)), "it was words to look for"


async def test_digits_come_as_a_file(telpher_running: TelpherRunning, reader: Reader) -> None:
    shown = await reader.set_up("digits", ("how many digits", f"10{SPACE}000"))
    assert f"{reader['how many digits']}: 10{SPACE}000" in text_of(shown)
    shown = await reader.change(shown, f"✅ {reader['processes']}")
    ended = await reader.run(shown)
    assert re.search(r"π = 3\.\d{100}…", text_of(ended)), "the first hundred"
    assert reader["processes"] not in text_of(ended)
    sent = await reader.person.wait_for(lambda message: "document" in message, timeout_s=60)
    assert sent["reply_to_message"]["message_id"] == shown["message_id"]
    digits = (await reader.person.download(sent)).decode()
    assert len(digits) == 10_002
    assert digits.startswith("3.14159265358979")
    assert await reader.person.wait_for(is_photo, timeout_s=60)
    await eventually(lambda: no_answers_left(telpher_running))


async def no_answers_left(running: TelpherRunning) -> bool:
    return not list((running.settings.data_dir / "answers").iterdir())


async def test_the_last_runs_are_kept_and_two_can_be_compared(telpher_running: TelpherRunning, reader: Reader) -> None:
    empty = await reader.person.ask("/compute history", has_text(reader["nothing run"]))
    await reader.person.press(empty, reader["back"])
    await reader.small_search()
    await reader.small_search()
    await telpher_running.restart()
    searched = reader["search"]
    listed = await reader.person.ask(
        reader["history"], has_text(reader["last runs"], f"1. {searched}", f"2. {searched}")
    )
    assert f"{reader['numbers']}: 1{SPACE}000{SPACE}000 · {reader['calls']}: 2" in text_of(listed)
    mark, seconds = re.escape(reader["mark"]), reader["seconds"]
    assert re.search(rf"{reader['linear']} \d+{mark}\d {seconds}, {reader['threads']}", text_of(listed))
    one = await reader.change(listed, "2", reader["found"])
    offer = await reader.change(one, reader["compare"])
    compared = await reader.change(offer, searched)
    assert re.search(
        rf"{reader['linear']}\n +{reader['first']} \d.* {reader['second']} \d.* ×\d+{mark}\d\d\n{reader['threads']}",
        text_of(compared),
    )
    one = await reader.change(await reader.change(compared, reader["back"]), reader["back"])
    again = await reader.change(one, reader["again"])
    assert f"{reader['numbers']}: 1{SPACE}000{SPACE}000" in text_of(again)
    assert f"{reader['calls']}: 2" in text_of(again)


async def test_old_buttons_work_after_a_restart(telpher_running: TelpherRunning, in_english: Reader) -> None:
    shown = await in_english.set_up("search", ("numbers", f"1{SPACE}000{SPACE}000"), ("calls", "1"))
    await telpher_running.restart()
    shown = await in_english.change(shown, "✅ Processes", "Calls: 1")
    assert "Linear" in text_of(await in_english.run(shown))


async def test_run_pressed_twice_runs_once(telpher_running: TelpherRunning, in_english: Reader) -> None:
    anna = in_english.person
    shown = await in_english.set_up("search", ("calls", "1"))
    run = next(button["callback_data"] for button in buttons_of(shown) if button["text"] == "▶️ Run")
    await anna.start_press(shown, run)
    assert "started already" in (await anna.press_data(shown, run)).text
    await anna.wait_for(has_text("the same result"), timeout_s=60)
    listed = await anna.ask("/compute history", has_text("1. Search"))
    assert "2. Search" not in text_of(listed)


async def test_another_persons_buttons_do_nothing(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    hers = await Reader(anna, 0).set_up("search", ("calls", "1"))
    before = buttons_of(hers)
    his = await boris.ask("/compute")
    for button in before:
        if button["callback_data"].startswith(("cpp:", "cpt:", "cpr:", "cpw:", "cpk:")):
            assert (await boris.press_data(his, button["callback_data"])).text, "an answer, not silence"
    assert buttons_of(anna.message(hers)) == before
    await anna.press(hers, "▶️ Run")
    await anna.wait_for(has_text("the same result"), timeout_s=60)
    run_id = next(
        button["callback_data"] for button in buttons_of(await anna.ask("/compute history")) if button["text"] == "1"
    )
    assert (await boris.press_data(his, run_id)).text
    assert await boris.ask("/compute history", has_text("ещё ничего не запускали"))


async def test_one_press_begins_the_lesson(telpher_running: TelpherRunning, in_english: Reader) -> None:
    shown = await in_english.change(await in_english.person.ask("/compute"), "As a lesson", "First module")
    assert [button["text"] for button in buttons_of(shown)] == ["▶️ Search"]


async def test_the_days_computing_time_is_limited(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    async with await Person.join(sandbox.url, "Clara") as clara:
        await telpher_running.app.desk.access.let_in(clara.user_id, Role.MEMBER, None)
        reader = Reader(clara, 0)
        shown = await reader.set_up("search")
        await clara.press(shown, "▶️ Run")
        await clara.wait_for(has_text("the same result"), timeout_s=60)
        refused = await reader.set_up("search", ("calls", "10"))
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
    reader = Reader(anna, 0)
    shown = await reader.change(await anna.ask("/compute"), "Primes")
    shown = await reader.change(shown, "✏️ Up to")
    await anna.press(shown, "Write a number")
    await anna.wait_for(lambda message: "⌨️" in text_of(message), after=shown)
    await anna.send_text("70 000")
    shown = await reader.changed(shown, (text_of(shown), ""), f"70{SPACE}000")
    assert f"6{SPACE}935 primes up to 70{SPACE}000" in text_of(await reader.run(shown))
    assert await anna.wait_for(is_photo, timeout_s=60)
