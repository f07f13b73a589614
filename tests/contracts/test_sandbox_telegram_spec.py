"""Every object that the sandbox answers or delivers is as the official list of types says: no field unknown, missing or mistyped."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.contracts.bot_over_http import BotOverHttp, Refused
from tests.driver import Person

from telpher.sandbox.service import Sandbox
from telpher.sandbox.telegram.methods import METHODS
from telpher.sandbox.telegram.spec import bot_api

ANNA = 1001
BORIS = 1002
# The smallest picture there is: a GIF of one pixel, the header alone says its size.
GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00;"
JPEG = b"\xff\xd8\xff\xe0\x00\x04\x00\x00\xff\xc0\x00\x0b\x08\x00\x30\x00\x40\x01\x01\x11\x00\xff\xd9"


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path) as running:
        yield running


class CheckedBot(BotOverHttp):
    """A client that holds every answer against the official types, and knows which methods it has called."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.called: set[str] = set()

    async def call(self, method: str, /, **parameters: Any) -> Any:
        return self._checked(method, await super().call(method, **parameters))

    async def upload(self, method: str, /, files: dict[str, tuple[str, bytes]], **parameters: Any) -> Any:
        return self._checked(method, await super().upload(method, files, **parameters))

    def _checked(self, method: str, result: Any) -> Any:
        self.called.add(method)
        problem = bot_api().problem(result, bot_api().returns[method], where=method)
        assert problem is None, problem
        return result


def test_the_list_is_the_whole_official_one() -> None:
    spec = bot_api()
    assert len(spec.methods) == 180
    assert len(spec.types) + len(spec.subtypes) == 359
    assert set(METHODS) <= set(spec.methods)


def test_the_check_finds_what_is_wrong() -> None:
    spec = bot_api()
    user = {"id": 1, "is_bot": False, "first_name": "A"}
    assert spec.problem(user, ("User",)) is None
    assert spec.problem({**user, "id": "1"}, ("User",)) == ".id: expected Integer"
    assert spec.problem({**user, "is_bot": 0}, ("User",)) == ".is_bot: expected Boolean"
    assert spec.problem({"id": 1, "is_bot": False}, ("User",)) == ': User lacks "first_name"'
    assert spec.problem({**user, "age": 7}, ("User",)) == ": User has no ['age']"
    assert spec.problem({**user, "age": 7}, ("User",), knows_all=False) is None
    assert spec.problem([user, 1], ("Array of User",)) == "[1]: expected User"
    origin = {"type": "user", "date": 1, "sender_user": {"id": 1}}
    assert spec.problem(origin, ("MessageOrigin",)) is not None


async def test_every_answer_is_as_the_list_says(sandbox: Sandbox) -> None:
    async with CheckedBot(sandbox) as bot, Person(sandbox.url, ANNA) as anna:
        group = await _group(bot, sandbox)
        await bot.call("getMe")
        await _texts(bot)
        await _files(bot)
        await _changes(bot)
        await _profile(bot)
        await _chats(bot, group)
        await _updates(bot, anna, sandbox)
        assert bot.called == set(METHODS), "this test calls every method that the sandbox carries out"


async def _group(bot: CheckedBot, sandbox: Sandbox) -> int:
    body = {"title": "Plans", "member_ids": [ANNA, BORIS]}
    async with bot.http.post(f"{sandbox.url}/chat/api/groups", json=body) as response:
        return int((await response.json())["id"])


