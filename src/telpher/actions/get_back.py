"""Get back: a file of the drive comes into the chat, streamed, and by Telegram's own id when it was sent before.

It comes as a file with its bytes as they are, as media that the app shows at once (Telegram makes its own copy of a picture), or, for a
document that has no bytes of its own, in a format that the person chose.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol, cast

from telpher.actions.begin_sending import SendAccepted, Sending, begin_sending
from telpher.actions.bot_limits import BotLimits
from telpher.actions.cards import Cards
from telpher.actions.sent_files import Delivery, SentFiles
from telpher.drives.port import Capability, Drive, Entry, EntryId, ExportFormat, Exports
from telpher.errors import (
    BadInputError,
    EntryNotFoundError,
    FileTooBigError,
    StaleButtonError,
)
from telpher.jobs.port import Job, JobRun, Payload, Queue
from telpher.transfers.port import Progress
from telpher.transfers.scratch import held

KIND = "get_back"

AS_FILE = "document"
AS_MEDIA = "media"

_PHOTO_LIMIT_BYTES = 10_000_000  # https://core.telegram.org/bots/api#sendphoto
# What Telegram's apps show or play by themselves: https://core.telegram.org/bots/api#sendvideo, #sendaudio, #sendanimation
_MEDIA_KINDS = {
    "image/jpeg": "photo",
    "image/png": "photo",
    "image/webp": "photo",
    "image/gif": "animation",
    "video/mp4": "video",
    "audio/mpeg": "audio",
    "audio/mp4": "audio",
    "audio/x-m4a": "audio",
}
# A drive converts small documents only; what comes beyond this is not one.
_EXPORT_LIMIT_BYTES = 64 << 20


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


def media_kind_of(entry: Entry) -> str | None:
    """As what Telegram's apps show it at once; None for what they only keep."""
    kind = _MEDIA_KINDS.get(entry.mime_type)
    if not entry.size_bytes or (kind == "photo" and entry.size_bytes > _PHOTO_LIMIT_BYTES):
        return None
    return kind


