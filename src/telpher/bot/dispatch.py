"""Handles stored updates: several at a time, in order within a chat, never more than the machine should hold.

An update leaves the inbox when its handler has ended; what a stop or a crash interrupts is handled again at the next start. A handler
that fails is logged, the person is told once, and the update is not tried again, unless the fault was passing. While the database is
in trouble the update waits for as long as that takes. A press of Cancel overtakes whatever its chat is waiting for.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from telegram.ext import Application

from telpher.bot.callbacks import DoToAlbum, DoToJob, JobDeed, decode
from telpher.bot.intake import Intake, Received
from telpher.bot.kinds import kind_of
from telpher.bot.request import NotDeliveredError
from telpher.errors import DiskFullError, StaleButtonError, StoreError
from telpher.logs import about_update
from telpher.tasks import Nursery

_log = logging.getLogger(__name__)

_STORE_TROUBLE = (StoreError, DiskFullError)
_PASSING = (OSError, NotDeliveredError)
_WAITS_S = (0.5, 3.0, 10.0)
_LONGEST_WAIT_S = 30.0
_LONE_STARTS_LIMIT = 5
_FAST_SLOTS = 8

Handle = Callable[[Received], Awaitable[None]]
TellFailure = Callable[[Received, Exception], Awaitable[None]]
Watch = Callable[[str, float, Exception | None], None]
"""Is given what kind of update was handled, how long its handler took in seconds, and what it failed with."""


class HandlerApplication(Application[Any, Any, Any, Any, Any, Any]):
    """Python-telegram-bot's application, only to find and run handlers: what a handler raises reaches the dispatcher."""

    __slots__ = ()

    async def process_error(
        self, update: object | None, error: Exception, job: Any = None, coroutine: Any = None
    ) -> bool:
        del update, job, coroutine  # the signature is the library's
        raise error


