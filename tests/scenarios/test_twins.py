"""The same content twice: the receipt says so, both stay, and one goes only at the person's word."""

from __future__ import annotations

import asyncio

from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning, both_databases
from tests.scenarios.waits import kept_files

CONTENT = b"the very same words\n" * 40


async def _sent_twice(anna: Person) -> Message:
    first = await anna.send_file(CONTENT, name="first.txt", kind="document")
    await anna.wait_for(has_text("first.txt", "verified"), after=first)
    second = await anna.send_file(CONTENT, name="second.txt", kind="document")
    return await anna.wait_for(has_text("second.txt", "You have had this already", "first.txt"), after=second)


async def test_both_stay_unless_the_person_says_otherwise(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await _sent_twice(anna)
    await anna.press(receipt, "Keep both")
    kept = anna.message(receipt)
    assert "already" not in text_of(kept)
    assert not any("Keep" in one["text"] for one in buttons_of(kept))
    assert kept_files(telpher_running) == {"first.txt": CONTENT, "second.txt": CONTENT}


@both_databases
async def test_the_new_one_goes_to_the_trash_and_comes_back(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await _sent_twice(anna)
    await anna.press(receipt, "Keep only the old one")
    assert kept_files(telpher_running) == {"first.txt": CONTENT}
    await anna.press(anna.message(receipt), "Undo")
    assert kept_files(telpher_running) == {"first.txt": CONTENT, "second.txt": CONTENT}


async def test_the_old_one_is_shown_and_the_way_back(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await _sent_twice(anna)
    await anna.press(receipt, "Show the old one")
    assert "first.txt" in text_of(anna.message(receipt))
    assert "second.txt" not in text_of(anna.message(receipt))
    await anna.press(anna.message(receipt), "‹ Back")
    assert "second.txt" in text_of(anna.message(receipt))
    assert kept_files(telpher_running).keys() == {"first.txt", "second.txt"}


async def test_the_only_one_left_is_never_removed(telpher_running: TelpherRunning, anna: Person) -> None:
    receipt = await _sent_twice(anna)
    (telpher_running.drive_dir / "first.txt").write_bytes(b"something else")
    toast = await anna.press(receipt, "Keep only the old one")
    assert "I keep the new one" in toast.text
    assert kept_files(telpher_running)["second.txt"] == CONTENT


async def test_what_was_removed_before_is_no_twin(telpher_running: TelpherRunning, anna: Person) -> None:
    first = await anna.send_file(CONTENT, name="first.txt", kind="document")
    receipt = await anna.wait_for(has_text("first.txt", "verified"), after=first)
    await anna.press(receipt, "Delete")
    second = await anna.send_file(CONTENT, name="second.txt", kind="document")
    shown = await anna.wait_for(has_text("second.txt", "verified"), after=second)
    assert "already" not in text_of(shown)


@both_databases
async def test_of_two_that_come_together_at_most_one_is_offered_to_go(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    await asyncio.gather(*(anna.send_file(CONTENT, name=f"{n}.txt", kind="document") for n in "ab"))
    await anna.wait_for(has_text("a.txt", "verified"))
    await anna.wait_for(has_text("b.txt", "verified"))
    offered = [message for message in anna.messages if "already" in text_of(message)]
    assert len(offered) <= 1
    assert kept_files(telpher_running).keys() == {"a.txt", "b.txt"}
