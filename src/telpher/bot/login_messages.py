"""Keeps the messages of log-ins up to date, and tells a person once when an account lets us in no longer."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable

from telpher.actions.connect_google import Connected, Place
from telpher.actions.my_drives import MyDrives
from telpher.actions.personal_drives import PersonalDrives
from telpher.bot import account_views
from telpher.bot.callbacks import DoToDrive, DriveDeed
from telpher.bot.ports import Outbox
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.errors import (
    ChatUnreachableError,
    DeliveryUnknownError,
    LoginRequiredError,
    LoginTestingEndedError,
    TelpherError,
)
from telpher.jobs.port import Job, JobState, Queue
from telpher.tasks import Nursery

_log = logging.getLogger(__name__)

_LOGIN_KEYS = {LoginRequiredError.text_key, LoginTestingEndedError.text_key}

_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 300.0

TextsFor = Callable[[int], Texts]
TokenOf = Callable[[int, str], Awaitable[str]]
"""Names a person's drive in their buttons."""


class LoginMessages:
    """`telpher.actions.connect_google.TellsLogin`."""

    def __init__(self, outbox: Outbox, drives: PersonalDrives, token_of: TokenOf, texts_for: TextsFor) -> None:
        self._outbox = outbox
        self._drives = drives
        self._token_of = token_of
        self._texts_for = texts_for

    async def connected(self, place: Place, connected: Connected) -> None:
        """See the protocol."""
        await self._show(place, account_views.connected(self._texts_for(place.person_id), connected))

    async def failed(self, place: Place, error: TelpherError, renews: str) -> None:
        """See the protocol."""
        await self._show(place, await self._failure(place, error, renews))

    async def ended(self, place: Place, error: TelpherError, renews: str) -> None:
        """See the protocol."""
        screen = await self._failure(place, error, renews)
        try:
            await self._outbox.edit_message(place.chat_id, place.message_id, screen.text, screen.keyboard)
        except ChatUnreachableError:
            _log.info("the end of a log-in has no reader: the chat is closed to us")

    async def stopped(self, place: Place) -> None:
        """See the protocol."""
        await self._show(place, account_views.stopped(self._texts_for(place.person_id)))

    async def _failure(self, place: Place, error: TelpherError, renews: str) -> Screen:
        again = None
        if renews and await self._drives.find(place.person_id, renews) is not None:
            again = DoToDrive(DriveDeed.LOGIN, await self._token_of(place.person_id, renews))
        return account_views.not_connected(self._texts_for(place.person_id), error, again)

    async def _show(self, place: Place, screen: Screen) -> None:
        try:
            if not await self._outbox.edit_message(place.chat_id, place.message_id, screen.text, screen.keyboard):
                await self._outbox.send_message(place.chat_id, screen.text, screen.keyboard)
        except ChatUnreachableError:
            _log.info("a log-in has no reader: the chat is closed to us")


class LoginAlarm:
    """Tells an account's person, once, that it lets us in no longer; from `start` to `stop`, and what an earlier process left untold.

    It is written down after it was told: whoever dies in between tells it again, rather than never.
    """

    def __init__(
        self,
        *,
        queue: Queue,
        outbox: Outbox,
        drives: PersonalDrives,
        my_drives: MyDrives,
        ends_waiting: Callable[[str], Awaitable[int]],
        texts_for: TextsFor,
    ) -> None:
        """`ends_waiting` tells how many shares of an account have an end to come."""
        self._queue = queue
        self._outbox = outbox
        self._drives = drives
        self._my_drives = my_drives
        self._ends_waiting = ends_waiting
        self._texts_for = texts_for
        self._nursery = Nursery("login alarm")
        self._telling: set[str] = set()
        self._told: dict[str, dt.datetime] = {}
        self._is_stopped = False

    def start(self) -> None:
        """Listen."""
        self._queue.subscribe(self._on_job)

    async def catch_up(self) -> None:
        """Tell what an earlier process did not come to; call it when the queue runs."""
        self._told |= await self._drives.told_alarms()
        for account, error_key in (await self._drives.untold_alarms()).items():
            self._begin_to_tell(account, is_testing=error_key == LoginTestingEndedError.text_key)

    async def stop(self) -> None:
        """Tell no more."""
        self._is_stopped = True
        await self._nursery.close()

    def _on_job(self, job: Job, progress: object | None) -> None:
        if progress is not None or job.account is None or self._is_stopped:
            return
        if job.state is JobState.PAUSED and job.error_key in _LOGIN_KEYS:
            self._begin_to_tell(job.account, is_testing=job.error_key == LoginTestingEndedError.text_key)
        elif job.state is JobState.SUCCEEDED and (told_at := self._told.get(job.account)) and told_at < job.created_at:
            # Somebody has logged in again, perhaps on the server: the next time is told anew.
            del self._told[job.account]
            self._nursery.spawn(self._drives.drop_alarm(job.account), name=f"{job.account} is well")

    def _begin_to_tell(self, account: str, *, is_testing: bool) -> None:
        if account not in self._telling:
            self._telling.add(account)
            self._nursery.spawn(self._tell_patiently(account, is_testing=is_testing), name=account)

    async def _tell_patiently(self, account: str, *, is_testing: bool) -> None:
        try:
            wait_s = _FIRST_WAIT_S
            while account in await self._drives.untold_alarms():
                try:
                    await self._tell(account, is_testing=is_testing)
                except ChatUnreachableError:
                    # The owners are told of it instead, as of every account that waits untold.
                    _log.warning("that an account needs a new log-in was not told: its person's chat is closed to us")
                    return
                except TelpherError as error:
                    _log.warning("that an account needs a new log-in is told later: %s", type(error).__name__)
                else:
                    return
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        finally:
            self._telling.discard(account)

    async def _tell(self, account: str, *, is_testing: bool) -> None:
        link = await self._drives.holder_of(account)
        if link is None:
            return
        texts = self._texts_for(link.holder_id)
        token = await self._my_drives.token_of(link.holder_id, link.name)
        title = account_views.title_of(texts, link)
        ends = await self._ends_waiting(account)
        screen = account_views.login_ended(texts, title, token, is_testing=is_testing, ends_waiting=ends)
        try:
            await self._outbox.send_message(link.holder_id, screen.text, screen.keyboard)
        except DeliveryUnknownError:
            # It may have arrived; what waits says the same in its receipt.
            _log.info("that an account needs a new log-in may not have arrived")
        told_at = self._told[account] = dt.datetime.now(dt.UTC)
        await self._drives.note_alarm(account, told_at)
