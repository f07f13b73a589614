"""The end of a share that could not be carried out is told, once, with what to do; and what has an end ends before its log-in does."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_page import answer_page, link_of, open_page, write_client
from tests.scenarios.google_rig import WHOLE_DRIVE, Outside, google
from tests.scenarios.waits import all_is_handled, eventually

from telpher.access import Role
from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings
from telpher.store.schema import shares

pytestmark = pytest.mark.both_languages

ANNA, BORIS = 1001, 1002
ANNAS, HIS = "anna@example.com", "boris@example.com"
FORBIDDEN = {"error": {"code": 403, "message": "no", "errors": [{"reason": "insufficientFilePermissions"}]}}
NOT_ENDED = "The time is up for this share"


@pytest.fixture
async def telpher_settings(telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path) -> Settings:
    await google(sandbox, "POST", "accounts", email=HIS, name="Boris")
    client = await write_client(sandbox, tmp_path / "credentials.json")
    return dataclasses.replace(telpher_settings, owner_ids=(ANNA,), google_credentials_file=client)


@pytest.fixture
async def outside(sandbox: Sandbox) -> Outside:
    return await Outside.of(sandbox)


async def connect(person: Person, account: str) -> None:
    """The whole drive, in a browser on the bot's machine."""
    ways = await person.ask("/connect", lambda message: len(buttons_of(message)) == 2)
    await person.press(ways, buttons_of(ways)[1]["text"])
    shown = await person.wait_for_change(ways, link_of)
    await open_page(await answer_page(link_of(shown), account))
    await person.wait_for_change(shown, has_text(account))


async def let_in(running: TelpherRunning, boris: Person) -> None:
    await running.app.desk.access.let_in(BORIS, Role.MEMBER)
    await boris.ask("/start", has_text("Boris"))


async def press_to(person: Person, message: Message, label: str, *parts: str) -> Message:
    await person.press(message, label)
    return await person.wait_for_change(message, has_text(*parts))


async def share(person: Person, name: str, span: str = "A day") -> Message:
    sent = await person.send_file(b"shared", name=name, kind="document")
    receipt = await person.wait_for(lambda one: has_text(name)(one) and len(buttons_of(one)) >= 4, after=sent)
    shown = await press_to(person, receipt, "Share", "Only you can see it")
    shown = await press_to(person, shown, "Anyone with the link", "What may they do")
    shown = await press_to(person, shown, "View", "For how long")
    shown = await press_to(person, shown, span, "Is that right")
    return await press_to(person, shown, "✅ Share", "✅ anyone with the link can")


async def after_a_day(running: TelpherRunning) -> None:
    """While nobody is there, the end of what was shared for a day comes."""
    await running.app.stop()
    past_ms = 25 * 3600 * 1000
    with sqlite3.connect(running.settings.data_dir / "telpher.db") as database:
        database.execute("UPDATE shares SET ends_ms = ends_ms - ?, created_ms = created_ms - ?", (past_ms, past_ms))
        database.execute("UPDATE jobs SET due_ms = due_ms - ? WHERE kind = 'end_share'", (past_ms,))
    database.close()
    await start(running)


async def start(running: TelpherRunning) -> None:
    running.app = App(running.settings)
    await running.app.start()


async def seen_by(sandbox: Sandbox, name: str, account: str = ANNAS) -> int:
    """How many besides those whose it is may see the file of this name."""
    granted = await google(sandbox, "POST", "token", scope=WHOLE_DRIVE, account=account)
    headers = {"Authorization": f"Bearer {granted['token']}"}
    query = {"q": f"name = '{name}'", "fields": "files(permissions(type))", "corpora": "user"}
    everywhere = {"includeItemsFromAllDrives": "true", "supportsAllDrives": "true", "corpora": "allDrives"}
    url = f"{sandbox.url}/drive/v3/files"
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url, params=query | everywhere) as answer:
        (file,) = (await answer.json())["files"]
    return len([one for one in file.get("permissions", []) if one["type"] == "anyone"])


