"""Makes the drive agree with what was agreed to: the newest share that is neither closed nor past its end is what holds.

Only a person's own request lets anybody in or lets them do more; whatever happens by itself, at the end of a share or after a crash,
only takes away. Doing it twice does no more than once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Protocol, cast

from telpher.actions.drive_choice import Drives, account_of
from telpher.actions.personal_drives import LinkedDrive, LinkKind
from telpher.actions.share_book import ShareBook, ShareRecord, Target
from telpher.drives.port import Capability, Drive, EntryId, Grant, GrantRole, Shares
from telpher.errors import BadInputError, DriveDisconnectedError, EntryNotFoundError, Fate, TelpherError
from telpher.jobs.port import Job, JobRun, JobState, NewJob, Payload, Queue

_log = logging.getLogger(__name__)

KIND = "end_share"
LANE = "promise"
_LEAVING_LIMIT_S = 20.0
_ENDED_AT_ONCE = 4

_RANK = {GrantRole.VIEW: 0, GrantRole.COMMENT: 1, GrantRole.EDIT: 2}


class CannotShareError(BadInputError):
    """This drive lets nobody else in."""

    text_key = "error.cannot_share"


class NotYetError(TelpherError):
    """A share whose end has not come: woken too early, for its account had been paused meanwhile."""

    fate: ClassVar[Fate] = Fate.RETRY_AFTER


def sharing(drive: Drive) -> Shares:
    """The drive as one that shares. Raises CannotShareError."""
    if Capability.SHARE not in drive.capabilities:
        raise CannotShareError(drive.name)
    return cast("Shares", drive)


def is_for(grant: Grant, who: str | None) -> bool:
    """Whether the grant is the one that lets `who` in."""
    return grant.who is None if who is None else grant.who is not None and grant.who.lower() == who


async def standing_grant(drive: Drive, entry_id: EntryId, who: str | None) -> Grant | None:
    """The grant that `who` has now."""
    return next((grant for grant in await sharing(drive).grants(entry_id) if is_for(grant, who)), None)


class TellsLeftOpen(Protocol):
    """Tells a person of shares that will not end by themselves. Implemented in `bot/`, handed in by `app.py`. Raises nothing of ours."""

    async def left_open(self, link: LinkedDrive, records: Sequence[ShareRecord]) -> None: ...


class SettleShare:
    """`settle` now; `work` is what the queue runs at a share's end."""

    def __init__(
        self,
        *,
        book: ShareBook,
        drives: Drives,
        drive_of_holder: Callable[[str], Awaitable[Drive]],
        queue: Queue,
        tell: TellsLeftOpen,
    ) -> None:
        """`drive_of_holder` opens a drive for a promise whose person may not use it (any more)."""
        self._book = book
        self._drives = drives
        self._drive_of_holder = drive_of_holder
        self._queue = queue
        self._tell = tell
        self._turns: weakref.WeakValueDictionary[Target, asyncio.Lock] = weakref.WeakValueDictionary()

    async def start(self) -> None:
        """See to it that every share that has an end will be ended, whatever an earlier process came to."""
        for record in await self._book.ending():
            job = await self.promise_end(record)
            if job.state is JobState.FAILED:
                await self._queue.retry(job.id)

    def turn(self, target: Target) -> asyncio.Lock:
        """Held by whoever changes what one target may do."""
        return self._turns.setdefault(target, asyncio.Lock())

    async def promise_end(self, record: ShareRecord) -> Job:
        """Queue the end of a share: durable when this returns."""
        job, _ = await self._queue.enqueue(
            NewJob(
                key=f"{KIND}:{record.key}",
                kind=KIND,
                lane=LANE,
                # Nobody's own: it stands in no list of jobs, and no button cancels it.
                person_id=0,
                account=account_of(record.target.drive),
                payload={"share_key": record.key},
                run_at=record.ends_at,
            )
        )
        return job

    async def take_back(self, drive: Drive, key: str) -> None:
        """Undo a share: what held before it holds again. Raises DriveError, and then nothing has changed."""
        record = await self._book.find(key)
        if record is None:
            return
        async with self.turn(record.target):
            await self._settle(drive, record.target, without=record, may_raise=True)
            await self._book.close(record)

    async def open_up(self, drive: Drive, record: ShareRecord) -> None:
        """Make a share that was just written down. Raises DriveError; the share is closed then."""
        async with self.turn(record.target):
            try:
                await self._settle(drive, record.target, may_raise=True, may_open=True)
            except TelpherError as error:
                await self._book.close(record)
                if error.fate is not Fate.PERMANENT:
                    # It may have landed all the same: nobody stays let in of whom the person was told that they are not.
                    await self._queue.enqueue(
                        NewJob(
                            key=f"{KIND}:{record.key}:failed",
                            kind=KIND,
                            lane=LANE,
                            person_id=0,
                            account=account_of(record.target.drive),
                            payload={"share_key": record.key},
                        )
                    )
                raise

    async def ending_of(self, account: str) -> int:
        """How many shares of this account have an end to come."""
        return sum(account_of(record.target.drive) == account for record in await self._book.ending())

    async def end_before_leaving(self, link: LinkedDrive) -> None:
        """This drive is about to be disconnected, and with it the way to keep a promise: what has an end ends now.

        What stands until it is revoked stays: that was what its person wanted. A drive that is away is no reason to stay connected:
        what could not be ended is told, and expected no more.
        """
        is_whole_account = link.kind is not LinkKind.SHARED
        ending = [
            record
            for record in reversed(await self._book.ending())
            if record.target.drive == link.name
            or (is_whole_account and account_of(record.target.drive) == link.account)
        ]
        places = asyncio.Semaphore(_ENDED_AT_ONCE)
        ended = await asyncio.gather(*(self._end_now(record, places) for record in ending))
        left = [record for record, is_ended in zip(ending, ended, strict=True) if not is_ended]
        if left:
            await self._tell.left_open(link, left)
            await self._book.note_told(*left)
            await self._book.close(*left)

    async def _end_now(self, record: ShareRecord, places: asyncio.Semaphore) -> bool:
        try:
            async with places, asyncio.timeout(_LEAVING_LIMIT_S):
                drive = await self._drive_of(record)
                async with self.turn(record.target):
                    with contextlib.suppress(EntryNotFoundError):
                        await self._settle(drive, record.target, without=record)
                    await self._book.close(record)
        except (TelpherError, TimeoutError) as error:
            _log.warning("a share could not be ended before its account was disconnected: %s", type(error).__name__)
            return False
        return True

    async def _drive_of(self, record: ShareRecord) -> Drive:
        try:
            return await self._drives.of(record.person_id, record.target.drive)
        except DriveDisconnectedError:
            # Such as a team's drive that is offered no longer: whoever holds it can still keep what was promised.
            return await self._drive_of_holder(record.target.drive)

    async def work(self, run: JobRun) -> Payload | None:
        """End a share. Its person may have been shown the door meanwhile: the end comes all the same."""
        record = await self._book.find(str(run.job.payload["share_key"]))
        if record is None:
            return None
        if not record.is_closed and record.ends_at is not None:
            early_s = (record.ends_at - self._book.now).total_seconds()
            if early_s > 0:
                raise NotYetError(retry_after_s=early_s)
        drive = await self._drive_of(record)
        async with self.turn(record.target):
            with contextlib.suppress(EntryNotFoundError):
                await self._settle(drive, record.target)
            await self._book.close(record)
        return None

    async def _settle(
        self,
        drive: Drive,
        target: Target,
        *,
        without: ShareRecord | None = None,
        may_raise: bool = False,
        may_open: bool = False,
    ) -> None:
        now = self._book.now
        opened = [record for record in await self._book.open_of(target) if without is None or record.key != without.key]
        standing = next((record for record in opened if record.ends_at is None or record.ends_at > now), None)
        last = await self._book.last_of(target)
        wanted = standing.role if standing else last.base_role if last else None
        found = await standing_grant(drive, target.entry_id, target.who)
        if found is None:
            if may_open and standing is not None:
                await sharing(drive).grant(target.entry_id, target.who, standing.role)
        elif wanted is None:
            await sharing(drive).revoke(target.entry_id, found.id)
        elif _RANK[wanted] < _RANK[found.role] or (may_raise and wanted is not found.role):
            await sharing(drive).grant(target.entry_id, target.who, wanted)
