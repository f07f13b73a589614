"""A share is a separate, confirmed act; its end is kept; `/shares` tells who sees what; nobody else's buttons share anything."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from tests.driver import Person, buttons_of, has_text, text_of
from tests.driver.messages import Message
from tests.scenarios.conftest import TelpherRunning
from tests.scenarios.google_rig import Outside, over_google
from tests.scenarios.waits import all_is_handled, eventually, from_bot

from telpher.app import App
from telpher.sandbox.service import Sandbox
from telpher.settings import Settings

pytestmark = pytest.mark.both_languages

CLARA = "clara@example.com"


@pytest.fixture
def owners() -> tuple[int, ...]:
    """The first has the Google Drive."""
    return (1001, 1002)


@pytest.fixture
async def telpher_settings(
    telpher_settings: Settings, sandbox: Sandbox, tmp_path: Path, owners: tuple[int, ...]
) -> Settings:
    return await over_google(telpher_settings, sandbox, tmp_path, owners)


@pytest.fixture
async def outside(sandbox: Sandbox) -> Outside:
    return await Outside.of(sandbox)


async def saved(person: Person, name: str) -> Message:
    sent = await person.send_file(b"shared " * 50, name=name, kind="document")
    return await person.wait_for(lambda one: has_text(name)(one) and len(buttons_of(one)) >= 4, after=sent)


async def press_to(person: Person, message: Message, label: str, *parts: str) -> Message:
    """Press, and wait until that very message says so."""
    await person.press(message, label)
    return await person.wait_for_change(message, has_text(*parts))


async def share_link(person: Person, receipt: Message, role: str = "View", span: str = "A week") -> Message:
    panel = await press_to(person, receipt, "Share", "Only you can see it")
    which = await press_to(person, panel, "Anyone with the link", "What may they do")
    how_long = await press_to(person, which, role, "For how long")
    sure = await press_to(person, how_long, span, "Is that right")
    return await press_to(person, sure, "✅ Share", "✅ anyone with the link can")


async def test_nothing_is_shared_before_the_last_step(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    receipt = await saved(anna, "plan.txt")
    panel = await press_to(anna, receipt, "Share", "Only you can see it")
    which = await press_to(anna, panel, "Anyone with the link", "What may they do")
    how_long = await press_to(anna, which, "View", "For how long")
    sure = await press_to(anna, how_long, "A day", "anyone with the link can view until", "Is that right", "Whoever")
    assert await outside.shared_with("plan.txt") == {}
    back = await press_to(anna, sure, "Cancel", "Only you can see it")
    assert await outside.shared_with("plan.txt") == {}
    card = await press_to(anna, back, "Back", "plan.txt", "text")
    assert "👥 Share" in [button["text"] for button in buttons_of(card)]


async def test_the_link_opens_until_undo(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    receipt = await saved(anna, "plan.txt")
    done = await share_link(anna, receipt, "Comment", "For good")
    assert await outside.shared_with("plan.txt") == {"": "commenter"}
    assert "until you revoke it" in text_of(done)
    copied = next(button["copy_text"]["text"] for button in buttons_of(done) if "copy_text" in button)
    assert copied in text_of(done)
    undone = await press_to(anna, done, "Undo", "share was taken back")
    assert await outside.shared_with("plan.txt") == {}
    await anna.press_data(undone, next(b["callback_data"] for b in buttons_of(done) if "Undo" in b["text"]))
    assert await outside.shared_with("plan.txt") == {}


async def test_an_address_is_asked_for_and_may_be_mistyped(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    receipt = await saved(anna, "plan.txt")
    panel = await press_to(anna, receipt, "Share", "Only you can see it")
    await anna.press(panel, "An e-mail address")
    await anna.wait_for(has_text("Whom shall I share", "plan.txt"))
    await anna.ask("clara at example", has_text("doesn’t look like an e-mail address"))
    which = await anna.ask(f"  {CLARA.title()}", has_text(f"With: {CLARA}", "What may they do"))
    how_long = await press_to(anna, which, "Edit", "For how long")
    sure = await press_to(anna, how_long, "A day", f"{CLARA} can edit until")
    await press_to(anna, sure, "✅ Share", f"✅ {CLARA} can edit")
    assert await outside.shared_with("plan.txt") == {CLARA: "writer"}


async def test_cancel_asks_no_longer(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    receipt = await saved(anna, "plan.txt")
    panel = await press_to(anna, receipt, "Share", "Only you can see it")
    await anna.press(panel, "An e-mail address")
    await anna.wait_for(has_text("Whom shall I share"))
    await anna.ask("/cancel")
    await anna.send_text(CLARA)
    await all_is_handled(telpher_running, anna)
    assert await outside.shared_with("plan.txt") == {}


def _let_time_pass(running: TelpherRunning, seconds: float) -> None:
    """As if everything had been agreed to so much earlier."""
    past_ms = int(seconds * 1000)
    with sqlite3.connect(running.settings.data_dir / "telpher.db") as database:
        database.execute("UPDATE shares SET ends_ms = ends_ms - ?, created_ms = created_ms - ?", (past_ms, past_ms))
        database.execute("UPDATE jobs SET due_ms = due_ms - ? WHERE kind = 'end_share'", (past_ms,))
    database.close()


async def test_the_end_comes_also_when_nobody_was_there(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    await share_link(anna, await saved(anna, "day.txt"), "Edit", "A day")
    await share_link(anna, await saved(anna, "week.txt"), "View", "A week")
    await telpher_running.app.stop()
    _let_time_pass(telpher_running, 25 * 3600)
    telpher_running.app = App(telpher_running.settings)
    await telpher_running.app.start()

    async def day_is_over() -> bool:
        return await outside.shared_with("day.txt") == {}

    await eventually(day_is_over)
    assert await outside.shared_with("week.txt") == {"": "reader"}
    listed = await anna.ask("/shares", has_text("1 thing is shared", "week.txt", "can view until"))
    assert "day.txt" not in text_of(listed)
    await anna.ask("/jobs", has_text("Nothing is on its way"))


async def test_an_end_waits_out_a_drive_that_is_away(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    await share_link(anna, await saved(anna, "day.txt"), "View", "A day")
    await telpher_running.app.stop()
    _let_time_pass(telpher_running, 25 * 3600)
    await telpher_running.add_fault(match="DELETE .*/permissions/", kind="status", status=503, times=5)
    telpher_running.app = App(telpher_running.settings)
    await telpher_running.app.start()

    async def day_is_over() -> bool:
        return await outside.shared_with("day.txt") == {}

    await eventually(day_is_over)
    assert len(await outside.requests("DELETE /drive/v3/files/")) >= 6


async def test_what_they_had_before_is_what_they_have_afterwards(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    receipt = await saved(anna, "plan.txt")
    body = {"type": "anyone", "role": "reader"}
    await outside.ask("POST", f"files/{await outside.file_id('plan.txt')}/permissions", json=body)
    panel = await press_to(anna, receipt, "Share", "Besides you", "anyone with the link can view")
    which = await press_to(anna, panel, "🔗 Anyone with the link", "What may they do")
    how_long = await press_to(anna, which, "Edit", "For how long")
    sure = await press_to(anna, how_long, "A day", "Is that right")
    done = await press_to(anna, sure, "✅ Share", "can edit")
    assert await outside.shared_with("plan.txt") == {"": "writer"}
    await press_to(anna, done, "Undo", "share was taken back")
    assert await outside.shared_with("plan.txt") == {"": "reader"}


async def test_a_share_that_failed_half_way_lets_nobody_in(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    receipt = await saved(anna, "plan.txt")
    panel = await press_to(anna, receipt, "Share", "Only you can see it")
    which = await press_to(anna, panel, "Anyone with the link", "What may they do")
    how_long = await press_to(anna, which, "View", "For how long")
    sure = await press_to(anna, how_long, "For good", "Is that right")
    # It lands, and then the drive is away for longer than anybody waits at a button.
    await telpher_running.add_fault(match="POST .*/permissions", kind="drop_answer", times=1)
    await telpher_running.add_fault(match="GET .*/permissions", kind="status", status=503, skip=1, times=4)
    toast = await anna.press(sure, "✅ Share", timeout_s=40)
    assert "doesn’t answer" in toast.text

    async def nobody() -> bool:
        return await outside.shared_with("plan.txt") == {}

    await eventually(nobody)


async def test_who_sees_what_and_revoke(telpher_running: TelpherRunning, anna: Person, outside: Outside) -> None:
    await anna.ask("/shares", has_text("You have shared nothing"))
    for name in ("one.txt", "two.txt", "three.txt"):
        await share_link(anna, await saved(anna, name))
    listed = await anna.ask("/shares", has_text("3 things are shared", "one.txt", "two.txt", "three.txt"))
    left = await press_to(anna, listed, "✖️ 1", "Revoked: anyone with the link", "2 things are shared")
    assert await outside.shared_with("three.txt") == {}
    assert await outside.shared_with("two.txt") == {"": "reader"}
    sure = await press_to(anna, left, "Revoke all", "Shall nobody but you see them any more")
    await press_to(anna, sure, "Yes, revoke all", "2 accesses revoked")
    for name in ("one.txt", "two.txt"):
        assert await outside.shared_with(name) == {}
    await anna.ask("/shares", has_text("You have shared nothing"))


async def test_what_was_ended_in_the_drive_is_not_listed(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    await share_link(anna, await saved(anna, "plan.txt"))
    await outside.ask("DELETE", f"files/{await outside.file_id('plan.txt')}/permissions/anyoneWithLink")
    await anna.ask("/shares", has_text("You have shared nothing"))


@pytest.mark.one_language
@pytest.mark.parametrize("owners", [(1002, 1001)])
async def test_the_same_in_russian(telpher_running: TelpherRunning, boris_himself: Person, outside: Outside) -> None:
    receipt = await saved(boris_himself, "план.txt")
    panel = await press_to(boris_himself, receipt, "Поделиться", "Видите только вы")
    which = await press_to(boris_himself, panel, "Всем, у кого есть ссылка", "Что им можно")
    how_long = await press_to(boris_himself, which, "Изменять", "На сколько")
    sure = await press_to(boris_himself, how_long, "На неделю", "просмотр и правка до", "Всё верно")
    done = await press_to(boris_himself, sure, "✅ Поделиться", "просмотр и правка до")
    assert await outside.shared_with("план.txt") == {"": "writer"}
    listed = await boris_himself.ask("/shares", has_text("Открыт доступ к 1 объекту", "план.txt"))
    await press_to(boris_himself, listed, "✖️ 1", "Доступ закрыт", "Вы ничем не делились")
    await press_to(boris_himself, done, "Вернуть", "Доступ отозван")
    assert await outside.shared_with("план.txt") == {}


async def test_nobody_elses_buttons_share_anything(
    telpher_running: TelpherRunning, anna: Person, boris: Person, outside: Outside
) -> None:
    """Boris, who is served too, replays every button that Anna was ever shown on her way to a share."""
    done = await share_link(anna, await saved(anna, "annas.txt"))
    await anna.ask("/shares", has_text("annas.txt"))
    other = await saved(anna, "secret.txt")
    await press_to(anna, other, "Share", "Only you")
    shown = [event["message"] for event in anna.events if event["type"] in {"message", "edited"}]
    datas = {b["callback_data"] for message in [*shown, done] for b in buttons_of(message) if "callback_data" in b}
    assert len({data.partition(":")[0] for data in datas}) >= 8
    # These name nothing of hers: the top of the drive, his own shares.
    about_anyone = {"r", "q", "sx", "sy"} | {data for data in datas if data.startswith("sh:")}
    hello = await boris.ask("/hello")
    said_before = len(from_bot(boris))
    for data in sorted(datas - about_anyone):
        toast = await boris.press_data(hello, data)
        assert toast.is_alert, data
        assert "this button" in toast.text.casefold(), (data, toast.text)
    for data in ("sh:0", "sx", "sy"):
        await boris.press_data(hello, data)
    await all_is_handled(telpher_running, anna)
    assert await outside.shared_with("annas.txt") == {"": "reader"}
    assert await outside.shared_with("secret.txt") == {}
    assert len(from_bot(boris)) == said_before
    assert not [message for message in boris.messages if "annas" in text_of(message) or "secret" in text_of(message)]


async def test_shared_again_and_again_is_one_grant(
    telpher_running: TelpherRunning, anna: Person, outside: Outside
) -> None:
    done = await share_link(anna, await saved(anna, "plan.txt"))
    again = next(
        button["callback_data"]
        for event in anna.events
        if event["type"] == "edited"
        for button in buttons_of(event["message"])
        if button.get("callback_data", "").startswith("sd:")
    )
    for _ in range(3):
        await anna.press_data(done, again)
    assert await outside.shared_with("plan.txt") == {"": "reader"}
    await anna.ask("/shares", has_text("1 thing is shared"))
