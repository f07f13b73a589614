"""An owner lets people in, sees them, changes what they may, and shows them out; each has their own limits."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning, both_databases
from tests.scenarios.waits import all_is_handled, eventually, from_bot

from telpher.access import Role
from telpher.settings import Settings
from telpher.store.schema import entry_refs, inbox, jobs, people, strangers, transfers

BORIS = 1002


@pytest.fixture
def telpher_settings(telpher_settings: Settings) -> Settings:
    return dataclasses.replace(
        telpher_settings, limit_day_bytes=900, limit_queue=5, flood_burst=30, flood_per_minute=60
    )


@pytest.fixture
async def boris(telpher_running: TelpherRunning) -> AsyncIterator[Person]:
    async with Person(telpher_running.sandbox.url, BORIS) as person:
        yield person


@pytest.fixture
async def clara(telpher_running: TelpherRunning) -> AsyncIterator[Person]:
    async with await Person.join(telpher_running.sandbox.url, "Clara") as person:
        yield person


async def _invite_member(anna: Person) -> str:
    """The `/start …` that opening a member's link sends."""
    question = await anna.ask("/invite", has_text("Whom shall I let in"))
    await anna.press(question, "A member")
    return _start_of(await anna.wait_for(has_text("t.me/telpher_sandbox_bot?start=")))


def _start_of(message: Message) -> str:
    found = re.search(r"\?start=([\w-]+)", text_of(message))
    assert found
    return f"/start {found[1]}"


async def _let_in(anna: Person, boris: Person) -> None:
    await boris.ask(await _invite_member(anna), has_text("Здравствуйте"))
    await anna.wait_for(has_text("Boris", "1002", "has come in as a member"))


async def _rows(running: TelpherRunning, table: sa.Table, *where: sa.ColumnElement[bool]) -> int:
    count = sa.select(sa.func.count()).select_from(table).where(*where)
    store = running.app._desk.prompts._store  # type: ignore[union-attr]
    return int(await store.read(lambda connection: connection.execute(count).scalar_one()))


@both_databases
async def test_a_link_lets_one_person_in_once(
    telpher_running: TelpherRunning, anna: Person, boris: Person, clara: Person
) -> None:
    start = await _invite_member(anna)
    await boris.ask(start, has_text("Здравствуйте, Boris"))
    await anna.wait_for(has_text("Boris", "has come in as a member"))
    await boris.ask("/whoami", has_text("участник"))
    await boris.ask("/me", has_text("участник", "0 Б из 900 Б", "из 5", "день кончится через"))
    await boris.send_file(b"hello", name="hello.txt")
    await boris.wait_for(has_text("hello.txt", "проверено"))
    refused = await clara.ask(start, has_text("This invitation does not work"))
    await clara.send_text(start)
    await clara.send_text("/files")
    await boris.ask(start, has_text("Здравствуйте, Boris"))
    await all_is_handled(telpher_running, anna)
    assert from_bot(clara) == [refused]
    assert len([one for one in from_bot(anna) if "has come in" in text_of(one)]) == 1


async def test_an_invitation_that_was_taken_back_or_never_given_is_a_strangers(
    telpher_running: TelpherRunning, anna: Person, boris: Person, clara: Person
) -> None:
    start = await _invite_member(anna)
    await anna.ask("/people", has_text("1 invitation is open"))
    await anna.press(anna.message(await anna.wait_for(has_text("t.me/"))), "Take it back")
    await anna.wait_for(has_text("Taken back"))
    await boris.ask(start, has_text("приглашение не действует"))
    await clara.ask("/start " + "A" * 32, has_text("invitation does not work"))
    for _ in range(10):
        await clara.send_text("/start " + "B" * 32)
    await all_is_handled(telpher_running, anna)
    assert len(from_bot(boris)) == len(from_bot(clara)) == 1
    assert await _rows(telpher_running, people) == 1