async def _texts(bot: CheckedBot) -> None:
    keyboard = {"inline_keyboard": [[{"text": "a", "callback_data": "b"}, {"text": "c", "url": "https://example.org"}]]}
    text = "<b>b</b> <a href='tg://user?id=1002'>B</a> <pre><code class='language-c'>x</code></pre> /start #t"
    first = await bot.call("sendMessage", chat_id=ANNA, text=text, parse_mode="HTML", reply_markup=keyboard)
    await bot.call(
        "sendMessage",
        chat_id=ANNA,
        text="reply",
        protect_content=True,
        link_preview_options={"is_disabled": True},
        reply_parameters={"message_id": first["message_id"], "quote": "b"},
        reply_markup={"keyboard": [["x"]]},
    )
    await bot.call("sendContact", chat_id=ANNA, phone_number="+1", first_name="C", last_name="D")
    await bot.call("sendLocation", chat_id=ANNA, latitude=1.5, longitude=2)
    await bot.call("sendVenue", chat_id=ANNA, latitude=1.5, longitude=2, title="T", address="A")
    await bot.call("sendDice", chat_id=ANNA, emoji="🎯")
    await bot.call("sendChatAction", chat_id=ANNA, action="typing")
    message_id = first["message_id"]
    forwarded = await bot.call("forwardMessage", chat_id=BORIS, from_chat_id=ANNA, message_id=message_id)
    await bot.call("forwardMessage", chat_id=ANNA, from_chat_id=BORIS, message_id=forwarded["message_id"])
    await bot.call("forwardMessages", chat_id=BORIS, from_chat_id=ANNA, message_ids=[message_id, message_id + 2])
    await bot.call("copyMessage", chat_id=BORIS, from_chat_id=ANNA, message_id=message_id)
    await bot.call("copyMessages", chat_id=BORIS, from_chat_id=ANNA, message_ids=[message_id])


async def _files(bot: CheckedBot) -> None:
    thumbnail = {"thumbnail": ("t.jpg", JPEG)}
    document = await bot.upload(
        "sendDocument", {"document": ("a.txt", b"x"), **thumbnail}, chat_id=ANNA, caption="c #t"
    )
    await bot.upload("sendDocument", {"document": ("a.gif", GIF)}, chat_id=ANNA)
    await bot.upload("sendPhoto", {"photo": ("p.jpg", JPEG)}, chat_id=ANNA, has_spoiler="true")
    await bot.upload("sendVideo", {"video": ("v.mp4", b"x"), **thumbnail}, chat_id=ANNA, duration=3)
    await bot.upload("sendAudio", {"audio": ("a.mp3", b"x"), **thumbnail}, chat_id=ANNA, performer="P", title="T")
    await bot.upload("sendVoice", {"voice": ("v.ogg", b"x")}, chat_id=ANNA, duration=1)
    await bot.upload("sendAnimation", {"animation": ("a.mp4", b"x"), **thumbnail}, chat_id=ANNA, width=5, height=5)
    await bot.upload("sendVideoNote", {"video_note": ("n.mp4", b"x"), **thumbnail}, chat_id=ANNA, length=240)
    await bot.upload("sendSticker", {"sticker": ("s.webp", b"x")}, chat_id=ANNA, emoji="🙂")
    media = [{"type": "photo", "media": "attach://a", "caption": "c"}, {"type": "video", "media": "attach://b"}]
    await bot.upload(
        "sendMediaGroup", {"a": ("a.jpg", JPEG), "b": ("b.mp4", b"x")}, chat_id=ANNA, media=json.dumps(media)
    )
    await bot.call("getFile", file_id=document["document"]["file_id"])


async def _changes(bot: CheckedBot) -> None:
    text = await bot.call("sendMessage", chat_id=ANNA, text="one")
    where = {"chat_id": ANNA, "message_id": text["message_id"]}
    await bot.call("editMessageText", **where, text="two")
    keyboard = {"inline_keyboard": [[{"text": "a", "copy_text": {"text": "b"}}]]}
    await bot.call("editMessageReplyMarkup", **where, reply_markup=keyboard)
    await bot.call("setMessageReaction", **where, reaction=[{"type": "emoji", "emoji": "👍"}])
    await bot.call("pinChatMessage", **where)
    await bot.call("getChat", chat_id=ANNA)
    await bot.call("unpinChatMessage", **where)
    await bot.call("unpinAllChatMessages", chat_id=ANNA)
    photo = await bot.upload("sendPhoto", {"photo": ("p.jpg", JPEG)}, chat_id=ANNA)
    there = {"chat_id": ANNA, "message_id": photo["message_id"]}
    await bot.call("editMessageCaption", **there, caption="new")
    media = json.dumps({"type": "document", "media": "attach://d", "caption": "c"})
    await bot.upload("editMessageMedia", {"d": ("d.txt", b"x")}, **there, media=media)
    await bot.call("deleteMessage", **where)
    await bot.call("deleteMessages", chat_id=ANNA, message_ids=[photo["message_id"], 99_999])


