"""Whatever Telegram sends: the bot never dies, never answers an update twice, and never shows its insides."""

from __future__ import annotations

import asyncio
import collections
import itertools
import logging
from typing import Any

import pytest
from hypothesis import given
from tests.driver import Person, has_text
from tests.fuzz.depth import depth
from tests.fuzz.updates import GUEST, MEMBER, broken_updates, official_updates
from tests.scenarios.conftest import TelpherRunning

from telpher.access import GuestFolder, Role
from telpher.bot.texts import Texts

_LIMIT_S = 30.0


class Watched:
    """A Telpher whose outbox is watched. `feed` gives it an update as Telegram would, twice."""

    def __init__(self, running: TelpherRunning, monkeypatch: pytest.MonkeyPatch) -> None:
        app = running.app
        assert app._desk is not None
        assert app._dispatcher is not None
        self.dispatcher = app._dispatcher
        self.intake = app._dispatcher._intake
        self.said: list[str] = []
        self.toasted: collections.Counter[str] = collections.Counter()
        self._ids = itertools.count(10_000_000)
        outbox = app._desk.outbox
        send, edit, answer = outbox.send_message, outbox.edit_message, outbox.answer_callback

        async def send_message(chat_id: int, text: str, *args: Any, **kwargs: Any) -> int:
            self.said.append(text)
            return await send(chat_id, text, *args, **kwargs)

        async def edit_message(chat_id: int, message_id: int, text: str, *args: Any, **kwargs: Any) -> bool:
            self.said.append(text)
            return await edit(chat_id, message_id, text, *args, **kwargs)

        async def answer_callback(callback_id: str, *args: Any, **kwargs: Any) -> None:
            self.toasted[callback_id] += 1
            await answer(callback_id, *args, **kwargs)

        for name, method in (
            ("send_message", send_message),
            ("edit_message", edit_message),
            ("answer_callback", answer_callback),
        ):
            monkeypatch.setattr(outbox, name, method)

    async def feed(self, update: dict[str, Any]) -> None:
        raw = {"update_id": next(self._ids), **update}
        await self.intake.accept(raw)
        await self._rest()
        answered = dict(self.toasted)
        assert not await self.intake.accept(raw)
        await self._rest()
        assert dict(self.toasted) == answered
        assert all(count == 1 for count in self.toasted.values())
        for text in self.said:
            assert "Traceback" not in text
            assert "telpher." not in text
        self.said.clear()
        self.toasted.clear()

    async def _rest(self) -> None:
        async with asyncio.timeout(_LIMIT_S):
            while self.dispatcher.backlog:
                await asyncio.sleep(0.001)


@pytest.fixture
async def watched(telpher_running: TelpherRunning, monkeypatch: pytest.MonkeyPatch) -> Watched:
    desk = telpher_running.app._desk
    assert desk is not None
    root = await (await desk.browse._cards.drive_of(1001)).root()
    await desk.access.let_in(MEMBER, Role.MEMBER)
    await desk.access.let_in(GUEST, Role.GUEST, GuestFolder(1001, "folder", root.id, "x"))
    return Watched(telpher_running, monkeypatch)


@pytest.mark.timeout(0)
async def test_whatever_telegram_may_send_is_handled(
    watched: Watched, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    unexpected = Texts.for_language("en").t("error.unexpected")
    caplog.set_level(logging.ERROR)

    @depth(150)
    @given(official_updates())
    async def property_holds(update: dict[str, Any]) -> None:
        await watched.feed(update)
        failed = [record for record in caplog.records if record.levelno >= logging.ERROR]
        caplog.clear()
        assert not failed, failed[0].getMessage() + str(failed[0].exc_info)

    await _explore(property_holds)
    await anna.ask("/hello", has_text("Hello"))
    assert not [message for message in anna.messages if unexpected in message.get("text", "")]


@pytest.mark.timeout(0)
async def test_whatever_is_broken_harms_nobody(
    watched: Watched, anna: Person, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)

    @depth(150)
    @given(broken_updates())
    async def property_holds(update: dict[str, Any]) -> None:
        await watched.feed(update)

    await _explore(property_holds)
    await anna.ask("/hello", has_text("Hello"))


async def _explore(property_holds: Any) -> None:
    """Run a property whose body is a coroutine on this loop, while hypothesis decides in a thread of its own."""
    loop = asyncio.get_running_loop()
    inner = property_holds.hypothesis.inner_test

    def on_loop(*args: Any, **kwargs: Any) -> None:
        asyncio.run_coroutine_threadsafe(inner(*args, **kwargs), loop).result()

    property_holds.hypothesis.inner_test = on_loop
    await asyncio.to_thread(property_holds)