async def no_more_faults(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession() as http, http.delete(f"{sandbox.url}/sandbox/faults") as answer:
        assert answer.status == 200


def told(person: Person, *parts: str) -> list[Message]:
    return [message for message in person.messages if has_text(*parts)(message)]


async def test_an_end_that_the_drive_refuses_for_good_is_told_once(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, outside: Outside
) -> None:
    await connect(anna, ANNAS)
    await share(anna, "plan & co.txt")
    await telpher_running.add_fault(
        match="DELETE .*/permissions/", kind="status", status=403, body=FORBIDDEN, times=100
    )
    await after_a_day(telpher_running)
    notice = await anna.wait_for(has_text(NOT_ENDED, "plan & co.txt", "anyone with the link", "It stays open"))
    assert any("url" in button for button in buttons_of(notice))
    # Each start tries again, and does not say again what was said.
    for _ in range(2):
        await telpher_running.restart()
        await all_is_handled(telpher_running, anna)
    assert len(told(anna, NOT_ENDED)) == 1
    await no_more_faults(sandbox)
    await anna.press(notice, "End it now")
    await anna.wait_for_change(notice, has_text("Revoked", "Only you can see it"))
    assert await outside.shared_with("plan & co.txt") == {}


async def test_a_message_that_was_lost_with_its_process_is_told_by_the_next(
    telpher_running: TelpherRunning, anna: Person
) -> None:
    await connect(anna, ANNAS)
    await share(anna, "plan.txt")
    await telpher_running.add_fault(
        match="DELETE .*/permissions/", kind="status", status=403, body=FORBIDDEN, times=100
    )
    # Telegram is away from now on, until this process has ended.
    await telpher_running.add_fault(match="sendMessage", kind="status", status=502, times=1000)
    await after_a_day(telpher_running)

    async def has_failed() -> bool:
        state = sa.text("SELECT state FROM jobs WHERE kind = 'end_share'")
        store = telpher_running.app.store
        return await store.read(lambda connection: connection.scalar(state)) == "failed"

    await eventually(has_failed)
    assert told(anna, NOT_ENDED) == []
    await telpher_running.app.stop()
    await no_more_faults(telpher_running.sandbox)
    await telpher_running.add_fault(
        match="DELETE .*/permissions/", kind="status", status=403, body=FORBIDDEN, times=100
    )
    await start(telpher_running)
    await anna.wait_for(has_text(NOT_ENDED, "plan.txt"))
    await all_is_handled(telpher_running, anna)
    assert len(told(anna, NOT_ENDED)) == 1


async def test_a_log_in_that_ended_says_that_ends_wait_for_it(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna, ANNAS)
    await share(anna, "one.txt")
    await share(anna, "two.txt", "A week")
    await share(anna, "three.txt", "For good")
    await google(sandbox, "POST", "revoke", account=ANNAS)
    await google(sandbox, "POST", "expire", what="access_tokens")
    await anna.send_file(b"x", name="waits.txt", kind="document")
    await anna.wait_for(has_text(ANNAS, "nothing is lost", "2 shares with an end wait for it too"))


async def test_what_has_an_end_ends_before_its_account_is_disconnected(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna, ANNAS)
    await share(anna, "day.txt")
    await share(anna, "forever.txt", "For good")
    await disconnect(anna, ANNAS)
    assert [await seen_by(sandbox, name) for name in ("day.txt", "forever.txt")] == [0, 1]
    assert told(anna, "could not end") == []


async def disconnect(person: Person, account: str) -> None:
    listed = await person.ask("/accounts", has_text(account))
    await person.press(listed, account)
    card = await person.wait_for_change(listed)
    await person.press(card, "Disconnect")
    question = await person.wait_for_change(card, has_text("shares that have an end"))
    await person.press(question, "Yes, disconnect", timeout_s=60)
    await person.wait_for_change(question, has_text("is disconnected"))


async def test_what_could_not_be_ended_before_is_told_and_expected_no_more(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person
) -> None:
    await connect(anna, ANNAS)
    for name in ("one.txt", "two.txt"):
        await share(anna, name)
    await share(anna, "forever.txt", "For good")
    await telpher_running.add_fault(
        match="DELETE .*/permissions/", kind="status", status=403, body=FORBIDDEN, times=100
    )
    await disconnect(anna, ANNAS)
    notice = await anna.wait_for(has_text(ANNAS, "could not end 2 shares in time", "one.txt", "two.txt"))
    assert "forever.txt" not in text_of(notice)
    await after_a_day(telpher_running)
    await all_is_handled(telpher_running, anna)
    assert len(told(anna, "could not end")) == 1
    open_ones = sa.select(sa.func.count()).where(shares.c.closed_ms.is_(None), shares.c.ends_ms.is_not(None))
    assert await telpher_running.app.store.read(lambda connection: connection.scalar(open_ones)) == 0


@pytest.mark.parametrize("is_drive_away", [False, True])
async def test_whoever_is_removed_leaves_nothing_open_or_is_told(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person, is_drive_away: bool
) -> None:
    await let_in(telpher_running, boris)
    await connect(boris, HIS)
    await share(boris, "his secret.txt")
    if is_drive_away:
        await telpher_running.add_fault(
            match="DELETE .*/permissions/", kind="status", status=403, body=FORBIDDEN, times=100
        )
    listing = await anna.ask("/people", has_text("Boris"))
    await anna.press(listing, "Boris")
    shown = await anna.wait_for_change(listing)
    await anna.press(shown, "Remove")
    question = await anna.wait_for_change(shown, has_text("Remove Boris?"))
    await anna.press(question, "Yes, remove", timeout_s=60)
    await anna.wait_for_change(question, has_text("Boris is removed"))
    assert await google(sandbox, "POST", "revoke", account=HIS) == {"revoked": 0}, "nothing was left to be revoked"
    assert await seen_by(sandbox, "his secret.txt", HIS) == (1 if is_drive_away else 0)
    if is_drive_away:
        await boris.wait_for(has_text(HIS, "could not end 1 share in time", "his secret.txt"))
        hers = await anna.wait_for(has_text("Boris was removed", "1 share of theirs"))
        assert "secret" not in text_of(hers), "what it is, is his alone"
    await all_is_handled(telpher_running, anna)
    assert len(told(anna, "of theirs")) == len(told(boris, "could not end")) == (1 if is_drive_away else 0)


async def test_a_promise_in_a_teams_drive_is_kept_when_it_is_offered_no_longer(
    telpher_running: TelpherRunning, sandbox: Sandbox, anna: Person, boris: Person
) -> None:
    await google(sandbox, "POST", "drives", name="Harvest", members={ANNAS: "organizer"})
    await let_in(telpher_running, boris)
    await connect(anna, ANNAS)
    listed = await anna.ask("/accounts", has_text(ANNAS))
    await anna.press(listed, ANNAS)
    await anna.press(await anna.wait_for_change(listed), "Shared drives")
    choices = await anna.wait_for(has_text("Which shared drive"))
    card = await press_to(anna, choices, "Harvest", "shared drive")
    card = await press_to(anna, card, "Offer to the team", "Your team may use it")
    his = await boris.ask("/accounts", has_text("Harvest"))
    await boris.press(his, "Harvest")
    await boris.press(await boris.wait_for_change(his), "New files here")
    await share(boris, "harvest.txt")
    await anna.press(card, "No longer for the team")
    await anna.wait_for_change(card)
    await after_a_day(telpher_running)

    async def is_over() -> bool:
        return await seen_by(sandbox, "harvest.txt") == 0

    await eventually(is_over)
    assert told(boris, NOT_ENDED) == told(anna, NOT_ENDED) == []
