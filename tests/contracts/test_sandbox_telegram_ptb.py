"""python-telegram-bot, with its own HTTP client, cannot tell the sandbox from Telegram in what a bot does all day."""

from __future__ import annotations

import asyncio
import io
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InlineQueryResultArticle,
    InlineQueryResultPhoto,
    InputFile,
    InputMediaDocument,
    InputMediaPhoto,
    InputTextMessageContent,
    ReplyKeyboardMarkup,
    ReplyParameters,
    Update,
)
from telegram.constants import ChatAction, ParseMode
from telegram.error import BadRequest, Conflict, InvalidToken, NetworkError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackQueryHandler,
    CommandHandler,
    ContextTypes,
    InlineQueryHandler,
    MessageHandler,
    filters,
)
from tests.driver import Person, has_text

from telpher.sandbox.service import Sandbox

ANNA = 1001
MIB = 1 << 20


def png(width: int, height: int) -> bytes:
    """A true PNG of one grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
        + chunk(b"IDAT", rows)
        + chunk(b"IEND", b"")
    )


def builder(sandbox: Sandbox) -> ApplicationBuilder[Any, Any, Any, Any, Any, Any]:
    return (
        ApplicationBuilder()
        .token(sandbox.token)
        .base_url(f"{sandbox.url}/bot")
        .base_file_url(f"{sandbox.url}/file/bot")
    )


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path) as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    async with Bot(sandbox.token, base_url=f"{sandbox.url}/bot", base_file_url=f"{sandbox.url}/file/bot") as ready:
        yield ready


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Person]:
    async with Person(sandbox.url, ANNA) as person:
        yield person


async def test_a_polling_application_serves_commands_buttons_and_files(sandbox: Sandbox, anna: Person) -> None:
    async def start(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        assert update.effective_user is not None
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])
        await update.message.reply_html(f"Hello <b>{update.effective_user.first_name}</b>", reply_markup=keyboard)

    async def go(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.callback_query is not None
        await update.callback_query.answer("Gone", show_alert=True)
        await update.callback_query.edit_message_text("Went")

    async def echo_file(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.message is not None
        assert update.message.document is not None
        content = await (await update.message.document.get_file()).download_as_bytearray()
        await update.message.reply_document(bytes(content)[::-1], filename="назад.txt", caption="back")

    async def inline(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
        assert update.inline_query is not None
        text = InputTextMessageContent(update.inline_query.query.upper())
        await update.inline_query.answer([InlineQueryResultArticle("1", "Upper", text)], cache_time=1)

    app: Application[Any, Any, Any, Any, Any, Any] = builder(sandbox).build()
    app.add_handler(CommandHandler("start", start))
    app.add_handler(CallbackQueryHandler(go, pattern="^go$"))
    app.add_handler(MessageHandler(filters.Document.ALL, echo_file))
    app.add_handler(InlineQueryHandler(inline))
    async with app:
        assert app.updater is not None
        await app.updater.start_polling(timeout=20)
        await app.start()
        hello = await anna.ask("/start", has_text("hello anna"))
        assert hello["entities"] == [{"offset": 6, "length": 4, "type": "bold"}]
        toast = await anna.press(hello, "Go")
        assert (toast.text, toast.is_alert) == ("Gone", True)
        went = await anna.wait_for_change(hello)
        assert went["text"] == "Went"
        assert "reply_markup" not in went
        sent = await anna.send_file(b"abc", name="туда.txt", kind="document", caption="there")
        back = await anna.wait_for(has_text("back"), after=sent)
        assert back["document"]["file_name"] == "назад.txt"
        assert await anna.download(back) == b"cba"
        [result] = (await anna.inline("shout"))["results"]
        assert result["input_message_content"] == {"message_text": "SHOUT"}
        await app.updater.stop()
        await app.stop()


async def test_who_am_i(sandbox: Sandbox, bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.username, me.is_bot, me.supports_inline_queries) == ("telpher_sandbox_bot", True, True)
    stranger = Bot("1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", base_url=f"{sandbox.url}/bot")
    with pytest.raises(InvalidToken):
        await stranger.initialize()
    await stranger.shutdown()


async def test_two_pollers_conflict(sandbox: Sandbox, bot: Bot) -> None:
    first = asyncio.get_running_loop().create_task(bot.get_updates(timeout=20))
    async with Bot(sandbox.token, base_url=f"{sandbox.url}/bot") as second, asyncio.timeout(10):
        while not first.done():
            await second.get_updates(timeout=0)
    with pytest.raises(Conflict, match="terminated by other getUpdates request"):
        await first


async def test_commands_by_scope_and_language(bot: Bot, anna: Person) -> None:
    english, russian = [BotCommand("files", "Browse")], [BotCommand("files", "Файлы")]
    await bot.set_my_commands(english)
    await bot.set_my_commands(russian, language_code="ru")
    await bot.set_my_commands([BotCommand("own", "Mine")], scope=BotCommandScopeChat(ANNA))
    assert await bot.get_my_commands() == tuple(english)
    assert await bot.get_my_commands(language_code="ru") == tuple(russian)
    assert await bot.get_my_commands(scope=BotCommandScopeChat(ANNA)) == (BotCommand("own", "Mine"),)
    shown = await anna.wait_until(
        lambda: next((e for e in anna.events if e["type"] == "commands" and "ru" in e["commands"]), None)
    )
    assert shown["commands"]["ru"] == [{"command": "files", "description": "Файлы"}]
    await bot.delete_my_commands()
    assert await bot.get_my_commands() == ()


async def test_descriptions(bot: Bot) -> None:
    await bot.set_my_description("What I do")
    await bot.set_my_short_description("Короче", language_code="ru")
    await bot.set_my_name("Carrier")
    assert (await bot.get_my_description(language_code="ru")).description == "What I do"
    assert (await bot.get_my_short_description(language_code="ru")).short_description == "Короче"
    assert (await bot.get_me()).first_name == "Carrier"


async def test_edits(bot: Bot, anna: Person) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("A", callback_data="a")]])
    message = await bot.send_message(ANNA, "one", reply_markup=keyboard)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await message.edit_text("one", reply_markup=keyboard)
    changed = await message.edit_text("*two*", parse_mode=ParseMode.MARKDOWN_V2)
    assert isinstance(changed, type(message))
    assert (changed.text, changed.reply_markup) == ("two", None)
    assert changed.edit_date is not None
    await message.edit_reply_markup(keyboard)
    with pytest.raises(BadRequest, match="Message is not modified"):
        await message.edit_reply_markup(keyboard)
    with pytest.raises(BadRequest, match="There is no caption in the message to edit"):
        await message.edit_caption("x")
    theirs = await anna.send_text("mine")
    with pytest.raises(BadRequest, match="Message can't be edited"):
        await bot.edit_message_text("x", ANNA, theirs["message_id"])
    assert await message.delete()
    with pytest.raises(BadRequest, match="Message to delete not found"):
        await message.delete()
    await anna.wait_until(lambda: not anna.has_message(message.message_id))


async def test_replies_forwards_copies_and_reply_keyboards(bot: Bot, anna: Person) -> None:
    asked = await anna.send_text("quote me")
    reply = await bot.send_message(
        ANNA, "so be it", reply_parameters=ReplyParameters(asked["message_id"], quote="quote")
    )
    assert reply.reply_to_message is not None
    assert reply.quote is not None
    assert (reply.reply_to_message.text, reply.quote.text, reply.quote.position) == ("quote me", "quote", 0)
    forwarded = await bot.forward_message(1002, ANNA, asked["message_id"])
    assert forwarded.forward_origin is not None
    assert forwarded.forward_origin.to_dict()["sender_user"]["id"] == ANNA
    copied = await bot.copy_message(1002, ANNA, asked["message_id"])
    assert copied.message_id == forwarded.message_id + 1
    orphan = await bot.send_message(
        ANNA, "alone", reply_parameters=ReplyParameters(99_999, allow_sending_without_reply=True)
    )
    assert orphan.reply_to_message is None
    await bot.send_message(ANNA, "choose", reply_markup=ReplyKeyboardMarkup([["Yes", "No"]], resize_keyboard=True))
    event = await anna.wait_until(lambda: next((e for e in anna.events if "reply_keyboard" in e), None))
    assert event["reply_keyboard"]["keyboard"] == [[{"text": "Yes"}, {"text": "No"}]]


async def test_chat_actions_and_chats(bot: Bot, anna: Person) -> None:
    assert await bot.send_chat_action(ANNA, ChatAction.UPLOAD_DOCUMENT)
    await anna.wait_until(lambda: anna.chat_actions == ["upload_document"])
    chat = await bot.get_chat(ANNA)
    assert (chat.first_name, chat.type) == ("Anna", "private")
    assert (await bot.get_chat_member(ANNA, ANNA)).status == "member"


async def test_every_kind_of_file_goes_out_and_again_by_its_id(bot: Bot, anna: Person) -> None:
    picture = png(320, 200)
    sends: dict[str, Any] = {
        "document": lambda file: bot.send_document(ANNA, file, filename="a b.pdf", caption="c"),
        "photo": lambda file: bot.send_photo(ANNA, file, caption="<i>c</i>", parse_mode="HTML", has_spoiler=True),
        "video": lambda file: bot.send_video(ANNA, file, duration=3, width=640, height=480, filename="v.mp4"),
        "audio": lambda file: bot.send_audio(ANNA, file, duration=9, performer="P", title="T", filename="a.mp3"),
        "voice": lambda file: bot.send_voice(ANNA, file, duration=2, filename="v.ogg"),
        "animation": lambda file: bot.send_animation(ANNA, file, width=5, height=6, duration=1, filename="a.mp4"),
        "video_note": lambda file: bot.send_video_note(ANNA, file, length=240, duration=1, filename="n.mp4"),
        "sticker": lambda file: bot.send_sticker(ANNA, file, emoji="🙂"),
    }
    for kind, send in sends.items():
        content = picture if kind == "photo" else f"bytes of {kind}".encode()
        message = await send(content)
        media = message.effective_attachment
        media = media[-1] if isinstance(media, tuple) else media
        assert media.file_size == len(content)
        assert bytes(await (await media.get_file()).download_as_bytearray()) == content
        again = await send(media.file_id)
        media_again = again.effective_attachment
        media_again = media_again[-1] if isinstance(media_again, tuple) else media_again
        assert media_again == media
        seen = await anna.wait_for(lambda message, kind=kind: kind in message)
        assert await anna.download(seen) == content
    photo = (await sends["photo"](picture)).photo[-1]
    assert (photo.width, photo.height) == (320, 200)
    large = await bot.send_photo(ANNA, png(1000, 500))
    assert [(size.width, size.height) for size in large.photo] == [(90, 45), (320, 160), (1000, 500)]
    assert len({size.file_unique_id for size in large.photo}) == 3
    assert bytes(await (await large.photo[0].get_file()).download_as_bytearray()).startswith(b"\xff\xd8")
    assert (await bot.send_photo(ANNA, large.photo[0].file_id)).photo == large.photo
    with pytest.raises(BadRequest, match=r"(?i)can't use file of type photo as document"):
        await bot.send_document(ANNA, photo.file_id)
    with pytest.raises(BadRequest, match=r"(?i)image_process_failed"):
        await bot.send_photo(ANNA, b"no picture")
    with pytest.raises(BadRequest, match="File must be non-empty"):
        await bot.send_document(ANNA, io.BytesIO(b""), filename="empty")


async def test_albums_both_ways(bot: Bot, anna: Person) -> None:
    album = await bot.send_media_group(
        ANNA, [InputMediaPhoto(png(10, 20), caption="first"), InputMediaPhoto(png(30, 40))]
    )
    assert len({message.media_group_id for message in album}) == 1
    assert [(m.photo[-1].width, m.caption) for m in album] == [(10, "first"), (30, None)]
    await bot.send_media_group(ANNA, [InputMediaDocument(b"1", filename="1.txt"), InputMediaDocument(b"2")])
    with pytest.raises(BadRequest, match="can't be mixed"):
        await bot.send_media_group(ANNA, [InputMediaDocument(b"1"), InputMediaPhoto(png(1, 1))])
    await anna.send_album([(b"one", "1.txt"), (b"two", "2.txt")], kind="document", caption="from me")
    updates = await bot.get_updates(timeout=10)
    messages = [update.message for update in updates if update.message]
    assert [m.caption for m in messages] == ["from me", None]
    assert len({m.media_group_id for m in messages}) == 1
    assert None not in {m.media_group_id for m in messages}


async def test_edit_media_and_caption(bot: Bot) -> None:
    message = await bot.send_photo(ANNA, png(10, 10), caption="a")
    edited = await message.edit_caption("b")
    assert not isinstance(edited, bool)
    assert edited.caption == "b"
    edited = await message.edit_media(InputMediaDocument(b"now a document", filename="d.txt", caption="c"))
    assert not isinstance(edited, bool)
    assert edited.document is not None
    assert (edited.document.file_name, edited.caption, edited.photo) == ("d.txt", "c", ())
    with pytest.raises(BadRequest, match="There is no text in the message to edit"):
        await message.edit_text("x")


async def test_the_public_limits(bot: Bot, anna: Person, tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    with big.open("wb") as out:
        out.truncate(20 * MIB + 1)
    sent = await anna.send_file(big, kind="document")
    with pytest.raises(BadRequest, match="File is too big"):
        await bot.get_file(sent["document"]["file_id"])
    with big.open("wb") as out:
        out.truncate(20 * MIB)
    sent = await anna.send_file(big, kind="document")
    assert (await bot.get_file(sent["document"]["file_id"])).file_size == 20 * MIB
    with big.open("wb") as out:
        out.truncate(52 * MIB)
    with big.open("rb") as source, pytest.raises(NetworkError, match="Request Entity Too Large"):
        await bot.send_document(ANNA, source, write_timeout=60, read_timeout=60)


async def test_a_local_server_knows_no_limits_and_gives_paths(tmp_path: Path) -> None:
    big = tmp_path / "big.bin"
    with big.open("wb") as out:
        out.truncate(52 * MIB)
        out.seek(30 * MIB)
        out.write(b"in the middle")
    async with (
        Sandbox(state_dir=tmp_path / "state", local=True) as sandbox,
        Person(sandbox.url, ANNA) as anna,
        Bot(
            sandbox.token,
            base_url=f"{sandbox.url}/bot",
            base_file_url=f"{sandbox.url}/file/bot",
            local_mode=True,
        ) as bot,
    ):
        sent = await anna.send_file(big, kind="document")
        file = await bot.get_file(sent["document"]["file_id"])
        assert file.file_path is not None
        assert Path(file.file_path).is_absolute()
        assert Path(file.file_path).read_bytes() == big.read_bytes()
        with big.open("rb") as source:
            message = await bot.send_document(ANNA, InputFile(source, read_file_handle=False), write_timeout=60)
        in_place = await bot.send_document(ANNA, big)
        assert in_place.document is not None
        assert (in_place.document.file_name, in_place.document.file_size) == ("big.bin", 52 * MIB)
        assert message.document is not None
        assert message.document.file_size == 52 * MIB


async def test_inline_results_are_validated(bot: Bot, anna: Person) -> None:
    asking = asyncio.get_running_loop().create_task(anna.inline("x"))
    [update] = await bot.get_updates(timeout=10)
    assert update.inline_query is not None
    text = InputTextMessageContent("t")
    twins = [InlineQueryResultArticle("1", "a", text), InlineQueryResultArticle("1", "b", text)]
    with pytest.raises(BadRequest, match=r"(?i)result_id_duplicate"):
        await update.inline_query.answer(twins)
    results = [twins[0], InlineQueryResultPhoto("2", "https://example.org/p.jpg", "https://example.org/t.jpg")]
    await update.inline_query.answer(results, next_offset="more")
    answer = await asking
    assert (answer["next_offset"], [result["id"] for result in answer["results"]]) == ("more", ["1", "2"])
    await anna.choose_inline("2", "x")
    [chosen] = await bot.get_updates(offset=update.update_id + 1, timeout=10)
    assert chosen.chosen_inline_result is not None
    assert chosen.chosen_inline_result.result_id == "2"


async def test_a_stale_button_is_told_apart(bot: Bot, anna: Person) -> None:
    message = await bot.send_message(ANNA, "x")
    await anna.start_press(message.message_id, "forged")
    [update] = await bot.get_updates(timeout=10)
    query = update.callback_query
    assert query is not None
    assert query.data == "forged"
    await query.answer()
    with pytest.raises(BadRequest, match="Query is too old and response timeout expired or query id is invalid"):
        await query.answer()
    await message.delete()
    await anna.start_press(message.message_id, "ghost")
    [update] = await bot.get_updates(offset=update.update_id + 1, timeout=10)
    assert update.callback_query is not None
    assert update.callback_query.message is not None
    assert not update.callback_query.message.is_accessible
