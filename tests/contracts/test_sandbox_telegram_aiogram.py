"""aiogram, too, runs against the sandbox as against Telegram: polling, files, albums, errors, and its webhook handler."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.filters import Command
from aiogram.types import (
    BufferedInputFile,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputMediaDocument,
    Message,
)
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import ClientSession, web
from tests.driver import Person, has_text

from telpher.sandbox.service import Sandbox

ANNA = 1001
GO = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="Go", callback_data="go:1")]])


def connect(sandbox: Sandbox, token: str | None = None) -> Bot:
    session = AiohttpSession(api=TelegramAPIServer.from_base(sandbox.url))
    return Bot(token or sandbox.token, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML))


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path) as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with connect(sandbox) as ready:
        yield ready


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Person]:
    async with Person(sandbox.url, ANNA) as person:
        yield person


def routes() -> Dispatcher:
    dispatcher = Dispatcher()

    @dispatcher.message(Command("start"))
    async def start(message: Message) -> None:
        assert message.from_user is not None
        await message.answer(f"Hello <b>{message.from_user.first_name}</b>", reply_markup=GO)

    @dispatcher.callback_query(F.data.startswith("go:"))
    async def go(query: CallbackQuery) -> None:
        assert isinstance(query.message, Message)
        await query.message.edit_text("Went")
        await query.answer("Gone")

    @dispatcher.message(F.document)
    async def take(message: Message, bot: Bot) -> None:
        assert message.document is not None
        content = await bot.download(message.document)
        assert content is not None
        await message.reply_document(BufferedInputFile(content.read()[::-1], "back.bin"), caption="back")

    return dispatcher


async def _talk(anna: Person) -> None:
    hello = await anna.ask("/start", has_text("hello anna"))
    toast = await anna.press(hello, "Go")
    assert toast.text == "Gone"
    assert anna.message(hello)["text"] == "Went"
    sent = await anna.send_file(b"abc", name="a.bin", kind="document")
    back = await anna.wait_for(has_text("back"), after=sent)
    assert back["reply_to_message"]["message_id"] == sent["message_id"]
    assert await anna.download(back) == b"cba"


async def test_a_polling_dispatcher_serves(sandbox: Sandbox, anna: Person) -> None:
    dispatcher = routes()
    async with connect(sandbox) as bot:
        polling = asyncio.get_running_loop().create_task(
            dispatcher.start_polling(bot, handle_signals=False, polling_timeout=20)
        )
        await _talk(anna)
        await dispatcher.stop_polling()
        await polling


async def test_its_webhook_handler_serves_and_checks_the_secret(sandbox: Sandbox, bot: Bot, anna: Person) -> None:
    app = web.Application()
    SimpleRequestHandler(routes(), bot, secret_token="correct-horse").register(app, path="/hook")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        address = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
        assert await bot.set_webhook(address, secret_token="correct-horse")
        await _talk(anna)
        with pytest.raises(TelegramConflictError, match="can't use getUpdates method while webhook is active"):
            await bot.get_updates()
        assert (await bot.get_webhook_info()).url == address
        assert await bot.delete_webhook(drop_pending_updates=True)
    finally:
        await runner.cleanup()


async def test_refusals_become_its_own_errors(sandbox: Sandbox, bot: Bot, anna: Person) -> None:
    message = await bot.send_message(ANNA, "one")
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await message.edit_text("one")
    with pytest.raises(TelegramBadRequest, match="can't parse entities: Unmatched end tag at byte offset 4, expected"):
        await bot.send_message(ANNA, "<b>x</i>")
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(77, "x")
    long = InlineKeyboardButton(text="x", callback_data="я" * 33)
    with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
        await bot.send_message(ANNA, "x", reply_markup=InlineKeyboardMarkup(inline_keyboard=[[long]]))
    with pytest.raises(TelegramEntityTooLarge):
        await bot.send_document(ANNA, BufferedInputFile(bytes(52 << 20), "big"))
    async with connect(sandbox, "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") as stranger:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()
    rule = {"match": "sendMessage", "kind": "status", "status": 429, "retry_after": 3, "times": 1}
    async with ClientSession() as http, http.post(f"{sandbox.url}/sandbox/faults", json=rule) as response:
        assert response.status == 200
    with pytest.raises(TelegramRetryAfter) as slow:
        await bot.send_message(ANNA, "x")
    assert slow.value.retry_after == 3


async def test_albums_and_thumbnails(bot: Bot, anna: Person) -> None:
    album = await bot.send_media_group(
        ANNA,
        [
            InputMediaDocument(media=BufferedInputFile(b"1", "один.txt"), caption="<i>both</i>"),
            InputMediaDocument(media=BufferedInputFile(b"22", "2.txt")),
        ],
    )
    assert [message.document.file_name for message in album if message.document] == ["один.txt", "2.txt"]
    assert album[0].caption_entities is not None
    assert album[0].caption_entities[0].type == "italic"
    content = io.BytesIO()
    assert album[1].document is not None
    await bot.download(album[1].document, content)
    assert content.getvalue() == b"22"
    again = await bot.send_document(ANNA, album[1].document.file_id)
    assert again.document is not None
    assert again.document.file_unique_id == album[1].document.file_unique_id
    copied = await bot.copy_message(1002, ANNA, album[0].message_id, caption="other")
    assert copied.message_id > again.message_id