class Dispatcher:
    """Runs `handle` for each update that the intake stores.

    `has_room` is false while `backlog_limit` updates wait: the poller then asks for no more, and the webhook answers 503, so that
    Telegram keeps them for us.
    """

    def __init__(
        self,
        intake: Intake,
        handle: Handle,
        tell_failure: TellFailure,
        *,
        watch: Watch = lambda _kind, _took_s, _failure: None,
        concurrency: int = 32,
        backlog_limit: int = 500,
    ) -> None:
        self._intake = intake
        self._handle = handle
        self._tell_failure = tell_failure
        self._watch = watch
        self._slots = asyncio.Semaphore(concurrency)
        # A chat whose drive is slow holds a slot, and thirty such chats hold them all.
        self._fast_slots = asyncio.Semaphore(_FAST_SLOTS)
        self._backlog_limit = backlog_limit
        self._backlog = 0
        self._room = asyncio.Event()
        self._room.set()
        self._chats: dict[int, deque[Received]] = {}
        self._nursery = Nursery("dispatch")
        self._suspects_are_done = asyncio.Event()
        self._suspects_are_done.set()
        self._is_open = False
        self.handled_count = 0
        self.failed_count = 0

    @property
    def has_room(self) -> bool:
        return self._room.is_set()

    @property
    def backlog(self) -> int:
        """How many updates wait or are being handled."""
        return self._backlog

    async def wait_for_room(self) -> None:
        await self._room.wait()

    async def start(self) -> int:
        """Take up what an earlier process left unfinished, then listen to the intake; how many were left."""
        left = await self._intake.unfinished()
        self._is_open = True
        self._intake.subscribe(self._take)
        if suspects := [update for update in left if update.is_suspect]:
            self._suspects_are_done.clear()
            self._nursery.spawn(self._run_suspects(suspects), name="suspects")
        for update in left:
            if not update.is_suspect:
                self._take(update)
        return len(left)

    async def stop(self, grace_s: float) -> None:
        """Begin no further update; those that run may end within `grace_s`, the others are handled at the next start."""
        self._is_open = False
        await self._nursery.drain(grace_s)
        await self._nursery.close()

    def _take(self, update: Received) -> None:
        if not self._is_open:
            return
        self._backlog += 1
        if self._backlog >= self._backlog_limit:
            self._room.clear()
        if _presses_cancel(update):
            self._nursery.spawn(self._serve_at_once(update), name=f"cancel {update.update_id}")
            return
        if (waiting := self._chats.get(update.chat_key)) is not None:
            waiting.append(update)
            return
        self._chats[update.chat_key] = deque([update])
        self._nursery.spawn(self._serve_chat(update.chat_key), name=f"chat {update.chat_key}")

    async def _serve_chat(self, chat_key: int) -> None:
        waiting = self._chats[chat_key]
        try:
            await self._suspects_are_done.wait()
            while waiting and self._is_open:
                update = waiting[0]
                async with self._slots:
                    if self._is_open:
                        await self._finish(update)
                waiting.popleft()
                self._leave()
        finally:
            del self._chats[chat_key]

    async def _serve_at_once(self, update: Received) -> None:
        await self._suspects_are_done.wait()
        async with self._fast_slots:
            if self._is_open:
                await self._finish(update)
        self._leave()

    def _leave(self) -> None:
        self._backlog -= 1
        if self._backlog < self._backlog_limit:
            self._room.set()

    async def _finish(self, update: Received) -> None:
        with about_update(update.update_id):
            begun_s = time.monotonic()
            failure = await self._run(update)
            took_s = time.monotonic() - begun_s
            kind = kind_of(update.raw)
            self._watch(kind, took_s, failure)
            _log.info("update %s: %s, %.3f s", "handled" if failure is None else "failed", kind, took_s)
            await self._end(update, failure)

    async def _end(self, update: Received, failure: Exception | None) -> None:
        self.handled_count += 1
        if failure is not None:
            self.failed_count += 1
            _log.error("update %d could not be handled", update.update_id, exc_info=failure)
        try:
            await self._intake.finish(update.update_id, is_given_up=failure is not None)
        except _STORE_TROUBLE as error:
            _log.warning("update %d is noted as handled later: %s", update.update_id, error)
            self._nursery.spawn(self._note_later(update, is_given_up=failure is not None), name="note")
        except Exception:  # noqa: BLE001 - the chat's later updates do not wait for what is wrong with this one
            _log.exception("update %d will be handled again at the next start", update.update_id)
        if failure is not None:
            try:
                await self._tell_failure(update, failure)
            except Exception:  # noqa: BLE001 - as above
                _log.exception("the failure of update %d could not be told", update.update_id)

    async def _note_later(self, update: Received, *, is_given_up: bool) -> None:
        """The answer was given: until the database takes that down, a start would give it again."""
        waits = _growing_waits()
        while True:
            await asyncio.sleep(next(waits))
            with contextlib.suppress(*_STORE_TROUBLE):
                await self._intake.finish(update.update_id, is_given_up=is_given_up)
                return

    async def _run(self, update: Received) -> Exception | None:
        """Handle it; what it failed with in the end."""
        passing, trouble = iter(_WAITS_S), _growing_waits()
        while True:
            try:
                await self._handle(update)
            except _STORE_TROUBLE as error:
                wait_s = next(trouble)
                _log.warning("update %d waits, and is tried again in %.1f s: %s", update.update_id, wait_s, error)
            except _PASSING as error:
                if (next_wait_s := next(passing, None)) is None:
                    return error
                wait_s = next_wait_s
                _log.warning("update %d is tried again in %.1f s: %s", update.update_id, wait_s, type(error).__name__)
            except Exception as error:  # noqa: BLE001 - whatever a handler raises ends here
                return error
            else:
                return None
            await asyncio.sleep(wait_s)

    async def _run_suspects(self, suspects: list[Received]) -> None:
        """One after the other, while nothing else runs; one that has ended the process several times even so is given up."""
        try:
            for update in suspects:
                begun_before = await self._intake.begin_alone(update.update_id)
                if begun_before >= _LONE_STARTS_LIMIT:
                    await self._end(update, RuntimeError(f"handling it has ended the process {begun_before} times"))
                else:
                    await self._finish(update)
        finally:
            self._suspects_are_done.set()


def _presses_cancel(update: Received) -> bool:
    pressed = update.raw.get("callback_query")
    data = pressed.get("data") if isinstance(pressed, Mapping) else None
    if not isinstance(data, str):
        return False
    try:
        callback = decode(data)
    except StaleButtonError:
        return False
    return isinstance(callback, DoToJob | DoToAlbum) and callback.deed is JobDeed.CANCEL


def _growing_waits() -> Iterator[float]:
    return itertools.chain(_WAITS_S, itertools.repeat(_LONGEST_WAIT_S))
