"""The chat page in Chromium: what people see and do, first with a bot of a few lines, then with the whole of Telpher."""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from tests.driver import Person
from tests.driver.plain_bot import PlainBot, plain_bot
from tests.driver.window import MISSING, PHONE, Window, chromium_path, launched
from tests.scenarios.conftest import TelpherRunning

from telpher.sandbox.service import Sandbox

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

PICTURES = Path(__file__).parents[2] / "test-output"
ANNA, BORIS = 1001, 1002
KEYBOARD = {
    "inline_keyboard": [
        [{"text": "Toast", "callback_data": "toast"}, {"text": "Alert", "callback_data": "alert"}],
        [{"text": "Site", "url": "https://example.org/"}, {"text": "Code", "copy_text": {"text": "1234"}}],
    ]
}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if chromium_path() is None:
        pytest.skip(MISSING)
    async with launched() as running:
        yield running


async def echo(bot: PlainBot, update: dict[str, Any]) -> None:
    """Echoes texts, offers buttons, counts edits up."""
    if query := update.get("callback_query"):
        is_alert = query["data"] == "alert"
        text = "Look here" if is_alert else "A piece of toast"
        await bot.call("answerCallbackQuery", callback_query_id=query["id"], text=text, show_alert=is_alert)
        return
    message = update["message"]
    chat_id = message["chat"]["id"]
    match message.get("text"):
        case "buttons":
            await bot.call("sendMessage", chat_id=chat_id, text="Press one", reply_markup=KEYBOARD)
        case "edit":
            sent = await bot.call("sendMessage", chat_id=chat_id, text="0 %")
            for text in ("50 %", "100 % done"):
                await bot.call("editMessageText", chat_id=chat_id, message_id=sent["message_id"], text=text)
        case "markup":
            text = (
                '<b>bold</b> &lt;img src=x onerror="alert(1)"&gt; 😀 <i>after an <u>emoji</u></i> <code>x &lt; y</code>'
            )
            await bot.call("sendMessage", chat_id=chat_id, text=text, parse_mode="HTML")
        case str(text):
            reply = {"message_id": message["message_id"]}
            await bot.call("sendMessage", chat_id=chat_id, text=f"You said: {text}", reply_parameters=reply)


async def test_a_bot_is_talked_to(sandbox: Sandbox, browser: Browser) -> None:
    async with plain_bot(sandbox.url, sandbox.token, echo):
        window = await Window.open(browser, sandbox.url)
        await expect(window.page.locator(".side .badge")).to_have_text("sandbox: offline Telegram")
        await expect(window.page.get_by_text("What can this bot do?")).to_be_visible()
        await window.say("hello")
        await expect(window.row("You said: hello").locator(".quote")).to_contain_text("Anna")

        await window.say("markup")
        text = window.row("onerror").locator(".text")
        await expect(text.locator("b")).to_have_text("bold")
        await expect(text.locator("i u")).to_have_text("emoji")
        await expect(text.locator("code")).to_have_text("x < y")
        await expect(text.locator("img")).to_have_count(0)

        await window.say("edit")
        done = window.row("100 % done")
        await expect(done.locator(".meta")).to_contain_text("edited")
        await expect(window.column().get_by_text("50 %")).to_have_count(0)

        await window.say("buttons")
        row = window.row("Press one")
        await row.get_by_role("button", name="Toast").click()
        await expect(window.column().locator(".toast")).to_have_text("A piece of toast")
        await expect(row.locator('[aria-busy="true"]')).to_have_count(0)
        await row.get_by_role("button", name="Alert").click()
        await expect(window.page.get_by_role("alertdialog")).to_contain_text("Look here")
        await window.page.get_by_role("button", name="OK").click()
        await expect(window.page.get_by_role("alertdialog")).to_have_count(0)
        await expect(row.get_by_role("link", name="Site")).to_have_attribute("rel", re.compile("noopener"))
        assert not window.complaints


