"""The second leg: a spool's bytes into one upload session, following the spool as it grows.

After a fault the drive is asked how much it holds; nothing is guessed, and what it holds is not sent again. A create that may have
landed is repeated with the same id, so it lands once.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable

from telpher.drives.port import Drive, Entry, EntryId, UploadSession
from telpher.errors import (
    DriveBusyError,
    DriveUnreachableError,
    EntryExistsError,
    EntryNotFoundError,
    SessionGoneError,
)
from telpher.transfers.checkpoint import Checkpoints, Transfer
from telpher.transfers.gauge import Gauge
from telpher.transfers.patience import Patience
from telpher.transfers.spool import Spool


class DeletedMeanwhileError(EntryNotFoundError):
    """The file had landed before we knew, and somebody has deleted it for good since."""


class Upload:
    """One file's way into the drive."""

    def __init__(
        self, drive: Drive, transfer: Transfer, checkpoints: Checkpoints, patience: Patience, gauge: Gauge
    ) -> None:
        self._drive = drive
        self._transfer = transfer
        self._checkpoints = checkpoints
        self._patience = patience
        self._gauge = gauge
        self._session: UploadSession | None = None
        self._held_bytes: int | None = None
        """How much the drive holds; None when it has to be asked."""
        self._most_bytes = 0

    async def at_once(self, content: bytes) -> Entry:
        """A small file in one request; needs an id, so that repeating it is safe."""
        spec = self._transfer.spec()
        while True:
            try:
                entry = await self._drive.upload_small(spec, content)
            except EntryExistsError:
                return await self._landed()
            except (DriveUnreachableError, DriveBusyError) as error:
                await self._patience.bear(error)
            else:
                self._gauge.moved(len(content), len(content))
                return entry

    async def follow(self, spool: Awaitable[Spool]) -> Entry:
        """Begin or resume the session at once, then send what the spool gets."""
        while True:
            try:
                entry = await self._exchange(spool)
            except EntryExistsError:
                return await self._landed()
            except SessionGoneError as error:
                await self._lose_session()
                await self._patience.bear(error)
            except (DriveUnreachableError, DriveBusyError) as error:
                self._held_bytes = None
                await self._patience.bear(error)
            else:
                if entry is not None:
                    self._gauge.moved(self._transfer.spec().size_bytes, self._transfer.size_bytes)
                    return entry

    async def _exchange(self, spool: Awaitable[Spool]) -> Entry | None:
        """Ask the drive what it holds, or send it the rest; the entry once it has it all."""
        if self._session is None:
            await self._open_session()
        assert self._session is not None
        offset = self._held_bytes
        if offset is None:
            answer = await self._session.received()
        else:
            answer = await self._session.send(self._watched((await spool).stream(offset), offset), offset)
        if isinstance(answer, Entry):
            return answer
        if answer > self._transfer.spec().size_bytes:
            raise SessionGoneError("the session holds more than the file has")
        if answer > self._most_bytes:
            self._most_bytes = answer
            self._patience.progressed()
        elif offset is not None:
            raise DriveUnreachableError("the drive took nothing of what it was sent")
        self._held_bytes = answer
        return None

    async def _open_session(self) -> None:
        """The stored session, whose bytes have to be asked for, or a new one, which holds none."""
        spec = self._transfer.spec()
        if self._transfer.session_token is not None:
            self._session = await self._drive.resume_upload(self._transfer.session_token, spec)
            self._held_bytes = None
            return
        # Where the answer is lost, an empty session stays at the drive until it expires: nobody has its address, so there is nothing
        # to end. It cannot become a second file, as both were begun with one id.
        session = await self._drive.begin_upload(spec)
        self._transfer.session_token = session.token
        await self._checkpoints.save(self._transfer)
        self._session, self._held_bytes, self._most_bytes = session, 0, 0

    async def _lose_session(self) -> None:
        self._session, self._held_bytes, self._most_bytes = None, None, 0
        if self._transfer.session_token is not None:
            self._transfer.session_token = None
            await self._checkpoints.save(self._transfer)

    async def _watched(self, pieces: AsyncIterator[bytes], done_bytes: int) -> AsyncIterator[bytes]:
        total_bytes = self._transfer.size_bytes
        async for piece in pieces:
            yield piece
            done_bytes += len(piece)
            self._gauge.moved(done_bytes, total_bytes)

    async def _landed(self) -> Entry:
        """An earlier create with this id has landed after all."""
        assert self._transfer.entry_id is not None
        while True:
            try:
                return await self._drive.stat(self._transfer.entry_id)
            except EntryNotFoundError:
                # A drive's parts may disagree for a moment; an id that stays taken without an entry was deleted for good.
                try:
                    await self._patience.bear(DriveUnreachableError("the entry exists, and it does not"))
                except DriveUnreachableError:
                    raise DeletedMeanwhileError("it had landed, and was deleted for good") from None


async def withdraw(drive: Drive, transfer: Transfer) -> None:
    """Free what an unfinished upload holds at the drive, even an entry that has landed unnoticed. Raises DriveError."""
    if transfer.session_token is not None and transfer.size_bytes is not None:
        session = await drive.resume_upload(transfer.session_token, transfer.spec())
        await session.cancel()
    if transfer.entry_id is not None:
        await remove_entry(drive, transfer.entry_id)


async def remove_entry(drive: Drive, entry_id: EntryId) -> None:
    """Delete it if it is there."""
    with contextlib.suppress(EntryNotFoundError):
        entry = await drive.stat(entry_id)
        if not entry.is_trashed:
            await drive.delete(entry_id)
