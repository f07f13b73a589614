"""Save a file: what a person sends lands in their drive, exactly once."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Protocol

from telpher.access import Access, Right, Role
from telpher.actions.bot_limits import BotLimits
from telpher.actions.cards import entry_to_payload
from telpher.actions.destination import AT_HOME, Destination
from telpher.actions.drive_choice import Drives, account_of
from telpher.actions.naming import FileKind, mime_type_of, name_of
from telpher.actions.sent_files import RECEIVED, SentFiles
from telpher.actions.twins import FindTwin
from telpher.drives.port import Drive, Entry, EntryId
from telpher.errors import AccessDeniedError, FileTooBigError
from telpher.jobs.port import Job, JobRun, NewJob, Payload, Queue
from telpher.transfers.port import SourceOpener, TellProgress, TransferId, TransferRequest

KIND = "save_file"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Incoming:
    """A file that a person sent or forwarded."""

    bot_id: int
    chat_id: int
    message_id: int
    album_id: str | None
    kind: FileKind
    file_id: str
    file_name: str | None
    mime_type: str | None
    size_bytes: int | None
    caption: str | None
    sent_at: dt.datetime
    """Aware; of a forwarded file, when it was first sent."""


@dataclasses.dataclass(frozen=True)
class SaveAccepted:
    """It is on its way. `is_new` is False for a message that was accepted before."""

    job: Job
    is_new: bool


class Carrier(Protocol):
    """What `transfers` does: brings one file from its source into a drive, resuming what an earlier attempt began."""

    async def carry(
        self, request: TransferRequest, *, drive: Drive, open_source: SourceOpener, tell: TellProgress
    ) -> Entry: ...

    async def discard(self, transfer_id: TransferId) -> None: ...


class FolderFor(Protocol):
    """Finds or makes the folder that a destination's payload meant; None for the drive's own for new files."""

    async def __call__(self, drive: Drive, payload: Mapping[str, Any]) -> EntryId | None: ...


class SaveFile:
    """`request` accepts or refuses at once; `work` is what the queue runs."""

    def __init__(
        self,
        *,
        access: Access,
        drives: Drives,
        queue: Queue,
        carrier: Carrier,
        open_source: SourceOpener,
        limits: BotLimits,
        folder_for: FolderFor,
        sent: SentFiles,
        find_twin: FindTwin,
    ) -> None:
        """`folder_for` finds or makes the folder that a destination meant, when a file is carried; `sent` knows what Telegram has."""
        self._access = access
        self._drives = drives
        self._queue = queue
        self._carrier = carrier
        self._open_source = open_source
        self._limits = limits
        self._folder_for = folder_for
        self._sent = sent
        self._find_twin = find_twin

    def check_size(self, incoming: Incoming) -> None:
        """Raise FileTooBigError where this Bot API server would not let us fetch it."""
        limit_bytes = self._limits.fetch_bytes
        if limit_bytes is not None and incoming.size_bytes is not None and incoming.size_bytes > limit_bytes:
            raise FileTooBigError(limit_bytes=limit_bytes, size_bytes=incoming.size_bytes)

    async def request(self, person_id: int, incoming: Incoming, destination: Destination = AT_HOME) -> SaveAccepted:
        """Accept a file: durable when this returns. Raises AccessDeniedError, FileTooBigError, LoginRequiredError."""
        self._access.require(person_id, Right.SEND_FILES)
        self.check_size(incoming)
        drive = await self._drives.of(person_id, destination.drive)
        parent_id = self._parent_for(person_id)
        mime_type = mime_type_of(incoming.kind, incoming.mime_type, incoming.file_name)
        name = name_of(
            incoming.kind,
            incoming.file_name,
            mime_type,
            incoming.caption,
            incoming.sent_at.astimezone(),
            language=self._access.language_of(person_id)[:2],
        )
        identity = f"{incoming.bot_id}:{incoming.chat_id}:{incoming.message_id}"
        job, is_new = await self._queue.enqueue(
            NewJob(
                key=f"save:{identity}",
                kind=KIND,
                lane="transfer",
                person_id=person_id,
                account=account_of(drive.name),
                payload={
                    "transfer_id": identity,
                    "drive": drive.name,
                    "parent_id": parent_id,
                    "destination": destination.to_payload() if parent_id is None else None,
                    "source_ref": json.dumps({"file_id": incoming.file_id, "size_bytes": incoming.size_bytes}),
                    "name": name,
                    "mime_type": mime_type,
                    "size_bytes": incoming.size_bytes,
                    "modified_at": incoming.sent_at.isoformat(),
                    "file_kind": incoming.kind.value,
                    # Telegram keeps a document's name with its bytes, and makes a photo anew: only then the entry is what it has.
                    "is_as_received": incoming.kind is FileKind.PHOTO or name == incoming.file_name,
                },
            )
        )
        return SaveAccepted(job, is_new)

    def _parent_for(self, person_id: int) -> EntryId | None:
        """The folder that new files go to; None for the drive's own."""
        folder = self._access.folder_of(person_id)
        if folder is not None:
            return EntryId(folder.folder_id)
        if self._access.role_of(person_id) is Role.GUEST:
            raise AccessDeniedError(f"no owner chose a folder for guest {person_id}")
        return None

    async def work(self, run: JobRun) -> Payload:
        """Carry the file; `forget` frees what a cancelled one leaves behind."""
        payload = run.job.payload
        drive = await self._drives.of(run.job.person_id, payload["drive"])
        request = TransferRequest(
            id=TransferId(payload["transfer_id"]),
            person_id=run.job.person_id,
            source_ref=payload["source_ref"],
            parent_id=await self._parent(drive, payload),
            name=payload["name"],
            mime_type=payload["mime_type"],
            size_bytes=payload["size_bytes"],
            modified_at=dt.datetime.fromisoformat(payload["modified_at"]),
        )
        entry = await self._carrier.carry(request, drive=drive, open_source=self._open_source, tell=run.tell)
        if payload.get("is_as_received") and entry.name == payload["name"]:
            file_id = str(json.loads(payload["source_ref"])["file_id"])
            await self._sent.remember(drive.name, entry, RECEIVED + str(payload["file_kind"]), file_id)
        twin = await self._find_twin(run.job.person_id, drive, entry)
        destination = payload.get("destination") or {}
        return {
            **entry_to_payload(drive.name, entry),
            "place": destination.get("names", []),
            "twin": entry_to_payload(drive.name, twin) if twin is not None else None,
        }

    async def _parent(self, drive: Drive, payload: Payload) -> EntryId | None:
        if (parent_id := payload.get("parent_id")) is not None:
            return EntryId(parent_id)
        destination = payload.get("destination")
        return await self._folder_for(drive, destination) if destination else None

    async def forget(self, job: Job) -> None:
        """Free what a cancelled job had brought already, here and in the drive. Raises DriveError where the drive cannot be asked now."""
        await self._carrier.discard(TransferId(job.payload["transfer_id"]))
