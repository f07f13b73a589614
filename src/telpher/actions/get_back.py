"""Get back: a file of the drive comes into the chat, streamed, and by Telegram's own id when it was sent before."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import AsyncIterator
from typing import Any, Protocol

import sqlalchemy as sa

from telpher.actions.bot_limits import BotLimits
from telpher.actions.cards import Cards
from telpher.drives.port import Drive, Entry, EntryId
from telpher.errors import BadInputError, EntryNotFoundError, FileTooBigError
from telpher.jobs.port import Job, JobRun, JobState, NewJob, Payload, Queue
from telpher.store import Store
from telpher.store.schema import sent_files
from telpher.transfers.port import Progress

KIND = "get_back"


class Courier(Protocol):
    """Brings files into a chat. Implemented in `bot/`, handed in by `app.py`."""

    async def send_file(
        self,
        chat_id: int,
        *,
        name: str,
        mime_type: str,
        size_bytes: int,
        chunks: AsyncIterator[bytes],
        as_kind: str = "document",
        reply_to: int | None = None,
    ) -> str:
        """Stream `chunks` (exactly `size_bytes`) as a file; returns Telegram's file_id. Never repeats a send that may have landed."""

    async def send_again(
        self, chat_id: int, file_id: str, *, as_kind: str = "document", reply_to: int | None = None
    ) -> bool:
        """Send what Telegram has already; False when it no longer knows `file_id`."""


@dataclasses.dataclass(frozen=True)
class GetBackAccepted:
    """It is on its way into the chat. `is_new` is False for a press that was accepted before."""

    job: Job
    is_new: bool


class NothingToSendError(BadInputError):
    """A folder, or a document that has no bytes of its own."""

    text_key = "error.nothing_to_send"


class EmptyToSendError(BadInputError):
    """A file of no bytes, which Telegram refuses (https://core.telegram.org/bots/api#sending-files: "file must be non-empty")."""

    text_key = "error.empty_to_send"


class TooBigToSendError(FileTooBigError):
    """Over what this Bot API server lets a bot send. Params: `limit_bytes`, `size_bytes`; `link` opens it in the drive, if it has one."""

    text_key = "error.too_big_to_send"

    def __init__(self, *, limit_bytes: int, size_bytes: int, link: str | None) -> None:
        super().__init__(limit_bytes=limit_bytes, size_bytes=size_bytes)
        self.link = link


class GetBack:
    """`request` accepts or refuses at once; `work` is what the queue runs."""

    def __init__(
        self, *, cards: Cards, store: Store, queue: Queue, courier: Courier, limits: BotLimits, bot_id: int
    ) -> None:
        self._cards = cards
        self._store = store
        self._queue = queue
        self._courier = courier
        self._limits = limits
        self._bot_id = bot_id

    async def request(
        self, person_id: int, token: str, *, chat_id: int, reply_to: int | None, key: str
    ) -> GetBackAccepted:
        """`key` names the press; a second press while the file is on its way sends it only once.

        Raises TooBigToSendError, BadInputError (nothing to send), AccessDeniedError, DriveError.
        """
        opened = await self._cards.open(person_id, token)
        entry = await opened.drive.stat(opened.entry_id)
        self._check(entry)
        for job in await self._queue.list_for(person_id):
            is_same = job.kind == KIND and job.payload["entry_id"] == entry.id and job.payload["chat_id"] == chat_id
            if is_same and job.state in {JobState.QUEUED, JobState.RUNNING}:
                return GetBackAccepted(job, is_new=False)
        job, is_new = await self._queue.enqueue(
            NewJob(
                key=f"get_back:{key}",
                kind=KIND,
                lane="transfer",
                person_id=person_id,
                account=opened.drive.name,
                payload={
                    "drive": opened.drive.name,
                    "entry_id": entry.id,
                    "name": entry.name,
                    "size_bytes": entry.size_bytes,
                    "chat_id": chat_id,
                    "reply_to": reply_to,
                },
            )
        )
        return GetBackAccepted(job, is_new)

    async def work(self, run: JobRun) -> Payload:
        """Send the file as it is now, under its name of now."""
        payload = run.job.payload
        drive = await self._cards.drive_of(run.job.person_id, payload["drive"])
        entry = await drive.stat(EntryId(payload["entry_id"]))
        size_bytes = self._check(entry)
        chat_id, reply_to = int(payload["chat_id"]), payload["reply_to"]
        version = _version(entry)
        known = await self._known_file_id(drive, entry, version)
        if known is None or not await self._courier.send_again(chat_id, known, reply_to=reply_to):
            async with drive.read(entry.id) as chunks:
                file_id = await self._courier.send_file(
                    chat_id,
                    name=entry.name,
                    mime_type=entry.mime_type,
                    size_bytes=size_bytes,
                    chunks=_counted(chunks, size_bytes, run),
                    reply_to=reply_to,
                )
            await self._remember(drive, entry, version, file_id)
        return {"name": entry.name, "size_bytes": size_bytes}

    def _check(self, entry: Entry) -> int:
        if entry.is_trashed:
            raise EntryNotFoundError("in the trash")
        if entry.is_folder or entry.size_bytes is None:
            raise NothingToSendError("no bytes of its own")
        if entry.size_bytes == 0:
            raise EmptyToSendError("Telegram takes no empty files")
        limit_bytes = self._limits.send_bytes
        if limit_bytes is not None and entry.size_bytes > limit_bytes:
            raise TooBigToSendError(limit_bytes=limit_bytes, size_bytes=entry.size_bytes, link=entry.link)
        return entry.size_bytes

    async def _known_file_id(self, drive: Drive, entry: Entry, version: str) -> str | None:
        query = sa.select(sent_files.c.file_id).where(
            *_is_sent(self._bot_id, drive.name, entry.id), sent_files.c.version == version
        )
        return await self._store.read(lambda connection: connection.execute(query).scalar())

    async def _remember(self, drive: Drive, entry: Entry, version: str, file_id: str) -> None:
        def put(connection: sa.Connection) -> None:
            connection.execute(sa.delete(sent_files).where(*_is_sent(self._bot_id, drive.name, entry.id)))
            connection.execute(
                sa.insert(sent_files).values(
                    bot_id=self._bot_id, drive=drive.name, entry_id=entry.id, version=version, file_id=file_id
                )
            )

        await self._store.write(put)


async def _counted(chunks: AsyncIterator[bytes], total_bytes: int, run: JobRun) -> AsyncIterator[bytes]:
    done_bytes, began_s = 0, time.monotonic()
    async for chunk in chunks:
        yield chunk
        done_bytes += len(chunk)
        took_s = time.monotonic() - began_s
        bytes_per_s = done_bytes / took_s if took_s > 0.5 else None
        seconds_left = (total_bytes - done_bytes) / bytes_per_s if bytes_per_s else None
        run.tell(
            Progress(done_bytes=done_bytes, total_bytes=total_bytes, bytes_per_s=bytes_per_s, seconds_left=seconds_left)
        )


def _version(entry: Entry) -> str:
    """Changes with the bytes and with the name: Telegram keeps both under one file_id."""
    content = entry.checksum.hexdigest if entry.checksum else entry.modified_at.isoformat()
    return f"{content}:{entry.name}"


def _is_sent(bot_id: int, drive: str, entry_id: EntryId) -> tuple[Any, ...]:
    return sent_files.c.bot_id == bot_id, sent_files.c.drive == drive, sent_files.c.entry_id == entry_id
