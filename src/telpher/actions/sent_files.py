"""What Telegram has already: the file_id of each entry that was sent, as long as the entry is what it was; and what it may have.

A send cannot be asked about afterwards. So it is noted before Telegram can have all of it, and whoever finds such a note after a crash
knows that the file may have arrived.
"""

from __future__ import annotations

import contextlib
import enum
import time
from collections.abc import AsyncIterator, Iterable

import sqlalchemy as sa

from telpher.drives.port import Entry, EntryId
from telpher.errors import DeliveryUnknownError, TelpherError
from telpher.jobs.port import JobId
from telpher.store import Store
from telpher.store.pruning import prune
from telpher.store.schema import JOB_IS_UNFINISHED, deliveries, jobs, sent_files

RECEIVED = "received_"
"""Goes before the kind of what was not sent by us, but came from the person, and became this entry."""

_NOTES_KEPT_MS = 30 * 24 * 3600 * 1000


class Delivery(enum.StrEnum):
    """How far a job's file is on its way into the chat."""

    SENDING = "sending"
    """It may have arrived."""
    SENT = "sent"


class SentFiles:
    """The table `sent_files`. An entry that was changed or renamed since is not known."""

    def __init__(self, store: Store, bot_id: int) -> None:
        self._store = store
        self._bot_id = bot_id

    async def find(self, drive: str, entry: Entry, as_kind: str) -> str | None:
        """The file_id of `entry` as it is now, sent as this kind; `as_kind` also tells a converted document from others."""
        return (await self.find_all(drive, [entry], [as_kind])).get((entry.id, as_kind))

    async def find_all(
        self, drive: str, entries: Iterable[Entry], kinds: Iterable[str]
    ) -> dict[tuple[EntryId, str], str]:
        """The same for several entries and kinds: {(entry, kind): file_id}."""
        versions = {entry.id: _version(entry) for entry in entries}
        query = sa.select(sent_files).where(
            sent_files.c.bot_id == self._bot_id,
            sent_files.c.drive == drive,
            sent_files.c.entry_id.in_(list(versions)),
            sent_files.c.as_kind.in_(list(kinds)),
        )
        rows = await self._store.read(lambda connection: connection.execute(query).all())
        return {
            (EntryId(row.entry_id), row.as_kind): row.file_id
            for row in rows
            if row.version == versions[EntryId(row.entry_id)]
        }

    async def remember(self, drive: str, entry: Entry, as_kind: str, file_id: str) -> None:
        """Telegram has `entry` under this id."""
        same = (
            sent_files.c.bot_id == self._bot_id,
            sent_files.c.drive == drive,
            sent_files.c.entry_id == entry.id,
            sent_files.c.as_kind == as_kind,
        )
        values = {
            "bot_id": self._bot_id,
            "drive": drive,
            "entry_id": entry.id,
            "as_kind": as_kind,
            "version": _version(entry),
            "file_id": file_id,
        }

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(sent_files).where(*same))
            connection.execute(sa.insert(sent_files).values(values))

        await self._store.write(put)

    async def delivery(self, job_id: JobId) -> Delivery | None:
        """What an earlier attempt has noted; None: it has certainly not arrived."""
        query = sa.select(deliveries.c.state).where(deliveries.c.job_id == int(job_id))
        state = await self._store.read(lambda connection: connection.scalar(query))
        return None if state is None else Delivery(state)

    async def note(self, job_id: JobId, delivery: Delivery | None) -> None:
        """Durable when it returns. None: it has not arrived, or is to be sent whatever has arrived."""
        now_ms = time.time_ns() // 1_000_000

        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(deliveries).where(deliveries.c.job_id == int(job_id)))
            if delivery is not None:
                connection.execute(
                    sa.insert(deliveries).values(job_id=int(job_id), state=delivery.value, begun_ms=now_ms)
                )

        await self._store.write(put)

    async def prune(self) -> int:
        """Forget how jobs that ended a month ago sent their files; how many."""
        unfinished = sa.select(jobs.c.id).where(sa.text(JOB_IS_UNFINISHED))
        before_ms = time.time_ns() // 1_000_000 - _NOTES_KEPT_MS
        is_old = sa.and_(deliveries.c.begun_ms < before_ms, deliveries.c.job_id.not_in(unfinished))
        return await prune(self._store, deliveries, is_old)

    async def is_sent(self, job_id: JobId) -> bool:
        """Whether an earlier attempt has sent the job's file. Raises DeliveryUnknownError when it may have."""
        match await self.delivery(job_id):
            case Delivery.SENDING:
                raise DeliveryUnknownError("an earlier attempt ended as it was being sent")
            case delivery:
                return delivery is Delivery.SENT

    @contextlib.asynccontextmanager
    async def noted(self, job_id: JobId) -> AsyncIterator[None]:
        """Note what the send within came to."""
        try:
            yield
        except DeliveryUnknownError:
            raise
        except TelpherError:
            # Telegram refused it, or never had all of it.
            await self.note(job_id, None)
            raise
        await self.note(job_id, Delivery.SENT)

    async def note_before_the_last(
        self, chunks: AsyncIterator[bytes], size_bytes: int, job_id: JobId
    ) -> AsyncIterator[bytes]:
        """The same chunks. Without the last of them Telegram has no file, so only from there on it may have arrived."""
        left_bytes = size_bytes
        async for chunk in chunks:
            left_bytes -= len(chunk)
            if left_bytes <= 0:
                await self.note(job_id, Delivery.SENDING)
            yield chunk


def _version(entry: Entry) -> str:
    """Changes with the bytes and with the name: Telegram keeps both under one file_id."""
    content = entry.checksum.hexdigest if entry.checksum else entry.modified_at.isoformat()
    return f"{content}:{entry.name}"