async def test_commands_are_chosen_by_keyboard_and_in_the_persons_language(sandbox: Sandbox, browser: Browser) -> None:
    async with plain_bot(sandbox.url, sandbox.token, echo) as bot:
        english = [{"command": "start", "description": "Begin"}, {"command": "stop", "description": "End"}]
        await bot.call("setMyCommands", commands=english)
        await bot.call("setMyCommands", commands=[{"command": "start", "description": "Начать"}], language_code="ru")
        window = await Window.open(browser, sandbox.url, users="1001,1002")
        field = window.column(ANNA).get_by_role("combobox")
        await field.fill("/st")
        options = window.column(ANNA).get_by_role("option")
        await expect(options).to_have_text(["/startBegin", "/stopEnd"])
        await field.press("ArrowDown")
        await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
        await field.press("Enter")
        await expect(window.row("You said: /stop", ANNA)).to_be_visible()

        await window.column(BORIS).get_by_role("button", name="Команды").click()
        await expect(window.column(BORIS).get_by_role("option")).to_have_text(["/startНачать"])
        await window.page.keyboard.press("Escape")
        await expect(window.column(BORIS).get_by_role("option")).to_have_count(0)
        assert not window.complaints


async def test_two_people_side_by_side_see_only_their_own_chats(sandbox: Sandbox, browser: Browser) -> None:
    async with plain_bot(sandbox.url, sandbox.token, echo):
        window = await Window.open(browser, sandbox.url)
        await window.page.locator(".person", has_text="Boris").hover()
        await window.page.get_by_role("button", name="Show side by side: Boris").click()
        await expect(window.page.locator(".column")).to_have_count(2)
        await window.say("from Anna", ANNA)
        await window.say("от Бориса", BORIS)
        await expect(window.row("You said: from Anna", ANNA)).to_be_visible()
        await expect(window.row("You said: от Бориса", BORIS)).to_be_visible()
        await expect(window.column(BORIS).get_by_text("from Anna")).to_have_count(0)
        await window.photograph(PICTURES / "two-people.png")

        await window.page.get_by_role("button", name="Добавить человека").click()
        await window.page.get_by_label("Имя").fill("Clara")
        await window.page.get_by_role("button", name="Добавить", exact=True).click()
        await expect(window.page.locator(".person", has_text="Clara")).to_be_visible()
        assert not window.complaints


async def test_a_phone_shows_one_chat_and_switches(sandbox: Sandbox, browser: Browser) -> None:
    async with plain_bot(sandbox.url, sandbox.token, echo):
        window = await Window.open(browser, sandbox.url, size=PHONE, theme="dark")
        await window.say("on the phone")
        await expect(window.row("You said: on the phone")).to_be_visible()
        assert await window.page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        await window.column(ANNA).get_by_role("button", name="Switch person").click()
        await window.page.get_by_role("dialog").get_by_role("button", name="Boris").click()
        await expect(window.column(BORIS)).to_be_visible()
        await expect(window.column(ANNA)).to_have_count(0)
        await window.say("и тут", BORIS)
        await expect(window.row("You said: и тут", BORIS)).to_be_visible()
        await window.photograph(PICTURES / "phone.png")
        assert not window.complaints


async def test_several_files_are_dropped_as_one_album_and_come_back_equal(sandbox: Sandbox, browser: Browser) -> None:
    async with Person(sandbox.url) as anna:
        window = await Window.open(browser, sandbox.url)
        contents = {
            "отчёт за год.csv": os.urandom(70_000),
            "<b>notes</b>.txt": b"<script>alert(1)</script>",
            "photo.tar.gz": os.urandom(300_000),
        }
        dropped = {**contents, "nothing.txt": b""}
        await window.drop([(name, "application/octet-stream", content) for name, content in dropped.items()])
        await expect(window.column().locator(".toast")).to_contain_text("nothing.txt is empty")
        await expect(window.column().locator(".tray-item")).to_have_count(3)
        await window.say("All three")
        sent = await anna.wait_until(lambda: anna.messages if len(anna.messages) == 3 else None)
        assert len({message["media_group_id"] for message in sent}) == 1
        assert sent[0]["caption"] == "All three"
        links = window.row("All three").get_by_role("link", name="Download")
        await expect(links).to_have_count(3)
        for index, content in enumerate(contents.values()):
            _, received = await window.downloaded(links.nth(index))
            assert received == content
        assert not window.complaints


