"""kill -9 while a finished run is shown: nothing of it is lost, nothing comes twice by itself, and nothing is computed twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherProcess
from tests.scenarios.crash_rig import WatchedSandbox, kill_at
from tests.scenarios.test_workshop import SPACE, Reader, is_photo, photos

LIMIT_S = 60.0


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[WatchedSandbox]:
    async with WatchedSandbox(state_dir=tmp_path / "sandbox") as running:
        yield running


@pytest.fixture
def reader(anna: Person) -> Reader:
    return Reader(anna, 0)


async def _linear_alone(reader: Reader, shown: Message) -> Message:
    for way in ("threads", "processes"):
        shown = await reader.change(shown, f"✅ {reader[way]}")
    return shown


async def _search_and_kill(
    process: TelpherProcess, sandbox: WatchedSandbox, reader: Reader, at: str, *, is_done: bool
) -> Message:
    await process.start()
    shown = await _linear_alone(reader, await reader.set_up("search", ("numbers", f"1{SPACE}000{SPACE}000")))
    kill_at(process, sandbox, at, is_done=is_done)
    await reader.person.press(shown, reader["run"])
    await process.wait_killed()
    return shown


async def _the_picture_by_its_button(reader: Reader) -> None:
    came = len(photos(reader.person))
    listed = await reader.person.ask("/compute history", has_text("1. Search"))
    assert "2" not in [button["text"] for button in buttons_of(listed)], "it was not computed again"
    one = await reader.change(listed, "1", reader["found"])
    assert "on its way" in (await reader.person.press(one, "Picture")).text
    await reader.person.wait_until(lambda: len(photos(reader.person)) > came, LIMIT_S)
    await reader.person.wait_until(
        lambda: one["message_id"] in [shown["reply_to_message"]["message_id"] for shown in photos(reader.person)],
        LIMIT_S,
    )


async def test_a_picture_that_has_arrived_does_not_come_twice(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, reader: Reader
) -> None:
    shown = await _search_and_kill(telpher_process, sandbox, reader, "/sendPhoto", is_done=True)
    assert len(photos(reader.person)) == 1
    await telpher_process.start()
    await reader.person.wait_until(lambda: reader["same result"] in text_of(reader.person.message(shown)), LIMIT_S)
    await reader.person.ask("/hello", has_text("Hello"))
    assert len(photos(reader.person)) == 1
    await _the_picture_by_its_button(reader)


async def test_a_picture_on_its_way_is_not_lost(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, reader: Reader
) -> None:
    await _search_and_kill(telpher_process, sandbox, reader, "/sendPhoto", is_done=False)
    assert not photos(reader.person)
    await telpher_process.start()
    await reader.person.ask("/hello", has_text("Hello"))
    # It is small: whether its last bytes had left is a matter of moments. If they may have, it comes when it is asked for.
    await _the_picture_by_its_button(reader)
    assert len(photos(reader.person)) <= 2


async def test_a_run_that_ended_as_nobody_could_be_told_is_shown(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, reader: Reader
) -> None:
    shown = await _search_and_kill(telpher_process, sandbox, reader, "/editMessageText", is_done=False)
    await telpher_process.start()
    picture = await reader.person.wait_for(is_photo, LIMIT_S)
    assert picture["reply_to_message"]["message_id"] == shown["message_id"]
    await reader.person.wait_until(lambda: reader["same result"] in text_of(reader.person.message(shown)), LIMIT_S)
    assert len(photos(reader.person)) == 1


async def test_a_long_answer_that_has_certainly_not_arrived_comes_by_itself(
    telpher_process: TelpherProcess, sandbox: WatchedSandbox, reader: Reader
) -> None:
    await telpher_process.start()
    shown = await _linear_alone(reader, await reader.set_up("digits"))
    shown, _ = await reader.write(shown, "how many digits", "3M")
    kill_at(telpher_process, sandbox, "/sendDocument", is_done=False)
    await reader.person.press(shown, reader["run"])
    await telpher_process.wait_killed()
    await telpher_process.start()
    sent = await reader.person.wait_for(lambda message: "document" in message, LIMIT_S)
    assert len(await reader.person.download(sent)) == 3_000_002
    await reader.person.wait_for(is_photo, LIMIT_S)
    await reader.person.ask("/hello", has_text("Hello"))
    assert len([message for message in reader.person.messages if "document" in message]) == 1
