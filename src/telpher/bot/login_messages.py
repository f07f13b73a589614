"""Keeps the messages of log-ins up to date, and tells a person once when an account lets us in no longer."""

from __future__ import annotations

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
from telpher.errors import ChatUnreachableError, LoginRequiredError, LoginTestingEndedError, TelpherError
from telpher.jobs.port import Job, JobState, Queue
from telpher.tasks import Nursery

_log = logging.getLogger(__name__)

_LOGIN_KEYS = {LoginRequiredError.text_key, LoginTestingEndedError.text_key}

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
    """Listens to the queue between `start` and `stop`."""

    def __init__(
        self, queue: Queue, outbox: Outbox, drives: PersonalDrives, my_drives: MyDrives, texts_for: TextsFor
    ) -> None:
        self._queue = queue
        self._outbox = outbox
        self._drives = drives
        self._my_drives = my_drives
        self._texts_for = texts_for
        self._nursery = Nursery("login alarm")

    def start(self) -> None:
        """Listen."""
        self._queue.subscribe(self._on_job)

    async def stop(self) -> None:
        """Tell no more."""
        await self._nursery.close()

    def _on_job(self, job: Job, progress: object | None) -> None:
        is_stuck = progress is None and job.state is JobState.PAUSED and job.error_key in _LOGIN_KEYS
        if is_stuck and job.account is not None:
            is_testing = job.error_key == LoginTestingEndedError.text_key
            self._nursery.spawn(self._tell(job.account, is_testing=is_testing), name=job.account)

    async def _tell(self, account: str, *, is_testing: bool) -> None:
        link = await self._drives.holder_of(account)
        if link is None or not await self._drives.claim_alarm(account):
            return
        texts = self._texts_for(link.holder_id)
        token = await self._my_drives.token_of(link.holder_id, link.name)
        screen = account_views.login_ended(texts, account_views.title_of(texts, link), token, is_testing=is_testing)
        try:
            await self._outbox.send_message(link.holder_id, screen.text, screen.keyboard)
        except TelpherError as error:
            _log.warning("that an account needs a new log-in was not told: %s", type(error).__name__)
            await self._drives.drop_alarm(account)
