"""One transfer from where it stands to a verified entry.

Both legs run at the same time. A file of at most 5 MB whose size is known goes through memory in one request; any other through the
spool and an upload session; a local server's file is read in place. At the end the drive's checksum must be ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar, cast

from telpher.drives.port import Capability, Checksum, ChecksumKind, Drive, Entry, EntryId, IssuesIds
from telpher.errors import (
    ChecksumMismatchError,
    DriveUnreachableError,
    Fate,
    SourceBusyError,
    SourceUnreachableError,
    TelpherError,
)
from telpher.transfers import janitor
from telpher.transfers.checkpoint import Checkpoints, Transfer, boot_id
from telpher.transfers.download import MemorySink, fill
from telpher.transfers.gauge import Gauge
from telpher.transfers.hashing import checksum_of
from telpher.transfers.patience import Patience, PatienceLimits
from telpher.transfers.port import Source, SourceOpener, TransferId, TransferRequest
from telpher.transfers.reservation import DiskLedger
from telpher.transfers.spool import Spool
from telpher.transfers.upload import DeletedMeanwhileError, Upload, remove_entry

T = TypeVar("T")

_log = logging.getLogger(__name__)

SMALL_BYTES = 5_000_000
"""What Google takes in one request: https://developers.google.com/workspace/drive/api/guides/manage-uploads"""
_HASH_HERE_BYTES = 256 << 10
_STEP_BYTES = 64 << 20
"""By so much the promise of disk grows for a file whose size is not known."""
_TRIES = 3
"""So often a wrong checksum or a new size makes us begin again."""


class ContentRefusedError(ChecksumMismatchError):
    """What the drive stored was wrong several times over: going on would only move bytes in vain."""

    fate = Fate.PERMANENT


