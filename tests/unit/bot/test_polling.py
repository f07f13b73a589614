"""Long polling against the offline Telegram: nothing lost, nothing doubled, every trouble told in one line."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from tests.driver import Person

from telpher.bot.dispatch import Dispatcher
from telpher.bot.intake import Intake, Received
from telpher.bot.polling import Poller
from telpher.bot.request import AiohttpRequest, ApiAddress
from telpher.store import Store
from telpher.tasks import Nursery

Faults = Callable[..., Awaitable[None]]


class Line:
    """A poller, an intake and a dispatcher that notes texts."""

    def __init__(self, http: AiohttpRequest, address: ApiAddress, store: Store) -> None:
        self.texts: list[str] = []
        self.intake = Intake(store, address.bot_id)
        self.dispatcher = Dispatcher(self.intake, self._handle, self._tell)
        self.poller = Poller(http, address, self.intake, self.dispatcher)

    async def _handle(self, update: Received) -> None:
        self.texts.append(update.raw["message"]["text"])

    async def _tell(self, _update: Received, error: Exception) -> None:
        raise AssertionError(error)

    async def until(self, texts: list[str]) -> None:
        async with asyncio.timeout(15):
            while self.texts != texts:
                await asyncio.sleep(0.01)


@pytest.fixture
async def line(http: AiohttpRequest, address: ApiAddress, store: Store) -> AsyncIterator[Line]:
    line = Line(http, address, store)
    await line.dispatcher.start()
    yield line
    await line.dispatcher.stop(1)
    await store.close()


async def test_messages_come_in_order_and_once_also_after_a_restart(line: Line, anna: Person) -> None:
    for round_ in ("a", "b", "c"):
        async with Nursery("test") as nursery:
            nursery.spawn(line.poller.run(), name="poll")
            for number in range(3):
                await anna.send_text(f"{round_}{number}")
            await line.until([f"{done}{number}" for done in "abc"[: "abc".index(round_) + 1] for number in range(3)])


async def test_a_poll_is_given_up_at_once_when_the_bot_stops(line: Line, anna: Person) -> None:
    nursery = Nursery("test")
    nursery.spawn(line.poller.run(), name="poll")
    await anna.send_text("hello")
    await line.until(["hello"])
    async with asyncio.timeout(2):
        await nursery.close()


async def test_faults_are_survived_and_told_once(
    line: Line, anna: Person, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    await faults(match="getUpdates", kind="status", status=502, times=2)
    await faults(match="getUpdates", kind="drop_answer", times=1, skip=2)
    with caplog.at_level(logging.INFO):
        async with Nursery("test") as nursery:
            nursery.spawn(line.poller.run(), name="poll")
            await anna.send_text("hello")
            await line.until(["hello"])
    assert (
        len(
            [
                record
                for record in caplog.records
                if "502" in record.getMessage() or "Bad Gateway" in record.getMessage()
            ]
        )
        == 1
    )
    assert any("answers again" in record.getMessage() for record in caplog.records)


async def test_a_second_poller_is_told_in_one_clear_line(
    line: Line, anna: Person, faults: Faults, caplog: pytest.LogCaptureFixture
) -> None:
    await faults(match="getUpdates", kind="status", status=409, times=1)
    with caplog.at_level(logging.INFO):
        async with Nursery("test") as nursery:
            nursery.spawn(line.poller.run(), name="poll")
            await anna.send_text("hello")
            await line.until(["hello"])
    told = [record.getMessage() for record in caplog.records if "409" in record.getMessage()]
    assert len(told) == 1
    assert "stop the other one" in told[0]


async def test_a_webhook_that_is_still_set_gives_way(
    line: Line, http: AiohttpRequest, address: ApiAddress, anna: Person
) -> None:
    await http.call(address.method("setWebhook"), {"url": "https://bot.example/telegram"})
    async with Nursery("test") as nursery:
        nursery.spawn(line.poller.run(), name="poll")
        await anna.send_text("hello")
        await line.until(["hello"])
    assert (await http.call(address.method("getWebhookInfo"), {}))["url"] == ""


async def test_what_could_not_be_stored_is_asked_for_again(
    line: Line, anna: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept_all = line.intake.accept_all
    failures = 1

    async def failing(raws: list[dict[str, object]]) -> int:
        nonlocal failures
        if raws and failures:
            failures -= 1
            raise OSError(28, "No space left on device")
        return await accept_all(raws)

    monkeypatch.setattr(line.intake, "accept_all", failing)
    async with Nursery("test") as nursery:
        nursery.spawn(line.poller.run(), name="poll")
        await anna.send_text("hello")
        await line.until(["hello"])
    assert failures == 0