async def test_only_an_owner_lets_in(telpher_running: TelpherRunning, anna: Person, boris: Person) -> None:
    await _let_in(anna, boris)
    for command in ("/invite", "/people"):
        await boris.ask(command, has_text("это здесь нельзя"))
    listing = await anna.ask("/people", has_text("2 people may use me", "Boris"))
    seen = {button["callback_data"] for button in buttons_of(listing)}
    card = await anna.press(listing, "Boris")
    assert card is not None
    seen |= {button["callback_data"] for button in buttons_of(anna.message(listing))}
    hello = await boris.ask("/hello")
    for data in [*seen, "ya:m", "ya:g", "yw:1", "yx:1001", "yx:1002", "ym:1002", "yt:0:-", "yf:0:-:0"]:
        toast = await boris.press_data(hello, data)
        assert toast.is_alert, data
    assert telpher_running.app._desk is not None
    assert telpher_running.app._desk.access.role_of(BORIS) is Role.MEMBER


async def test_a_guest_sends_files_into_the_chosen_folder_and_nothing_else(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    (telpher_running.drive_dir / "From guests").mkdir(parents=True)
    question = await anna.ask("/invite", has_text("Whom shall I let in"))
    await anna.press(question, "A guest")
    await anna.wait_for(has_text("Where shall the guest"))
    await anna.press(anna.message(question), "From guests")
    await anna.wait_for(has_text("From guests", "Where shall"))
    await anna.press(anna.message(question), "Back")
    await anna.wait_for(has_text("Whom shall I let in"))
    await anna.press(anna.message(question), "A guest")
    await anna.wait_for(has_text("Where shall the guest"))
    await anna.press(anna.message(question), "From guests")
    await anna.wait_for(has_text("From guests", "Where shall"))
    await anna.press(anna.message(question), "Into this folder")
    start = _start_of(await anna.wait_for(has_text("t.me/", "From guests")))
    await boris.ask(start, has_text("Здравствуйте, Boris", "From guests"))
    await boris.send_file(b"from a guest", name="present.txt")
    receipt = await boris.wait_for(has_text("present.txt", "проверено"))
    assert buttons_of(receipt) == []
    assert (telpher_running.drive_dir / "From guests" / "present.txt").read_bytes() == b"from a guest"
    for command in ("/files", "/compute", "/shares", "/invite"):
        await boris.ask(command, has_text("это здесь нельзя"))
    await boris.ask("/me", has_text("гость", "From guests"))
    told = await boris.ask("/help", has_text("From guests", "/jobs"))
    assert "/files" not in text_of(told)
    await telpher_running.restart()
    await boris.send_album([(b"1", "1.txt"), (b"2", "2.txt")])
    await boris.wait_for(has_text("1.txt", "2.txt"))

    async def are_there() -> bool:
        return {path.name for path in (telpher_running.drive_dir / "From guests").iterdir()} >= {"1.txt", "2.txt"}

    await eventually(are_there)


@both_databases
async def test_whoever_is_removed_has_nothing_going_on_any_more(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await _let_in(anna, boris)
    await boris.send_file(b"kept", name="kept.txt")
    await boris.wait_for(has_text("kept.txt", "проверено"))
    assert await _rows(telpher_running, entry_refs, entry_refs.c.person_id == BORIS) > 0
    await telpher_running.add_fault(match=r"GET /file/", kind="bandwidth", bytes_per_s=20, direction="down", times=100)
    for number in range(4):
        await boris.send_file(b"x" * 200, name=f"slow-{number}.bin")
    await boris.wait_for(has_text("slow-3.bin"))
    listing = await anna.ask("/people", has_text("Boris"))
    await anna.press(listing, "Boris")
    await anna.wait_for(has_text("Boris", "under way: 4 of 5"))
    await anna.press(anna.message(listing), "Remove")
    await anna.wait_for(has_text("Remove Boris?"))
    await anna.press(anna.message(listing), "Yes, remove")
    await anna.wait_for(has_text("Boris is removed"))
    desk = telpher_running.app._desk
    assert desk is not None
    assert not desk.access.is_served(BORIS)
    is_theirs = (jobs.c.person_id == BORIS, jobs.c.finished_ms.is_(None))
    assert await _rows(telpher_running, jobs, *is_theirs) == 0
    assert await _rows(telpher_running, entry_refs, entry_refs.c.person_id == BORIS) == 0
    assert await _rows(telpher_running, people, people.c.id == BORIS) == 0
    is_active = (transfers.c.person_id == BORIS, transfers.c.state == "active")

    async def is_all_freed() -> bool:
        return await _rows(telpher_running, transfers, *is_active) == 0

    await eventually(is_all_freed)
    assert list((telpher_running.settings.data_dir / "spool").glob("*.part")) == []
    line = await boris.ask("/files", has_text("1002", "владелец"))
    await boris.send_file(b"no more", name="no-more.txt")
    await boris.start_press(line, "r")
    await all_is_handled(telpher_running, anna)
    assert from_bot(boris)[-1] == line
    assert (telpher_running.settings.data_dir / "drives" / str(BORIS) / "kept.txt").read_bytes() == b"kept"


@both_databases
async def test_a_removal_that_was_interrupted_is_finished_at_the_next_start(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await _let_in(anna, boris)
    await telpher_running.add_fault(match=r"GET /file/", kind="bandwidth", bytes_per_s=20, direction="down", times=100)
    await boris.send_file(b"x" * 200, name="slow.bin")
    await boris.wait_for(has_text("slow.bin"))
    assert telpher_running.app._desk is not None
    await telpher_running.app._desk.access.shut_out(BORIS)
    await telpher_running.restart()
    assert await _rows(telpher_running, jobs, jobs.c.finished_ms.is_(None)) == 0
    assert await _rows(telpher_running, people, people.c.id == BORIS) == 0


@both_databases
async def test_a_days_bytes_and_a_full_queue_are_refused_with_why_and_until_when(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await _let_in(anna, boris)
    await boris.send_file(b"x" * 500, name="first.bin")
    await boris.wait_for(has_text("first.bin", "проверено"))
    await boris.send_file(b"x" * 500, name="second.bin")
    await boris.wait_for(has_text("second.bin", "В день вы можете прислать 900 Б", "сегодня уже 500 Б", "через"))
    await boris.ask("/me", has_text("500 Б из 900 Б"))
    await telpher_running.add_fault(match=r"GET /file/", kind="bandwidth", bytes_per_s=2, direction="down", times=100)
    for number in range(6):
        await boris.send_file(b"x" * 20, name=f"queued-{number}.bin")
    await boris.wait_for(has_text("queued-5.bin", "в пути уже 5", "/jobs"))
    await anna.send_file(b"x" * 2000, name="large.bin")
    await anna.wait_for(has_text("large.bin"))
    assert not [one for one in from_bot(anna) if "a day" in text_of(one)]


async def test_a_flood_is_answered_once_and_nothing_accepted_is_lost(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await _let_in(anna, boris)
    await asyncio.gather(*(boris.send_text(f"word {number}") for number in range(60)))
    await boris.wait_for(has_text("не так быстро"))
    await all_is_handled(telpher_running, anna)
    assert len([one for one in from_bot(boris) if "не так быстро" in text_of(one)]) == 1
    assert len(from_bot(boris)) <= 45
    await anna.ask("/hello", has_text("Hello"))


@both_databases
async def test_a_stranger_who_was_answered_costs_no_row(
    telpher_running: TelpherRunning, anna: Person, boris: Person
) -> None:
    await boris.ask("/start", has_text("1002"))
    await all_is_handled(telpher_running, anna)
    before = await _rows(telpher_running, inbox)
    for number in range(20):
        await boris.send_text(f"please {number}")
    await boris.send_file(b"x", name="x.txt")
    await all_is_handled(telpher_running, anna)
    assert await _rows(telpher_running, inbox) == before + 1
    assert await _rows(telpher_running, strangers) == 1
    await boris.ask(await _invite_member(anna), has_text("Здравствуйте, Boris"))
