"""Send a zip: a folder, or several entries that were ticked, come into the chat as one archive that is made as it is sent."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

from telpher.actions.begin_sending import SendAccepted, Sending, begin_sending
from telpher.actions.bot_limits import BotLimits
from telpher.actions.cards import Cards
from telpher.actions.get_back import Courier, EmptyToSendError, TooBigToSendError, counted
from telpher.actions.select import Selections
from telpher.actions.sent_files import SentFiles
from telpher.actions.zip_contents import Document, Walk
from telpher.drives.names import safe_name
from telpher.drives.port import Drive, Entry, EntryId, Exports
from telpher.errors import EntryNotFoundError, FileTooBigError, StaleButtonError
from telpher.jobs.port import Job, JobRun, Payload, Queue
from telpher.transfers.scratch import Scratch, held
from telpher.transfers.zip_stream import Member, OpenContent, ZipLayout

KIND = "send_zip"

_MIME_TYPE = "application/zip"
_DOCUMENT_LIMIT_BYTES = 64 << 20


class SendZip:
    """`request_folder` and `request_ticked` accept at once; `work` looks what there is, refuses what is too much, and sends the rest.

    Of the files nothing is kept on this machine. Only what the drive converts is held in files without a name, as its size has to be
    known beforehand.
    """

    def __init__(
        self,
        *,
        cards: Cards,
        selections: Selections,
        sent: SentFiles,
        queue: Queue,
        courier: Courier,
        limits: BotLimits,
        scratch_dir: Path,
    ) -> None:
        self._cards = cards
        self._selections = selections
        self._sent = sent
        self._queue = queue
        self._courier = courier
        self._limits = limits
        self._scratch_dir = scratch_dir

    async def request_folder(
        self, person_id: int, token: str, *, chat_id: int, reply_to: int | None, key: str
    ) -> SendAccepted:
        """All that is in a folder. `key` names the press. Raises AccessDeniedError, StaleButtonError, DriveError."""
        opened = await self._cards.open(person_id, token)
        folder = await opened.drive.stat(opened.entry_id)
        if folder.is_trashed:
            raise EntryNotFoundError("in the trash")
        if not folder.is_folder:
            raise StaleButtonError("no folder any more")
        sending = _sending(person_id, opened.drive, folder, [folder.id], chat_id=chat_id, reply_to=reply_to, key=key)
        return await begin_sending(self._queue, KIND, sending)

    async def request_ticked(
        self, person_id: int, selection_token: str, *, chat_id: int, reply_to: int | None, key: str
    ) -> SendAccepted:
        """What was ticked. Raises NothingTickedError, AccessDeniedError, StaleButtonError, DriveError."""
        self._cards.check(person_id)
        ticked = await self._selections.ticked(person_id, selection_token)
        drive = await self._cards.drive_of(person_id, ticked.drive)
        folder = await drive.stat(ticked.folder_id)
        sending = _sending(
            person_id, drive, folder, list(ticked.entry_ids), chat_id=chat_id, reply_to=reply_to, key=key
        )
        return await begin_sending(self._queue, KIND, sending)

    async def work(self, run: JobRun) -> Payload:
        """Send what is there now; never again what may have arrived, unless the person says so."""
        payload = run.job.payload
        if await self._sent.is_sent(run.job.id):
            return {"name": payload["name"], "size_bytes": payload["size_bytes"]}
        drive = await self._cards.drive_of(run.job.person_id, payload["drive"])
        roots = [entry for entry_id in payload["entry_ids"] if (entry := await _alive(drive, EntryId(entry_id)))]
        if not roots:
            raise EntryNotFoundError("all are gone")
        limit_bytes = self._limits.send_bytes
        contents = await Walk(drive, limit_bytes).run(roots)
        layout = ZipLayout()
        async with contextlib.AsyncExitStack() as stack:
            members = list(contents.members)
            self._check(layout.size_of(members), payload["link"])
            for document in contents.documents:
                room_bytes = _DOCUMENT_LIMIT_BYTES
                if limit_bytes is not None:
                    room_bytes = limit_bytes - layout.size_of(members)
                try:
                    members.append(await self._converted(stack, drive, document, room_bytes))
                except FileTooBigError as error:
                    seen_bytes = int(error.params["size_bytes"]) + layout.size_of(members)
                    raise self._too_big(seen_bytes, payload["link"]) from error
            if not members:
                raise EmptyToSendError("nothing in it")
            size_bytes = layout.size_of(members)
            self._check(size_bytes, payload["link"])
            async with self._sent.noted(run.job.id):
                await self._courier.send_file(
                    int(payload["chat_id"]),
                    name=payload["name"],
                    mime_type=_MIME_TYPE,
                    size_bytes=size_bytes,
                    chunks=self._sent.note_before_the_last(
                        counted(layout.chunks(members), size_bytes, run), size_bytes, run.job.id
                    ),
                    reply_to=payload["reply_to"],
                )
        return {"name": payload["name"], "size_bytes": size_bytes}

    async def send_whatever_arrived(self, job: Job) -> None:
        """The person has seen that it may have arrived, and wants it sent again."""
        await self._sent.note(job.id, None)

    async def _converted(
        self, stack: contextlib.AsyncExitStack, drive: Drive, document: Document, room_bytes: int
    ) -> Member:
        exports = cast("Exports", drive)
        async with exports.export(document.entry.id, document.format) as chunks:
            scratch = await stack.enter_async_context(
                held(chunks, self._scratch_dir, limit_bytes=min(room_bytes, _DOCUMENT_LIMIT_BYTES))
            )
        return Member(document.path, document.entry.modified_at, scratch.size_bytes, _from(scratch))

    def _check(self, size_bytes: int, link: str | None) -> None:
        if self._limits.send_bytes is not None and size_bytes > self._limits.send_bytes:
            raise self._too_big(size_bytes, link)

    def _too_big(self, size_bytes: int, link: str | None) -> TooBigToSendError:
        return ZipTooBigError(
            limit_bytes=self._limits.send_bytes or _DOCUMENT_LIMIT_BYTES, size_bytes=size_bytes, link=link
        )


class ZipTooBigError(TooBigToSendError):
    """What is known of its size is over what this Bot API server lets a bot send: it may be more, as the counting stops there."""

    text_key = "error.zip_too_big"


@dataclasses.dataclass(frozen=True)
class _Holding:
    scratch: Scratch

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[AsyncIterator[bytes]]:
        yield self.scratch.chunks()


def _from(scratch: Scratch) -> OpenContent:
    return _Holding(scratch).opened


async def _alive(drive: Drive, entry_id: EntryId) -> Entry | None:
    try:
        entry = await drive.stat(entry_id)
    except EntryNotFoundError:
        return None
    return None if entry.is_trashed else entry


def _sending(
    person_id: int,
    drive: Drive,
    folder: Entry,
    entry_ids: list[EntryId],
    *,
    chat_id: int,
    reply_to: int | None,
    key: str,
) -> Sending:
    return Sending(
        key=key,
        person_id=person_id,
        chat_id=chat_id,
        reply_to=reply_to,
        drive=drive.name,
        name=safe_name(f"{folder.name}.zip", fallback="files.zip"),
        size_bytes=None,
        link=folder.link,
        wanted={"entry_ids": entry_ids},
    )