class GetBack:
    """`request` accepts or refuses at once; `work` is what the queue runs."""

    def __init__(
        self,
        *,
        cards: Cards,
        sent: SentFiles,
        queue: Queue,
        courier: Courier,
        limits: BotLimits,
        scratch_dir: Path,
    ) -> None:
        self._cards = cards
        self._sent = sent
        self._queue = queue
        self._courier = courier
        self._limits = limits
        self._scratch_dir = scratch_dir

    async def request(
        self, person_id: int, token: str, *, chat_id: int, reply_to: int | None, key: str, form: str = AS_FILE
    ) -> SendAccepted:
        """`key` names the press; a second press while the file is on its way sends it only once.

        `form` is AS_FILE, AS_MEDIA, or the suffix of a format that the drive converts it to (`pdf`, `docx`).
        Raises TooBigToSendError, BadInputError (nothing to send), StaleButtonError, AccessDeniedError, DriveError.
        """
        opened = await self._cards.open(person_id, token)
        entry = await opened.drive.stat(opened.entry_id)
        wanted = _format(opened.drive, entry, form)
        self._check(entry, wanted)
        sending = Sending(
            key=key,
            person_id=person_id,
            chat_id=chat_id,
            reply_to=reply_to,
            drive=opened.drive.name,
            name=_name(entry, wanted),
            size_bytes=entry.size_bytes,
            link=entry.link,
            wanted={"entry_id": entry.id, "form": form},
        )
        return await begin_sending(self._queue, KIND, sending)

    async def work(self, run: JobRun) -> Payload:
        """Send the file as it is now, under its name of now; never again what may have arrived, unless the person says so."""
        payload = run.job.payload
        if await self._sent.is_sent(run.job.id):
            return {"name": payload["name"], "size_bytes": payload["size_bytes"]}
        drive = await self._cards.drive_of(run.job.person_id, payload["drive"])
        entry = await drive.stat(EntryId(payload["entry_id"]))
        form = str(payload.get("form", AS_FILE))
        wanted = _format(drive, entry, form)
        self._check(entry, wanted)
        kind = media_kind_of(entry) if form == AS_MEDIA else AS_FILE
        try:
            size_bytes = await self._send(run, drive, entry, kind or AS_FILE, wanted)
        except BadInputError:
            if kind in {None, AS_FILE}:
                raise
            # Telegram refuses pictures that are too long, or that it cannot read: as a file they come all the same.
            size_bytes = await self._send(run, drive, entry, AS_FILE, None)
        return {"name": _name(entry, wanted), "size_bytes": size_bytes}

    async def _send(self, run: JobRun, drive: Drive, entry: Entry, kind: str, wanted: ExportFormat | None) -> int:
        chat_id, reply_to = int(run.job.payload["chat_id"]), run.job.payload["reply_to"]
        remembered_as = wanted.suffix if wanted else kind
        known = await self._sent.find(drive.name, entry, remembered_as)
        async with self._sent.noted(run.job.id):
            if known is not None:
                await self._sent.note(run.job.id, Delivery.SENDING)
                if await self._courier.send_again(chat_id, known, as_kind=kind, reply_to=reply_to):
                    return entry.size_bytes or 0
            async with self._opened(drive, entry, wanted) as (size_bytes, chunks):
                file_id = await self._courier.send_file(
                    chat_id,
                    name=_name(entry, wanted),
                    mime_type=wanted.mime_type if wanted else entry.mime_type,
                    size_bytes=size_bytes,
                    chunks=self._sent.note_before_the_last(counted(chunks, size_bytes, run), size_bytes, run.job.id),
                    as_kind=kind,
                    reply_to=reply_to,
                )
        await self._sent.remember(drive.name, entry, remembered_as, file_id)
        return size_bytes

    async def send_whatever_arrived(self, job: Job) -> None:
        """The person has seen that it may have arrived, and wants it sent again."""
        await self._sent.note(job.id, None)

    @contextlib.asynccontextmanager
    async def _opened(
        self, drive: Drive, entry: Entry, wanted: ExportFormat | None
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """How many bytes there are, and the bytes. How long a converted document is, only its end tells."""
        if wanted is None:
            async with drive.read(entry.id) as chunks:
                yield entry.size_bytes or 0, chunks
            return
        limit_bytes = self._limits.send_bytes or _EXPORT_LIMIT_BYTES
        async with (
            cast("Exports", drive).export(entry.id, wanted) as exported,
            held(exported, self._scratch_dir, limit_bytes=limit_bytes) as scratch,
        ):
            yield scratch.size_bytes, scratch.chunks()

    def _check(self, entry: Entry, wanted: ExportFormat | None) -> None:
        if entry.is_trashed:
            raise EntryNotFoundError("in the trash")
        if wanted is not None:
            return
        if entry.is_folder or entry.size_bytes is None:
            raise NothingToSendError("no bytes of its own")
        if entry.size_bytes == 0:
            raise EmptyToSendError("Telegram takes no empty files")
        limit_bytes = self._limits.send_bytes
        if limit_bytes is not None and entry.size_bytes > limit_bytes:
            raise TooBigToSendError(limit_bytes=limit_bytes, size_bytes=entry.size_bytes, link=entry.link)


def _format(drive: Drive, entry: Entry, form: str) -> ExportFormat | None:
    """The format that is wanted, None for the file's own bytes. Raises StaleButtonError for one that the drive does not give."""
    if form in {AS_FILE, AS_MEDIA}:
        return None
    formats = cast("Exports", drive).formats_of(entry) if Capability.EXPORT in drive.capabilities else ()
    for one in formats:
        if one.suffix == form:
            return one
    raise StaleButtonError("not to be had in this format")


def _name(entry: Entry, wanted: ExportFormat | None) -> str:
    return f"{entry.name}.{wanted.suffix}" if wanted else entry.name


async def counted(chunks: AsyncIterator[bytes], total_bytes: int, run: JobRun) -> AsyncIterator[bytes]:
    """The same chunks, told of as they pass."""
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
