"""The way out: patient, paced, and never doubling a message."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from tests.driver import Person, buttons_of, media_of, text_of

from telpher.bot.courier import TelegramCourier
from telpher.bot.outbox import Pace, TelegramOutbox
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.errors import (
    ChatUnreachableError,
    DeliveryUnknownError,
    FileTooBigError,
    SourceUnreachableError,
    TelpherError,
)

Faults = Callable[..., Awaitable[None]]


@pytest.fixture
def outbox(http: AiohttpRequest, address: ApiAddress) -> TelegramOutbox:
    return TelegramOutbox(http, address)


@pytest.fixture
def courier(http: AiohttpRequest, address: ApiAddress) -> TelegramCourier:
    return TelegramCourier(http, address, limit_bytes=50 << 20)


async def test_a_message_with_buttons_and_its_edits(outbox: TelegramOutbox, anna: Person) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Open", callback_data="o:1")]])
    question = await anna.send_text("hello")
    message_id = await outbox.send_message(1001, "<b>Hi</b> &amp; welcome", keyboard, reply_to=question["message_id"])
    message = await anna.wait_for(lambda m: m["message_id"] == message_id)
    assert text_of(message) == "Hi & welcome"
    assert message["reply_to_message"]["message_id"] == question["message_id"]
    assert [button["text"] for button in buttons_of(message)] == ["Open"]
    assert await outbox.edit_message(1001, message_id, "changed")
    assert await outbox.edit_message(1001, message_id, "changed"), "not modified is success"
    assert text_of(await anna.wait_for(lambda m: text_of(m) == "changed")) == "changed"
    await outbox.delete_message(1001, message_id)
    await outbox.delete_message(1001, message_id)
    assert not await outbox.edit_message(1001, message_id, "too late")
    await outbox.answer_callback("4711", "a press of long ago")


async def test_a_server_that_knows_no_zones_is_told_times_in_ours(
    outbox: TelegramOutbox, anna: Person, faults: Faults
) -> None:
    old = {
        "ok": False,
        "error_code": 400,
        "description": 'Bad Request: can\'t parse entities: Unsupported start tag "tg-time"',
    }
    await faults(match="sendMessage", kind="status", status=400, body=json.dumps(old), times=1)
    for text in ("first", "second"):
        message_id = await outbox.send_message(1001, f'{text} at <tg-time unix="1700000000" format="t">22:13</tg-time>')
        message = await anna.wait_for(lambda m, wanted=message_id: m["message_id"] == wanted)
        assert text_of(message) == f"{text} at 22:13"
        assert "entities" not in message


async def test_a_pause_that_telegram_asks_for_is_kept(outbox: TelegramOutbox, anna: Person, faults: Faults) -> None:
    await faults(match="sendMessage", kind="status", status=429, retry_after=1, times=1)
    loop = asyncio.get_running_loop()
    before = loop.time()
    message_id = await outbox.send_message(1001, "after the pause")
    assert loop.time() - before >= 1
    await anna.wait_for(lambda m: m["message_id"] == message_id)
    assert [text_of(message) for message in anna.messages] == ["after the pause"]


async def test_a_message_whose_answer_was_lost_is_not_sent_again(
    outbox: TelegramOutbox, anna: Person, faults: Faults
) -> None:
    await faults(match="sendMessage", kind="drop_answer", times=1)
    with pytest.raises(DeliveryUnknownError):
        await outbox.send_message(1001, "once")
    await outbox.send_message(1001, "the next one")
    await anna.wait_for(lambda m: text_of(m) == "the next one")
    assert [text_of(message) for message in anna.messages] == ["once", "the next one"]


async def test_what_the_server_refused_to_take_is_sent_again(
    outbox: TelegramOutbox, anna: Person, faults: Faults
) -> None:
    await faults(match="sendMessage", kind="status", status=502, times=2)
    await outbox.send_message(1001, "in the end")
    await anna.wait_for(lambda m: text_of(m) == "in the end")
    assert len(anna.messages) == 1


async def test_an_edit_is_repeated_after_a_lost_answer(outbox: TelegramOutbox, anna: Person, faults: Faults) -> None:
    message_id = await outbox.send_message(1001, "before")
    await faults(match="editMessageText", kind="drop_answer", times=2)
    assert await outbox.edit_message(1001, message_id, "after")
    await anna.wait_for(lambda m: text_of(m) == "after")


async def test_somebody_who_blocked_the_bot_is_told_apart(outbox: TelegramOutbox, faults: Faults) -> None:
    with pytest.raises(ChatUnreachableError):
        await outbox.send_message(424242, "is anybody there")
    await faults(match="sendMessage", kind="status", status=403, times=1)
    with pytest.raises(ChatUnreachableError):
        await outbox.send_message(1001, "blocked")


async def test_what_telegram_cannot_read_is_no_network_fault(outbox: TelegramOutbox) -> None:
    with pytest.raises(TelpherError, match="parse entities"):
        await outbox.send_message(1001, "<b>never closed")


async def test_one_chats_burst_is_paced_and_delays_nobody_else() -> None:
    pace = Pace()
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(20):
        await pace.turn(1001)
    assert loop.time() - began < 0.5, "a short burst passes at once"
    late = asyncio.get_running_loop().create_task(pace.turn(1001))  # the next one to her waits
    await pace.turn(1002)
    assert not late.done()
    late.cancel()
    pace.hold(1002, 60)
    held = asyncio.get_running_loop().create_task(pace.turn(1002))
    await pace.turn(1003)
    assert not held.done()
    held.cancel()


async def test_what_can_wait_leaves_half_of_every_burst_to_answers() -> None:
    pace = Pace()
    loop = asyncio.get_running_loop()
    taken_s: list[float] = []

    async def tell_of_progress(chat_id: int) -> None:
        while True:
            await pace.until_calm(chat_id)
            await pace.turn(chat_id)
            taken_s.append(pace._empty_at[Pace._ALL] - loop.time())

    telling = [loop.create_task(tell_of_progress(chat_id)) for chat_id in range(1, 60)]
    async with asyncio.timeout(20):
        while len(taken_s) < 60:
            await asyncio.sleep(0.02)
    for task in telling:
        task.cancel()
    await asyncio.gather(*telling, return_exceptions=True)
    assert max(taken_s) < 0.75 * Pace._ALL_BURST * Pace._ALL_EVERY_S


async def test_a_file_comes_into_the_chat_and_again_by_its_id(courier: TelegramCourier, anna: Person) -> None:
    content = bytes(range(256)) * 20_000

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 1 << 20):
            yield content[start : start + (1 << 20)]

    file_id = await courier.send_file(
        1001, name="многое.bin", mime_type="application/x-much", size_bytes=len(content), chunks=chunks()
    )
    message = await anna.wait_for(lambda m: "document" in m)
    assert media_of(message)["file_name"] == "многое.bin"
    assert await anna.download(message) == content
    assert await courier.send_again(1001, file_id)
    again = await anna.wait_for(lambda m: "document" in m and m["message_id"] != message["message_id"])
    assert await anna.download(again) == content
    assert not await courier.send_again(1001, "AgACAgIAAxkBAAnobody-knows-this-one")


async def _ten() -> AsyncIterator[bytes]:
    yield b"0123456789"


async def test_a_file_that_may_have_arrived_is_not_sent_again(
    courier: TelegramCourier, anna: Person, faults: Faults
) -> None:
    await faults(match="sendDocument", kind="drop_answer", times=1)
    with pytest.raises(DeliveryUnknownError):
        await courier.send_file(1001, name="f", mime_type="text/plain", size_bytes=10, chunks=_ten())
    await faults(match="sendDocument", kind="status", status=500, times=1)
    with pytest.raises(SourceUnreachableError):
        await courier.send_file(1001, name="f", mime_type="text/plain", size_bytes=10, chunks=_ten())


async def test_a_file_over_the_limit_is_refused_before_it_is_read(courier: TelegramCourier, faults: Faults) -> None:
    with pytest.raises(FileTooBigError) as caught:
        await courier.send_file(1001, name="f", mime_type="text/plain", size_bytes=(50 << 20) + 1, chunks=_ten())
    assert json.loads(json.dumps(caught.value.params)) == {"limit_bytes": 50 << 20, "size_bytes": (50 << 20) + 1}
    await faults(match="sendDocument", kind="status", status=413, message="Request Entity Too Large", times=1)
    with pytest.raises(FileTooBigError):
        await courier.send_file(1001, name="f", mime_type="text/plain", size_bytes=10, chunks=_ten())