async def _profile(bot: CheckedBot) -> None:
    await bot.call("setMyCommands", commands=[{"command": "a", "description": "b"}])
    await bot.call("getMyCommands")
    await bot.call("deleteMyCommands")
    for what in ("Name", "Description", "ShortDescription"):
        field = {"Name": "name", "Description": "description", "ShortDescription": "short_description"}[what]
        await bot.call(f"setMy{what}", **{field: "x"})
        await bot.call(f"getMy{what}")
    await bot.call("setChatMenuButton", menu_button={"type": "commands"})
    await bot.call("getChatMenuButton", chat_id=ANNA)
    await bot.call("close")


async def _chats(bot: CheckedBot, group: int) -> None:
    for chat_id in (ANNA, group):
        await bot.call("getChat", chat_id=chat_id)
        await bot.call("getChatMember", chat_id=chat_id, user_id=ANNA)
        await bot.call("getChatMember", chat_id=chat_id, user_id=int(bot.root.rpartition("/bot")[2].split(":")[0]))
        await bot.call("getChatMemberCount", chat_id=chat_id)
    await bot.call("getChatAdministrators", chat_id=group)
    await bot.call("getUserProfilePhotos", user_id=ANNA)
    await bot.call("leaveChat", chat_id=group)
    with pytest.raises(Refused, match="chat not found"):
        await bot.call("getChat", chat_id=group)


async def _updates(bot: CheckedBot, anna: Person, sandbox: Sandbox) -> None:
    sent = await bot.call("sendMessage", chat_id=ANNA, text="press")
    await anna.send_text("/start @boris_77 https://example.org")
    await anna.send_text("a reply", reply_to=sent)
    await anna.forward(sent)
    for kind in ("document", "photo", "video", "audio", "voice", "animation", "video_note", "sticker"):
        await anna.send_file(JPEG, name="file.jpg", kind=kind)
    await anna.send_album([(JPEG, "1.jpg"), (JPEG, "2.jpg")], caption="both")
    own = await anna.send_text("mine")
    edit = {"user_id": ANNA, "message_id": own["message_id"], "text": "changed"}
    for path, body in (
        ("edit", edit),
        ("block", {"user_id": BORIS}),
        ("block", {"user_id": BORIS, "is_blocked": False}),
    ):
        async with bot.http.post(f"{sandbox.url}/chat/api/{path}", json=body) as response:
            assert response.status == 200
    await anna.start_press(sent, "data")
    await anna.start_press(99_999, "data")
    asking = asyncio.get_running_loop().create_task(anna.inline("query"))
    seen: list[dict[str, Any]] = []
    while not any("inline_query" in update for update in seen):
        offset = seen[-1]["update_id"] + 1 if seen else 0
        seen += await bot.call("getUpdates", offset=offset, timeout=10)
    queries = {key: body for update in seen for key, body in update.items() if key.endswith("_query")}
    await bot.call("answerCallbackQuery", callback_query_id=queries["callback_query"]["id"], text="t", show_alert=True)
    content = {"message_text": "*x*", "parse_mode": "MarkdownV2"}
    results = [{"type": "article", "id": "1", "title": "t", "input_message_content": content}]
    await bot.call("answerInlineQuery", inline_query_id=queries["inline_query"]["id"], results=results)
    await asking
    await anna.choose_inline("1", "query")
    await bot.call("getUpdates", offset=seen[-1]["update_id"] + 1, timeout=10)
    kinds = {kind for update in seen for kind in update} - {"update_id"}
    assert kinds == {"message", "edited_message", "my_chat_member", "callback_query", "inline_query"}
    await bot.call("setWebhook", url="http://127.0.0.1:1/hook", secret_token="s", allowed_updates=["message"])
    await bot.call("getWebhookInfo")
    await bot.call("deleteWebhook")
    await bot.call("getWebhookInfo")
