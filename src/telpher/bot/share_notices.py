"""Tells a person, once, of a share of theirs that was to end and could not be ended, and what they can do about it.

It is written down after it was told: whoever dies in between tells it again, rather than never.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from telpher.access import Access
from telpher.actions.drive_choice import account_of
from telpher.actions.personal_drives import LinkedDrive, PersonalDrives
from telpher.actions.settle_share import KIND
from telpher.actions.share_book import ShareBook, ShareRecord
from telpher.bot import account_views, people_views, share_views
from telpher.bot.formats import reason
from telpher.bot.ports import Outbox
from telpher.bot.texts import Texts
from telpher.bot.views import Screen
from telpher.errors import ChatUnreachableError, DeliveryUnknownError, TelpherError
from telpher.jobs.port import Job, JobState, Queue
from telpher.tasks import Nursery

_log = logging.getLogger(__name__)

_FIRST_WAIT_S = 2.0
_LONGEST_WAIT_S = 300.0


class ShareNotices:
    """Listens to the queue between `start` and `stop`; `telpher.actions.settle_share.TellsLeftOpen`."""

    def __init__(
        self,
        *,
        access: Access,
        book: ShareBook,
        drives: PersonalDrives,
        outbox: Outbox,
        texts_for: Callable[[int], Texts],
    ) -> None:
        self._access = access
        self._book = book
        self._drives = drives
        self._outbox = outbox
        self._texts_for = texts_for
        self._nursery = Nursery("share notices")
        self._telling: set[str] = set()
        self._is_stopped = False

    def start(self, queue: Queue) -> None:
        """Listen. Ends that had failed before are tried again at each start, and so come here again if nobody was told."""
        queue.subscribe(self._on_job)

    async def stop(self) -> None:
        """Tell no more."""
        self._is_stopped = True
        await self._nursery.close()

    async def left_open(self, link: LinkedDrive, records: Sequence[ShareRecord]) -> None:
        """See the protocol. Whoever was removed hears it too, as it is their drive; the owners only that there is something."""
        for person_id in dict.fromkeys(record.person_id for record in records):
            theirs = [record for record in records if record.person_id == person_id]
            texts = self._texts_for(person_id)
            title = account_views.title_of(texts, link)
            await self._send(person_id, share_views.left_open(texts, title, theirs))
            if not self._access.is_served(person_id):
                await self._tell_owners(person_id, len(theirs))

    async def _tell_owners(self, person_id: int, count: int) -> None:
        person = self._access.find_leaving(person_id)
        name = people_views.name_of(person) if person is not None else str(person_id)
        for owner_id in self._access.owner_ids:
            await self._send(owner_id, share_views.left_open_by(self._texts_for(owner_id), name, count))

    async def _send(self, chat_id: int, screen: Screen) -> None:
        try:
            await self._outbox.send_message(chat_id, screen.text, screen.keyboard)
        except TelpherError as error:
            _log.warning("that shares stay open was not told: %s", type(error).__name__)

    def _on_job(self, job: Job, progress: object | None) -> None:
        if job.kind != KIND or job.state is not JobState.FAILED or progress is not None or self._is_stopped:
            return
        key = str(job.payload["share_key"])
        if key not in self._telling:
            self._telling.add(key)
            self._nursery.spawn(self._tell_patiently(key, job), name="not ended")

    async def _tell_patiently(self, key: str, job: Job) -> None:
        try:
            wait_s = _FIRST_WAIT_S
            while (record := await self._book.find(key)) is not None and not record.is_told:
                try:
                    await self._tell(record, job)
                except ChatUnreachableError:
                    _log.warning("that a share could not be ended was not told: its person's chat is closed to us")
                    return
                except TelpherError as error:
                    _log.warning("that a share could not be ended is told later: %s", type(error).__name__)
                else:
                    return
                await asyncio.sleep(wait_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)
        finally:
            self._telling.discard(key)

    async def _tell(self, record: ShareRecord, job: Job) -> None:
        reader_id = await self._reader_of(record)
        if reader_id is None:
            _log.warning("a share that could not be ended has nobody left who could do it")
        else:
            texts = self._texts_for(reader_id)
            is_in_reach = await self._drives.find(reader_id, record.target.drive) is not None
            token = await self._book.token_for(reader_id, record.target) if is_in_reach else None
            screen = share_views.not_ended(texts, record, reason(texts, job.error_key, job.error_params), token)
            try:
                await self._outbox.send_message(reader_id, screen.text, screen.keyboard)
            except DeliveryUnknownError:
                _log.info("that a share could not be ended may not have arrived")
        await self._book.note_told(record)

    async def _reader_of(self, record: ShareRecord) -> int | None:
        """Whoever shared it; once they have left, whoever's drive it is in."""
        if self._access.is_served(record.person_id):
            return record.person_id
        link = await self._drives.holder_of(account_of(record.target.drive))
        return link.holder_id if link is not None and self._access.is_served(link.holder_id) else None
