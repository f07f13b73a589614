"""The Bot API's HTTP rules: tokens, ways to pass parameters, long polling, limits, webhook, restart; without any library between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.contracts.bot_over_http import BotOverHttp, Refused
from tests.driver import Person

from telpher.sandbox.service import DEFAULT_TOKEN, Sandbox
from telpher.sandbox.telegram.flood import FloodLimit

ANNA = 1001


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(state_dir=tmp_path) as running:
        yield running


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[BotOverHttp]:
    async with BotOverHttp(sandbox) as client:
        yield client


@pytest.fixture
async def anna(sandbox: Sandbox) -> AsyncIterator[Person]:
    async with Person(sandbox.url, ANNA) as person:
        yield person


@pytest.mark.parametrize(
    ("path", "code", "description"),
    [
        ("/bot1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe", 401, "Unauthorized"),
        ("/botnonsense/getMe", 404, "Not Found"),
        (f"/bot{DEFAULT_TOKEN}/noSuchMethod", 404, "Not Found: method not found"),
        (f"/bot{DEFAULT_TOKEN}/sendGift?gift_id=1", 501, "Not Implemented: the sandbox does not carry out sendGift"),
        (f"/file/bot{DEFAULT_TOKEN}/documents/file_99.txt", 404, "Not Found"),
        (f"/file/bot{DEFAULT_TOKEN}/documents%2F..%2F..%2Fledger.sqlite3", 404, "Not Found"),
        ("/file/bot1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/documents/file_1", 401, "Unauthorized"),
    ],
)
async def test_what_is_not_there_is_refused_as_telegram_does(
    sandbox: Sandbox, bot: BotOverHttp, path: str, code: int, description: str
) -> None:
    async with bot.http.get(sandbox.url + path) as response:
        assert await response.json() == {"ok": False, "error_code": code, "description": description}
        assert response.status == code


async def test_the_sandbox_listens_to_this_machine_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this machine only"):
        Sandbox(state_dir=tmp_path, host="0.0.0.0")


@pytest.mark.parametrize("method", ["sendMessage", "SENDMESSAGE", "sendmessage"])
async def test_parameters_arrive_in_all_four_ways(bot: BotOverHttp, method: str) -> None:
    markup = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}
    flat = {"chat_id": str(ANNA), "text": "<b>hi</b>", "parse_mode": "HTML", "reply_markup": json.dumps(markup)}
    multipart = aiohttp.FormData(default_to_multipart=True)
    for name, value in flat.items():
        multipart.add_field(name, value)
    address = f"{bot.root}/{method}"
    sent = []
    for request in (
        bot.http.get(address, params=flat),
        bot.http.post(address, data=flat),
        bot.http.post(address, json={**flat, "chat_id": ANNA, "reply_markup": markup}),
        bot.http.post(address, data=multipart),
        bot.http.post(address, params={"chat_id": str(ANNA)}, data={**flat, "chat_id": str(ANNA)}),
    ):
        async with request as response:
            sent.append(await bot.result(response))
    assert len({message["message_id"] for message in sent}) == 5
    for message in sent:
        assert message["text"] == "hi"
        assert message["entities"] == [{"type": "bold", "offset": 0, "length": 2}]
        assert message["reply_markup"] == markup


@pytest.mark.parametrize(
    ("method", "parameters", "reason"),
    [
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": ANNA}, "message text is empty"),
        ("sendMessage", {"chat_id": ANNA, "text": ""}, "message text is empty"),
        ("sendMessage", {"chat_id": ANNA, "text": " \n "}, "text must be non-empty"),
        ("sendMessage", {"chat_id": 42, "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": ANNA, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": ANNA, "text": "🗂" * 2049}, "message is too long"),
        (
            "sendMessage",
            {"chat_id": ANNA, "text": "x", "reply_markup": "{"},
            "can't parse reply keyboard markup JSON object",
        ),
        ("sendMessage", {"chat_id": ANNA, "text": "x", "reply_markup": "[1]"}, "object expected as reply markup"),
        (
            "sendMessage",
            {"chat_id": ANNA, "text": "x", "reply_markup": {"inline_keyboard": [{"text": "x"}]}},
            'field "inline_keyboard" of the InlineKeyboardMarkup must be an Array of Arrays',
        ),
        (
            "sendMessage",
            {"chat_id": ANNA, "text": "x", "reply_markup": {"keyboard": [[5]]}},
            "can't parse keyboard button: KeyboardButton must be a String or an Object",
        ),
        ("editMessageReplyMarkup", {"chat_id": ANNA, "message_id": 1}, "message to edit not found"),
        ("sendMessage", {"chat_id": ANNA, "text": "x", "parse_mode": "BBCode"}, "unsupported parse_mode"),
        (
            "sendMessage",
            {"chat_id": ANNA, "text": "x", "reply_parameters": {"message_id": 99}},
            "message to be replied not found",
        ),
        ("sendDocument", {"chat_id": ANNA}, "there is no document in the request"),
        ("sendDocument", {"chat_id": ANNA, "document": "BQACnonsense"}, "wrong file identifier/HTTP URL specified"),
        ("sendDocument", {"chat_id": ANNA, "document": "https://example.org/a"}, "failed to get HTTP URL content"),
        ("sendDocument", {"chat_id": ANNA, "document": "attach://gone"}, "there is no document in the request"),
        ("sendMediaGroup", {"chat_id": ANNA, "media": "["}, "can't parse media JSON object"),
        ("sendMediaGroup", {"chat_id": ANNA, "media": [1]}, "can't parse InputMedia: expected an Object"),
        (
            "sendMediaGroup",
            {"chat_id": ANNA, "media": [{"type": "photo", "media": "attach://gone"}]},
            "can't parse InputMedia: media not found",
        ),
        (
            "sendMediaGroup",
            {"chat_id": ANNA, "media": [{"type": "animation", "media": "x"}]},
            "can't parse InputMedia: type \"animation\" can't be used in sendMediaGroup",
        ),
        ("setMyName", {"business_connection_id": "1", "name": "x" * 65}, "name is too long"),
        ("sendMessage", {"chat_id": ANNA, "text": "x", "business_connection_id": "1"}, "business connection not found"),
        ("editMessageText", {"text": "x"}, "chat_id is empty"),
        ("editMessageText", {"chat_id": ANNA, "text": "x"}, "message identifier is not specified"),
        ("editMessageText", {"chat_id": ANNA, "text": "x", "message_id": 99}, "message to edit not found"),
        ("deleteMessage", {"chat_id": ANNA, "message_id": 99}, "message to delete not found"),
        ("copyMessage", {"chat_id": ANNA, "from_chat_id": ANNA, "message_id": 99}, "message to copy not found"),
        ("forwardMessage", {"chat_id": ANNA, "from_chat_id": ANNA, "message_id": 99}, "message to forward not found"),
        ("getFile", {"file_id": "nonsense"}, "invalid file_id"),
        ("getFile", {}, "file_id not specified"),
        ("sendChatAction", {"chat_id": ANNA, "action": "juggling"}, "wrong parameter action in request"),
        (
            "answerCallbackQuery",
            {"callback_query_id": "1"},
            "query is too old and response timeout expired or query ID is invalid",
        ),
        ("setMyCommands", {"commands": [{"command": "Bad Name", "description": "x"}]}, "BOT_COMMAND_INVALID"),
        ("setMyCommands", {"commands": [{"command": "x"}]}, "can't parse BotCommand: Can't find field \"description\""),
        ("setWebhook", {"url": "http://example.org/"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        (
            "setWebhook",
            {"url": "https://example.org:81/"},
            "bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        ),
    ],
)
async def test_wrong_parameters_are_refused_in_telegrams_words(
    bot: BotOverHttp, method: str, parameters: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused) as refused:
        await bot.call(method, **parameters)
    assert refused.value.code == 400
    assert refused.value.description == f"Bad Request: {reason}"


@pytest.mark.parametrize(
    ("button", "reason"),
    [
        ({"text": "x", "callback_data": "y" * 65}, "BUTTON_DATA_INVALID"),
        ({"text": "x", "callback_data": "ы" * 33}, "BUTTON_DATA_INVALID"),
        (
            {"text": "x", "callback_data": ""},
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard",
        ),
        ({"text": "x", "url": 5}, 'can\'t parse inline keyboard button: Field "url" must be of type String'),
        ("x", "can't parse inline keyboard button: InlineKeyboardButton must be an Object"),
        ({"text": "x"}, "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"),
        ({"callback_data": "x"}, "can't parse inline keyboard button: Can't find field \"text\""),
        ({"text": "x", "url": "no address"}, "inline keyboard button URL 'no address' is invalid: Wrong HTTP URL"),
        ({"text": "x", "copy_text": {"text": ""}}, "BUTTON_COPY_TEXT_INVALID"),
    ],
)
async def test_wrong_buttons_are_refused(bot: BotOverHttp, button: Any, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        await bot.call("sendMessage", chat_id=ANNA, text="x", reply_markup={"inline_keyboard": [[button]]})
    assert refused.value.description == f"Bad Request: {reason}"


async def test_good_buttons_of_every_sort_are_kept(bot: BotOverHttp) -> None:
    row = [
        {"text": "a", "callback_data": "y" * 64},
        {"text": "b", "url": "https://example.org/x?y=1"},
        {"text": "c", "copy_text": {"text": "copied"}},
        {"text": "d", "switch_inline_query": ""},
        {"text": "e", "switch_inline_query_current_chat": "q"},
    ]
    message = await bot.call("sendMessage", chat_id=ANNA, text="x", reply_markup={"inline_keyboard": [row, []]})
    assert message["reply_markup"] == {"inline_keyboard": [row]}


async def test_a_poll_wakes_at_once_and_redelivers_until_acknowledged(bot: BotOverHttp, anna: Person) -> None:
    polling = asyncio.get_running_loop().create_task(bot.call("getUpdates", timeout=50))
    await asyncio.sleep(0)
    await anna.send_text("one")
    [first] = await asyncio.wait_for(polling, 10)
    assert first["message"]["text"] == "one"
    await anna.send_text("two")
    again = await bot.call("getUpdates", timeout=50)
    assert [update["message"]["text"] for update in again] == ["one", "two"]
    assert again[1]["update_id"] == first["update_id"] + 1
    assert [u["message"]["text"] for u in await bot.call("getUpdates", offset=first["update_id"] + 1)] == ["two"]
    assert await bot.call("getUpdates", offset=first["update_id"] + 2) == []
    assert await bot.call("getUpdates") == []


async def test_the_bot_learns_a_persons_new_language_with_what_they_do_next(
    sandbox: Sandbox, bot: BotOverHttp, anna: Person
) -> None:
    await anna.send_text("before")
    await anna.set_language("pt-BR")
    await anna.send_text("after")
    updates = await bot.call("getUpdates", timeout=10)
    assert [update["message"]["from"]["language_code"] for update in updates] == ["en", "pt-BR"]
    assert anna.language == "pt"
    async with Person(sandbox.url, ANNA) as again:
        assert again.language == "pt"


async def test_limit_and_negative_offset(bot: BotOverHttp, anna: Person) -> None:
    for number in range(5):
        await anna.send_text(f"n{number}")
    assert [u["message"]["text"] for u in await bot.call("getUpdates", limit=2)] == ["n0", "n1"]
    assert [u["message"]["text"] for u in await bot.call("getUpdates", offset=-2)] == ["n3", "n4"]
    assert [u["message"]["text"] for u in await bot.call("getUpdates")] == ["n3", "n4"], "the rest is forgotten"


async def test_only_the_kinds_asked_for_come_until_asked_otherwise(bot: BotOverHttp, anna: Person) -> None:
    sent = await bot.call("sendMessage", chat_id=ANNA, text="press")
    await bot.call("getUpdates", allowed_updates=["callback_query"])
    await anna.send_text("unwanted")
    await anna.start_press(sent, "data")
    assert [set(u) - {"update_id"} for u in await bot.call("getUpdates")] == [{"callback_query"}]
    await bot.call("getUpdates", offset=-1, allowed_updates=[])
    await anna.send_text("wanted")
    assert "message" in (await bot.call("getUpdates"))[-1]


async def test_a_second_poller_ends_the_first_with_409(bot: BotOverHttp, anna: Person) -> None:
    first = asyncio.get_running_loop().create_task(bot.call("getUpdates", timeout=50))
    # The first is waiting once the second finds it there: ask until it has been ended.
    async with asyncio.timeout(10):
        while not first.done():
            assert await bot.call("getUpdates", timeout=0) == []
    with pytest.raises(Refused) as refused:
        await first
    assert refused.value.code == 409
    assert refused.value.description == (
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
    )
    await anna.send_text("still heard")
    assert len(await bot.call("getUpdates", timeout=10)) == 1


async def test_flood_limit_when_wanted(tmp_path: Path) -> None:
    limit = FloodLimit(burst=2, per_call_s=30)
    async with Sandbox(state_dir=tmp_path, flood_limit=limit) as sandbox, BotOverHttp(sandbox) as bot:
        message = await bot.call("sendMessage", chat_id=ANNA, text="1")
        await bot.call("editMessageText", chat_id=ANNA, message_id=message["message_id"], text="2")
        with pytest.raises(Refused) as refused:
            await bot.call("sendMessage", chat_id=ANNA, text="3")
        wait_s = refused.value.parameters["retry_after"]
        assert 0 < wait_s <= 30
        assert (refused.value.code, refused.value.description) == (429, f"Too Many Requests: retry after {wait_s}")
        await bot.call("sendMessage", chat_id=1002, text="another chat is free")


async def test_429_on_demand(sandbox: Sandbox, bot: BotOverHttp) -> None:
    rule = {"match": "sendMessage", "kind": "status", "status": 429, "retry_after": 7, "times": 1}
    async with bot.http.post(f"{sandbox.url}/sandbox/faults", json=rule) as response:
        assert response.status == 200
    with pytest.raises(Refused) as refused:
        await bot.call("sendMessage", chat_id=ANNA, text="x")
    assert refused.value.parameters == {"retry_after": 7}
    await bot.call("sendMessage", chat_id=ANNA, text="x")


async def test_a_blocked_bot_learns_it(sandbox: Sandbox, bot: BotOverHttp) -> None:
    async with bot.http.post(f"{sandbox.url}/chat/api/block", json={"user_id": ANNA}) as response:
        assert response.status == 200
    [update] = await bot.call("getUpdates", timeout=10)
    assert update["my_chat_member"]["new_chat_member"]["status"] == "kicked"
    with pytest.raises(Refused) as refused:
        await bot.call("sendMessage", chat_id=ANNA, text="x")
    assert (refused.value.code, refused.value.description) == (403, "Forbidden: bot was blocked by the user")


async def test_in_a_group_the_bot_hears_what_is_meant_for_it(sandbox: Sandbox, bot: BotOverHttp) -> None:
    async with bot.http.post(
        f"{sandbox.url}/chat/api/groups", json={"title": "Plans", "member_ids": [ANNA, 1002]}
    ) as response:
        group = await response.json()
    async with Person(sandbox.url, ANNA, chat_id=group["id"]) as anna:
        await anna.send_text("between us")
        await anna.send_text("/files@telpher_sandbox_bot")
        updates = await bot.call("getUpdates", offset=0)
        answered = await bot.call("sendMessage", chat_id=group["id"], text="hello all")
        assert (await anna.wait_for(lambda message: message.get("text") == "hello all"))["chat"] == answered["chat"]
    assert [u["message"]["text"] for u in updates if "text" in u.get("message", {})] == ["/files@telpher_sandbox_bot"]
    assert (await bot.call("getChat", chat_id=group["id"]))["title"] == "Plans"
    assert (await bot.call("getChatMember", chat_id=group["id"], user_id=1002))["status"] == "member"
    assert await bot.call("getChatMemberCount", chat_id=group["id"]) == 3


class Receiver:
    """A bot's webhook: keeps what came; answers what the test wants."""

    def __init__(self) -> None:
        self.got: asyncio.Queue[tuple[dict[str, Any], str | None]] = asyncio.Queue()
        self.answers: list[web.Response] = []

    async def take(self, request: web.Request) -> web.Response:
        answer = self.answers.pop(0) if self.answers else web.Response()
        self.got.put_nowait((await request.json(), request.headers.get("X-Telegram-Bot-Api-Secret-Token")))
        return answer

    async def next(self) -> tuple[dict[str, Any], str | None]:
        return await asyncio.wait_for(self.got.get(), 10)


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    inbox = Receiver()
    app = web.Application()
    app.router.add_post("/hook", inbox.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield inbox, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    await runner.cleanup()


async def test_a_webhook_gets_updates_in_order_and_again_until_it_takes_them(
    bot: BotOverHttp, anna: Person, receiver: tuple[Receiver, str]
) -> None:
    inbox, address = receiver
    inbox.answers = [web.Response(status=500), web.Response(status=503)]
    await bot.call("setWebhook", url=address, secret_token="s3cret-Token_", allowed_updates=["message"])
    await anna.send_text("one")
    await anna.send_text("two")
    got = [await inbox.next() for _ in range(4)]
    assert [update["message"]["text"] for update, _ in got] == ["one", "one", "one", "two"]
    assert {secret for _, secret in got} == {"s3cret-Token_"}
    info = await bot.call("getWebhookInfo")
    assert (info["url"], info["allowed_updates"]) == (address, ["message"])
    assert info["last_error_message"] == "Wrong response from the webhook: 503 Service Unavailable"
    assert "secret_token" not in info
    with pytest.raises(Refused) as refused:
        await bot.call("getUpdates")
    assert refused.value.description == (
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
    )
    await bot.call("deleteWebhook")
    assert (await bot.call("getWebhookInfo"))["url"] == ""
    await anna.send_text("three")
    assert [u["message"]["text"] for u in await bot.call("getUpdates", timeout=10)][-1:] == ["three"]


async def test_a_webhook_may_call_a_method_in_its_answer(
    bot: BotOverHttp, anna: Person, receiver: tuple[Receiver, str]
) -> None:
    inbox, address = receiver
    inbox.answers = [web.json_response({"method": "sendMessage", "chat_id": ANNA, "text": "in the answer"})]
    await bot.call("setWebhook", url=address)
    await anna.send_text("hi")
    await inbox.next()
    await anna.wait_for(lambda message: message.get("text") == "in the answer")


async def test_setting_a_webhook_ends_the_poll(bot: BotOverHttp, anna: Person, receiver: tuple[Receiver, str]) -> None:
    inbox, address = receiver
    await anna.send_text("before")
    assert len(await bot.call("getUpdates", timeout=10)) == 1
    await bot.call("setWebhook", url=address)
    assert (await inbox.next())[0]["message"]["text"] == "before", "what was not acknowledged goes to the webhook"


async def test_state_survives_a_restart(tmp_path: Path) -> None:
    async with (
        Sandbox(state_dir=tmp_path) as sandbox,
        BotOverHttp(sandbox) as bot,
        Person(sandbox.url, ANNA) as anna,
    ):
        await bot.call("setMyCommands", commands=[{"command": "files", "description": "Browse"}])
        sent = await bot.call("sendMessage", chat_id=ANNA, text="before")
        document = await anna.send_file(b"bytes", name="a.txt", kind="document")
        clara = await Person.join(sandbox.url, "Clara")
        [update] = await bot.call("getUpdates", timeout=10)
    async with (
        Sandbox(state_dir=tmp_path) as sandbox,
        BotOverHttp(sandbox) as bot,
        Person(sandbox.url, ANNA) as anna,
    ):
        assert await bot.call("getUpdates") == [update], "what was not acknowledged is delivered again"
        assert [m["message_id"] for m in anna.messages] == [sent["message_id"], document["message_id"]]
        assert anna.bot["commands"]["default"] == [{"command": "files", "description": "Browse"}]
        assert await anna.download(document) == b"bytes"
        later = await bot.call("sendMessage", chat_id=clara.user_id, text="after")
        assert later["message_id"] > document["message_id"]
        assert (await Person.join(sandbox.url, "David")).user_id > clara.user_id
        await anna.send_text("after")
        newer = await bot.call("getUpdates", offset=update["update_id"] + 1, timeout=10)
        assert [each["update_id"] for each in newer] == [update["update_id"] + 1]


async def test_a_waiting_poll_ends_with_the_sandbox(tmp_path: Path) -> None:
    async with Sandbox(state_dir=tmp_path) as sandbox, BotOverHttp(sandbox) as bot:
        polling = asyncio.get_running_loop().create_task(bot.call("getUpdates", timeout=50))
        log = ""
        async with asyncio.timeout(10):
            while "getUpdates" not in log:
                async with bot.http.get(f"{sandbox.url}/sandbox/log") as response:
                    log = await response.text()
        await sandbox.stop()
        assert await asyncio.wait_for(polling, 10) == []


async def test_one_folder_serves_one_sandbox(tmp_path: Path) -> None:
    async with Sandbox(state_dir=tmp_path):
        with pytest.raises(BlockingIOError, match="another sandbox is using"):
            await Sandbox(state_dir=tmp_path).start()
    async with Sandbox(state_dir=tmp_path, host="::1") as sandbox, BotOverHttp(sandbox) as bot:
        assert (await bot.call("getMe"))["is_bot"]


_KILLED = """
import asyncio, pathlib, sys
from telpher.sandbox.service import Sandbox
async def main():
    async with Sandbox(state_dir=pathlib.Path(sys.argv[1])) as sandbox:
        print(sandbox.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""


async def _start_process(state_dir: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _KILLED, str(state_dir), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    return process, (await asyncio.wait_for(process.stdout.readline(), 30)).decode().strip()


async def test_nothing_repeats_after_kill_9(tmp_path: Path) -> None:
    seen: list[int] = []
    for _ in range(2):
        process, url = await _start_process(tmp_path)
        try:
            async with aiohttp.ClientSession() as http, Person(url, ANNA) as anna:
                seen += [(await anna.send_text("hello"))["message_id"] for _ in range(3)]
                async with http.get(f"{url}/bot{DEFAULT_TOKEN}/getUpdates") as response:
                    updates = (await response.json())["result"]
        finally:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
    assert len(set(seen)) == 6
    assert [update["message"]["message_id"] for update in updates] == seen
    assert len({update["update_id"] for update in updates}) == 6
