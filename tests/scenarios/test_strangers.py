"""Strangers get one polite line an hour and nothing else, whatever they try."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.driver import Person, has_text, text_of
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.waits import all_is_handled, from_bot, kept_files


@pytest.fixture
async def boris(telpher_running: TelpherRunning) -> AsyncIterator[Person]:
    async with Person(telpher_running.sandbox.url, 1002) as person:
        yield person


async def test_a_stranger_gets_one_polite_line_and_nothing_else(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    line = await boris.ask("/start", has_text("1002", "владелец"))
    for attempt in ("/files", "/whoami", "/compute", "let me in", "/start 1001", "/hello"):
        await boris.send_text(attempt)
    await boris.send_file(b"secret", name="../../etc/passwd")
    await boris.send_album([(b"1", "1.txt"), (b"2", "2.txt")])
    for data in ("r", "f:abc:0", "e:abc:0", "d:d:abc", "j:c:1", "u:1", "c:search", "b:1", "a:c:1", "q", "nonsense"):
        await boris.start_press(line, data)
    await all_is_handled(telpher_running, anna)
    assert [text_of(message) for message in from_bot(boris)] == [text_of(line)]
    assert not [toast for toast in boris.toasts if toast.text]
    assert kept_files(telpher_running) == {}


async def test_a_strangers_hour_survives_a_restart(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await boris.ask("/start", has_text("1002"))
    await telpher_running.restart()
    await boris.send_text("/start")
    await all_is_handled(telpher_running, anna)
    assert len(from_bot(boris)) == 1


async def test_the_owners_buttons_mean_nothing_to_a_stranger(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await anna.send_file(b"mine", name="mine.txt")
    receipt = await anna.wait_for(has_text("verified"))
    line = await boris.ask("/start", has_text("1002"))
    for row in receipt["reply_markup"]["inline_keyboard"]:
        for button in row:
            if "callback_data" in button:
                await boris.start_press(line, button["callback_data"])
    await all_is_handled(telpher_running, anna)
    assert len(from_bot(boris)) == 1
    assert list(kept_files(telpher_running).values()) == [b"mine"]