async def test_messages_are_answered_copied_forwarded_and_deleted_from_their_menu(
    sandbox: Sandbox, browser: Browser
) -> None:
    async with Person(sandbox.url) as anna:
        window = await Window.open(browser, sandbox.url)
        first = await anna.send_text("First of all")
        row = window.row("First of all")
        await row.locator(".bubble").click(button="right")
        await window.page.get_by_role("menuitem", name="Reply").click()
        await window.say("An answer")
        answer = await anna.wait_for(lambda message: message.get("text") == "An answer")
        assert answer["reply_to_message"]["message_id"] == first["message_id"]

        # From the keyboard too; the newest message with these words is now the answer, which quotes them.
        await row.focus()
        await row.press("Enter")
        await window.page.get_by_role("menuitem", name="Forward to the bot").click()
        forwarded = await anna.wait_for(lambda message: "forward_origin" in message)
        assert forwarded["text"] == "An answer"
        await expect(window.column().locator(".forwarded")).to_have_text("Forwarded from Anna")

        await window.row("An answer").locator(".bubble").click(button="right")
        await window.page.get_by_role("menuitem", name="Delete").click()
        await anna.wait_until(lambda: not anna.has_message(forwarded))
        await expect(window.column().locator(".forwarded")).to_have_count(0)
        assert anna.has_message(answer)
        assert not window.complaints


async def test_the_page_comes_back_when_the_sandbox_does(tmp_path: Path, browser: Browser) -> None:
    async with Sandbox(state_dir=tmp_path) as before:
        port = before.port
        window = await Window.open(browser, before.url)
        await window.say("before")
        await expect(window.row("before")).to_be_visible()
    await expect(window.column().get_by_text("reconnecting")).to_be_visible()
    async with Sandbox(state_dir=tmp_path, port=port) as after, plain_bot(after.url, after.token, echo):
        await expect(window.row("You said: before")).to_be_visible(timeout=20_000)
        await expect(window.column().get_by_text("reconnecting")).to_have_count(0)
        await window.say("after")
        await expect(window.row("You said: after")).to_be_visible()
        await window.page.close()


async def test_a_file_goes_to_the_drive_and_back(telpher_running: TelpherRunning, browser: Browser) -> None:
    content = os.urandom(400_000)
    window = await Window.open(browser, telpher_running.sandbox.url)
    await window.say("/start")
    await expect(window.column().locator(".row.in")).to_have_count(1)
    await window.drop([("cable car.bin", "application/octet-stream", content)])
    await expect(window.column().locator(".tray-item")).to_contain_text("cable car.bin")
    await window.column().get_by_role("button", name="Send", exact=True).click()
    receipt = window.row("verified")
    await expect(receipt).to_be_visible(timeout=30_000)
    assert (telpher_running.drive_dir / "cable car.bin").read_bytes() == content

    await window.say("/files")
    listing = window.row("Your drive")
    await listing.get_by_role("button", name="cable car.bin").click()
    card = window.column().locator(".row", has=window.page.get_by_role("button", name="Get back")).last
    await window.photograph(PICTURES / "chat.png")
    await card.get_by_role("button", name="Get back").click()
    returned = window.column().locator(".row.in .card")
    await expect(returned).to_be_visible(timeout=30_000)
    name, received = await window.downloaded(returned.get_by_role("link", name="Download"))
    assert (name, received) == ("cable car.bin", content)
    await window.photograph(PICTURES / "returned.png")
    assert not window.complaints