class _SizeChangedError(Exception):
    """The source knows a size other than the one we began with."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


@dataclasses.dataclass(frozen=True)
class _Sent:
    """What the drive has made of it, what we know of what we sent, and how to know more."""

    entry: Entry
    checksum: Checksum
    of_kind: Callable[[ChecksumKind], Awaitable[Checksum]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Means:
    """What all transfers share."""

    checkpoints: Checkpoints
    ledger: DiskLedger
    threads: Executor
    spool_dir: Path
    patience: PatienceLimits

    async def off_loop(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.threads, work, *arguments)

    async def remove_spool(self, transfer_id: TransferId) -> None:
        path = janitor.spool_path(self.spool_dir, transfer_id)
        await self.off_loop(lambda: path.unlink(missing_ok=True))
        self.ledger.free(transfer_id)


class Journey:
    """Use once."""

    def __init__(
        self, means: Means, request: TransferRequest, drive: Drive, open_source: SourceOpener, gauge: Gauge
    ) -> None:
        self._means = means
        self._request = request
        self._drive = drive
        self._open_source = open_source
        self._gauge = gauge
        self._has_ids = Capability.IDS_BEFORE_CREATE in drive.capabilities
        self._source: Source | None = None

    async def to_the_end(self) -> Entry:
        """See `Carrier.carry`."""
        transfer = await self._means.checkpoints.open(
            self._request,
            drive=self._drive.name,
            parent_id=self._request.parent_id or (await self._drive.home()).id,
            entry_id=await self._new_id(),
        )
        if transfer.is_verified:
            assert transfer.entry_id is not None
            await self._tidy(transfer)
            return await self._drive.stat(transfer.entry_id)
        try:
            return await self._until_verified(transfer)
        except DeletedMeanwhileError:
            # Should the person want it all the same, it needs an id that nobody has deleted.
            await self._begin_anew(transfer)
            raise
        except TelpherError as error:
            if error.fate is Fate.PERMANENT:
                await self._means.remove_spool(transfer.id)
            raise

    async def _new_id(self) -> EntryId | None:
        return await cast("IssuesIds", self._drive).new_id() if self._has_ids else None

    async def _until_verified(self, transfer: Transfer) -> Entry:
        for _ in range(_TRIES):
            try:
                sent = await self._once(transfer)
            except _SizeChangedError as change:
                transfer.size_bytes = change.size_bytes
                await self._begin_anew(transfer)
                continue
            if (checksum := await self._verified(transfer, sent)) is not None:
                await self._means.checkpoints.verified(transfer, sent.entry, checksum)
                await self._tidy(transfer)
                return sent.entry
            _log.error("the drive stored something else than what was sent; beginning again")
            await remove_entry(self._drive, sent.entry.id)
            await self._begin_anew(transfer)
        raise ContentRefusedError("the file did not arrive as it was sent")

    async def _once(self, transfer: Transfer) -> _Sent:
        upload = Upload(self._drive, transfer, self._means.checkpoints, Patience(self._means.patience), self._gauge)
        size_bytes = transfer.size_bytes
        if size_bytes is None:
            return await self._of_unknown_size(transfer, upload)
        if size_bytes <= SMALL_BYTES and self._has_ids and transfer.session_token is None:
            return await self._through_memory(transfer, upload, size_bytes)
        return await self._through_spool(transfer, upload, size_bytes)

    # ---- three ways ---------------------------------------------------------------------------------------------------

    async def _through_memory(self, transfer: Transfer, upload: Upload, size_bytes: int) -> _Sent:
        source = await self._opened(transfer)
        if source.local_path is not None:
            async with self._in_place(source.local_path) as spool:
                content = await spool.content()
        else:
            sink = MemorySink()
            # All of it is told only when the drive has it.
            await fill(
                sink,
                source,
                size_bytes,
                Patience(self._means.patience),
                on_growth=lambda done_bytes: self._gauge.moved(min(done_bytes, size_bytes - 1), size_bytes),
            )
            content = sink.content()
        if len(content) != size_bytes:
            raise _SizeChangedError(len(content))
        return await self._send_at_once(upload, content)

    async def _through_spool(self, transfer: Transfer, upload: Upload, size_bytes: int) -> _Sent:
        opened: asyncio.Future[Spool] = asyncio.get_running_loop().create_future()

        async def receive() -> Checksum:
            # What lies in the spool already needs no source: Telegram may have forgotten the file meanwhile.
            source = None if await self._is_spooled(transfer, size_bytes) else await self._opened(transfer)
            async with self._spool_of(transfer, source, size_bytes) as spool:
                if spool.is_finished and spool.size_bytes != size_bytes:
                    raise _SizeChangedError(spool.size_bytes)
                opened.set_result(spool)
                if source is not None and source.local_path is None:
                    await self._fill(spool, transfer, source, size_bytes)
                spool.finish()
                checksum = await spool.checksum()
                # The spool stays open until the last byte is sent.
                await sending
                return checksum

        try:
            async with asyncio.TaskGroup() as legs:
                sending = legs.create_task(upload.follow(opened))
                receiving = legs.create_task(receive())
        except BaseExceptionGroup as group:
            # The first failure has cancelled the other leg.
            raise group.exceptions[0] from None
        return self._sent(transfer, sending.result(), receiving.result())

    async def _of_unknown_size(self, transfer: Transfer, upload: Upload) -> _Sent:
        source = await self._opened(transfer)
        async with self._spool_of(transfer, source, None) as spool:
            if source.local_path is None:
                await self._fill(spool, transfer, source, None)
                spool.finish()
            checksum = await spool.checksum()
            transfer.size_bytes = spool.size_bytes
            await self._means.checkpoints.save(transfer)
            if transfer.size_bytes <= SMALL_BYTES and self._has_ids:
                return self._sent(transfer, await upload.at_once(await spool.content()), checksum)
            opened: asyncio.Future[Spool] = asyncio.get_running_loop().create_future()
            opened.set_result(spool)
            return self._sent(transfer, await upload.follow(opened), checksum)

    # ---- their parts --------------------------------------------------------------------------------------------------

    async def _opened(self, transfer: Transfer) -> Source:
        self._source = source = await self._find_source()
        transfer.is_local = source.local_path is not None
        if source.size_bytes is not None and source.size_bytes != transfer.size_bytes:
            raise _SizeChangedError(source.size_bytes)
        return source

    async def _find_source(self) -> Source:
        patience = Patience(self._means.patience)
        while True:
            try:
                return await self._open_source(self._request.source_ref)
            except (SourceUnreachableError, SourceBusyError) as error:
                await patience.bear(error)

    async def _send_at_once(self, upload: Upload, content: bytes) -> _Sent:
        async def of_kind(kind: ChecksumKind) -> Checksum:
            if len(content) <= _HASH_HERE_BYTES:
                return checksum_of(content, kind)
            return await self._means.off_loop(checksum_of, content, kind)

        checksum = await of_kind(self._drive.checksum_kind)
        return _Sent(await upload.at_once(content), checksum, of_kind)

    def _sent(self, transfer: Transfer, entry: Entry, checksum: Checksum) -> _Sent:
        """What went through the spool, or was read in place, and still lies there."""

        async def of_kind(kind: ChecksumKind) -> Checksum:
            assert self._source is not None or not transfer.is_local
            in_place = self._source.local_path if self._source is not None else None
            path = in_place or janitor.spool_path(self._means.spool_dir, transfer.id)
            spool = await Spool.open_local(path, self._means.threads, kind)
            try:
                return await spool.checksum()
            finally:
                spool.close()

        return _Sent(entry, checksum, of_kind)

    async def _is_spooled(self, transfer: Transfer, size_bytes: int) -> bool:
        """Whether an earlier attempt has brought it all into the spool, and the file can be trusted."""
        path = janitor.spool_path(self._means.spool_dir, transfer.id)
        if transfer.boot_id != boot_id():
            return False
        with contextlib.suppress(FileNotFoundError):
            return (await self._means.off_loop(path.stat)).st_size == size_bytes
        return False

    def _spool_of(
        self, transfer: Transfer, source: Source | None, size_bytes: int | None
    ) -> contextlib.AbstractAsyncContextManager[Spool]:
        if source is not None and source.local_path is not None:
            return self._in_place(source.local_path)
        return self._reserved(transfer, size_bytes)

    @contextlib.asynccontextmanager
    async def _in_place(self, path: Path) -> AsyncIterator[Spool]:
        spool = await Spool.open_local(path, self._means.threads, self._drive.checksum_kind)
        try:
            yield spool
        finally:
            spool.close()

    @contextlib.asynccontextmanager
    async def _reserved(self, transfer: Transfer, size_bytes: int | None) -> AsyncIterator[Spool]:
        """The transfer's spool file, with disk for what is still to come."""
        ledger = self._means.ledger
        await ledger.reserve(
            transfer.id,
            _STEP_BYTES if size_bytes is None else size_bytes,
            on_wait=lambda: self._gauge.waits("waiting.disk", size_bytes),
        )
        written_bytes = 0

        try:
            spool = await self._open_spool(transfer, size_bytes)
            try:
                written_bytes = spool.size_bytes
                ledger.written(transfer.id, written_bytes)
                yield spool
            finally:
                written_bytes = spool.size_bytes
                spool.close()
        finally:
            ledger.keep(transfer.id, written_bytes)

    async def _open_spool(self, transfer: Transfer, size_bytes: int | None) -> Spool:
        path = janitor.spool_path(self._means.spool_dir, transfer.id)
        threads, kind, this_boot = self._means.threads, self._drive.checksum_kind, boot_id()
        spool = await Spool.open(path, threads, kind, trust=transfer.boot_id == this_boot)
        if size_bytes is not None and spool.size_bytes > size_bytes:
            spool.close()
            spool = await Spool.open(path, threads, kind, trust=False)
        if transfer.boot_id != this_boot:
            transfer.boot_id = this_boot
            await self._means.checkpoints.save(transfer)
        return spool

    async def _fill(self, spool: Spool, transfer: Transfer, source: Source, size_bytes: int | None) -> None:
        promised_bytes = size_bytes or _STEP_BYTES

        def on_growth(expected_bytes: int) -> None:
            nonlocal promised_bytes
            if expected_bytes > promised_bytes:
                promised_bytes = expected_bytes + _STEP_BYTES
                self._means.ledger.extend(transfer.id, promised_bytes)
            self._means.ledger.written(transfer.id, spool.size_bytes)
            if size_bytes is None:
                self._gauge.moved(spool.size_bytes, None)

        await fill(spool, source, size_bytes, Patience(self._means.patience), on_growth=on_growth)

    async def _verified(self, transfer: Transfer, sent: _Sent) -> Checksum | None:
        """The checksum that the drive and we agree on; None where what it has is not what we sent."""
        entry = sent.entry
        if entry.checksum is None:
            entry = await self._drive.stat(entry.id)
        if entry.checksum is None:
            raise DriveUnreachableError("the drive does not tell the checksum of what it has stored")
        ours = sent.checksum
        if entry.checksum.kind is not ours.kind:
            ours = await sent.of_kind(entry.checksum.kind)
        return ours if entry.size_bytes == transfer.size_bytes and entry.checksum == ours else None

    async def _begin_anew(self, transfer: Transfer) -> None:
        """Under a new id, with nothing of what was brought so far: who knows where it went wrong."""
        if transfer.session_token is not None:
            with contextlib.suppress(TelpherError):
                await (await self._drive.resume_upload(transfer.session_token, transfer.spec())).cancel()
        transfer.session_token, transfer.entry_id = None, await self._new_id()
        transfer.restarts += 1
        await self._means.checkpoints.save(transfer)
        await self._means.remove_spool(transfer.id)

    async def _tidy(self, transfer: Transfer) -> None:
        """After the verified upload: free the spool and what the source holds."""
        await self._means.remove_spool(transfer.id)
        if not transfer.is_local:
            return
        try:
            source = self._source or await self._open_source(self._request.source_ref)
            await source.dispose()
        except (TelpherError, OSError) as error:
            _log.warning("the local server's file could not be removed: %s", error)
