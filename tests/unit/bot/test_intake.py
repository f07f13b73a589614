"""The inbox and the dispatcher: stored before it is confirmed, handled in order per chat, replayed after a crash, never forever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telpher.bot.callbacks import DoToAlbum, DoToJob, JobDeed, ListJobs
from telpher.bot.dispatch import Dispatcher
from telpher.bot.intake import Intake, Received
from telpher.errors import BadInputError, StoreError
from telpher.store import Store
from telpher.store.schema import inbox

BOT_ID = 123456789


@pytest.fixture
async def open_store_(store: Store) -> AsyncIterator[Store]:
    yield store
    await store.close()


@pytest.fixture
def intake(open_store_: Store) -> Intake:
    return Intake(open_store_, BOT_ID)


def _message(update_id: int, chat_id: int = 1001, text: str = "hi") -> dict[str, Any]:
    return {"update_id": update_id, "message": {"message_id": update_id, "chat": {"id": chat_id}, "text": text}}


class Scene:
    """A dispatcher whose handler notes what it is given; `during` runs inside."""

    def __init__(
        self, intake: Intake, during: Callable[[Received], Awaitable[None]] | None = None, **options: Any
    ) -> None:
        self.handled: list[int] = []
        self.told: list[int] = []
        self._during = during
        self._came = asyncio.Event()
        self.dispatcher = Dispatcher(intake, self._handle, self._tell, **options)

    async def _handle(self, update: Received) -> None:
        if self._during is not None:
            await self._during(update)
        self.handled.append(update.update_id)
        self._came.set()

    async def _tell(self, update: Received, _error: Exception) -> None:
        self.told.append(update.update_id)
        self._came.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition() or self.dispatcher.backlog:
                self._came.clear()
                # The last step after a handler is the commit, which signals nothing: look again soon.
                await asyncio.wait([asyncio.get_running_loop().create_task(self._came.wait())], timeout=0.02)


async def _states(store: Store) -> dict[int, str]:
    rows = await store.read(lambda connection: connection.execute(inbox.select()).all())
    return {row.update_id: row.state for row in rows}


async def test_an_update_that_comes_twice_is_handled_once(intake: Intake, open_store_: Store) -> None:
    scene = Scene(intake)
    await scene.dispatcher.start()
    assert await intake.accept(_message(1))
    assert not await intake.accept(_message(1))
    assert await intake.accept_all([_message(1), _message(2), _message(2)]) == 1
    await scene.until(lambda: len(scene.handled) == 2)
    assert scene.handled == [1, 2]
    assert await _states(open_store_) == {1: "done", 2: "done"}
    assert not await intake.accept(_message(1)), "also after it was handled"
    await scene.dispatcher.stop(0)


async def test_another_bots_updates_have_ids_of_their_own(intake: Intake, open_store_: Store) -> None:
    assert await intake.accept(_message(1))
    assert await Intake(open_store_, BOT_ID + 1).accept(_message(1))


async def test_a_handled_update_says_nothing_any_more(intake: Intake, open_store_: Store) -> None:
    scene = Scene(intake)
    await scene.dispatcher.start()
    await intake.accept(_message(1, text="my secret diary"))
    await scene.until(lambda: scene.handled == [1])
    bodies = await open_store_.read(lambda connection: [row.body for row in connection.execute(inbox.select())])
    assert bodies == [""]
    await scene.dispatcher.stop(0)


async def test_what_was_not_handled_is_handled_at_the_next_start(intake: Intake) -> None:
    never = asyncio.Event()
    first = Scene(intake, lambda _update: never.wait())  # type: ignore[arg-type,return-value]
    await first.dispatcher.start()
    await intake.accept_all([_message(1), _message(2, chat_id=7), _message(3)])
    await first.dispatcher.stop(0)
    assert first.handled == []
    await intake.accept(_message(4))
    second = Scene(intake)
    assert await second.dispatcher.start() == 4
    await second.until(lambda: len(second.handled) == 4)
    assert [update_id for update_id in second.handled if update_id != 2] == [1, 3, 4]
    await second.dispatcher.stop(0)


async def test_a_chats_updates_keep_their_order_and_chats_do_not_wait_for_each_other(intake: Intake) -> None:
    gate = asyncio.Event()

    async def during(update: Received) -> None:
        if update.update_id == 1:
            await gate.wait()

    scene = Scene(intake, during)
    await scene.dispatcher.start()
    await intake.accept_all([_message(1), _message(2), _message(3, chat_id=7), _message(4)])
    async with asyncio.timeout(5):
        while scene.handled != [3]:
            await asyncio.sleep(0.01)
    gate.set()
    await scene.until(lambda: len(scene.handled) == 4)
    assert scene.handled == [3, 1, 2, 4]
    await scene.dispatcher.stop(0)


async def test_no_more_run_than_are_allowed_and_a_full_backlog_is_told(intake: Intake) -> None:
    running = 0
    most = 0
    gate = asyncio.Event()

    async def during(_update: Received) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await gate.wait()
        running -= 1

    scene = Scene(intake, during, concurrency=3, backlog_limit=10)
    await scene.dispatcher.start()
    await intake.accept_all([_message(i, chat_id=i) for i in range(9)])
    assert scene.dispatcher.has_room
    await intake.accept(_message(9, chat_id=9))
    assert not scene.dispatcher.has_room
    gate.set()
    async with asyncio.timeout(5):
        await scene.dispatcher.wait_for_room()
    await scene.until(lambda: len(scene.handled) == 10)
    assert most == 3
    await scene.dispatcher.stop(0)


async def test_a_handler_that_fails_is_told_once_and_not_tried_again(intake: Intake, open_store_: Store) -> None:
    async def during(update: Received) -> None:
        if update.update_id == 1:
            raise KeyError("a bug")

    scene = Scene(intake, during)
    await scene.dispatcher.start()
    await intake.accept_all([_message(1), _message(2)])
    await scene.until(lambda: scene.handled == [2])
    assert scene.told == [1]
    assert await _states(open_store_) == {1: "given_up", 2: "done"}
    await scene.dispatcher.stop(0)
    assert await Scene(intake).dispatcher.start() == 0


async def test_a_passing_fault_is_tried_again(intake: Intake) -> None:
    attempts = 0

    async def during(_update: Received) -> None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise StoreError("locked")

    scene = Scene(intake, during)
    await scene.dispatcher.start()
    await intake.accept(_message(1))
    await scene.until(lambda: scene.handled == [1])
    assert scene.told == []
    await scene.dispatcher.stop(0)


async def test_what_was_answered_while_the_database_was_locked_is_not_answered_again(
    intake: Intake, open_store_: Store
) -> None:
    trouble = [StoreError("locked")] * 2
    really = intake.finish

    async def finish(update_id: int, *, is_given_up: bool = False) -> None:
        if trouble:
            raise trouble.pop()
        await really(update_id, is_given_up=is_given_up)

    intake.finish = finish  # type: ignore[method-assign]
    scene = Scene(intake)
    await scene.dispatcher.start()
    await intake.accept(_message(1))
    async with asyncio.timeout(10):
        while await _states(open_store_) != {1: "done"}:
            await asyncio.sleep(0.05)
    assert scene.handled == [1]
    await scene.dispatcher.stop(0)


async def test_a_press_of_cancel_overtakes_and_nothing_else_does(intake: Intake) -> None:
    gate = asyncio.Event()

    async def during(update: Received) -> None:
        if update.update_id == 1:
            await gate.wait()

    def press(update_id: int, data: object) -> dict[str, Any]:
        return {
            "update_id": update_id,
            "callback_query": {"id": "1", "data": data, "message": {"chat": {"id": 1001}}, "from": {"id": 1001}},
        }

    scene = Scene(intake, during, concurrency=1)
    await scene.dispatcher.start()
    retry, refresh = DoToJob(JobDeed.RETRY, 7).encode(), ListJobs().encode()
    await intake.accept_all(
        [_message(1), press(2, retry), press(3, refresh), press(4, None), press(5, "j:c"), _message(6)]
    )
    await intake.accept_all(
        [press(7, DoToJob(JobDeed.CANCEL, 7).encode()), press(8, DoToAlbum(JobDeed.CANCEL, 3).encode())]
    )
    async with asyncio.timeout(5):
        while len(scene.handled) < 2:
            await asyncio.sleep(0.01)
    assert sorted(scene.handled) == [7, 8]
    gate.set()
    await scene.until(lambda: len(scene.handled) == 8)
    assert scene.handled[2:] == [1, 2, 3, 4, 5, 6]
    await scene.dispatcher.stop(0)


async def test_an_update_that_ends_the_process_again_and_again_is_given_up(intake: Intake, open_store_: Store) -> None:
    """Each round is a life of the process that ends while update 1 is being handled."""
    handled_beside: list[int] = []
    for life in range(20):
        crash = asyncio.Event()

        async def during(update: Received, crash: asyncio.Event = crash) -> None:
            if update.update_id == 1:
                crash.set()
                await asyncio.Event().wait()

        scene = Scene(intake, during)
        left = await scene.dispatcher.start()
        if life == 0:
            await intake.accept(_message(1))
        elif left == 0:
            break
        await intake.accept(_message(100 + life, chat_id=7))
        await asyncio.wait(
            [
                asyncio.get_running_loop().create_task(waited)
                for waited in (crash.wait(), scene.until(lambda s=scene: bool(s.told)))
            ],  # type: ignore[misc]
            return_when=asyncio.FIRST_COMPLETED,
        )
        await scene.dispatcher.stop(0.2)
        handled_beside += scene.handled
        if scene.told:
            assert scene.told == [1]
            break
    assert (await _states(open_store_))[1] == "given_up"
    assert handled_beside, "what is beside a suspect is handled in the end"


async def test_what_is_no_update_is_refused(intake: Intake) -> None:
    for junk in ({}, {"update_id": "1"}, {"update_id": True}, {"message": {}}):
        with pytest.raises(BadInputError):
            await intake.accept(junk)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["chat", "from", "id", "message", "user", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    update_id=st.integers(0, 2**31),
    kind=st.sampled_from(["message", "callback_query", "inline_query", "poll"]),
    content=_JSON,
)
async def test_any_json_is_taken_in(intake: Intake, update_id: int, kind: str, content: Any) -> None:
    await intake.accept({"update_id": update_id, kind: content})
    assert not await intake.accept({"update_id": update_id, kind: content})
