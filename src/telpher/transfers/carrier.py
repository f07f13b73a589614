"""The transfer engine: carries files from their sources into drives, exactly once, byte for byte, and forgets none.

What it promises survives restarts; what a cancelled transfer leaves, `discard` frees.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from telpher.drives.port import Drive, Entry
from telpher.errors import DriveBusyError, DriveUnreachableError, Fate, TelpherError
from telpher.store import Store
from telpher.transfers import janitor
from telpher.transfers.checkpoint import Checkpoints, Transfer
from telpher.transfers.gauge import Gauge
from telpher.transfers.journey import Journey, Means
from telpher.transfers.patience import Patience, PatienceLimits
from telpher.transfers.port import SourceOpener, TellProgress, TransferId, TransferRequest
from telpher.transfers.reservation import DiskLedger
from telpher.transfers.upload import withdraw

_log = logging.getLogger(__name__)

_THREADS = 4
_WITHDRAW_S = 20.0

FindDrive = Callable[[int, str], Awaitable[Drive]]
"""The drive of a person, by its name."""


class Carrier:
    """`carry` may run for many transfers at once; each runs at most once at a time."""

    def __init__(
        self,
        store: Store,
        *,
        spool_dir: Path,
        spool_limit_bytes: int,
        headroom_bytes: int,
        find_drive: FindDrive | None = None,
        patience: PatienceLimits | None = None,
    ) -> None:
        """`find_drive` lets `discard` also free what the drive holds."""
        self._means = Means(
            checkpoints=Checkpoints(store),
            ledger=DiskLedger(spool_dir, limit_bytes=spool_limit_bytes, headroom_bytes=headroom_bytes),
            threads=ThreadPoolExecutor(_THREADS, thread_name_prefix="telpher-transfer"),
            spool_dir=spool_dir,
            patience=patience or PatienceLimits(),
        )
        self._find_drive = find_drive
        self._active: set[TransferId] = set()
        self._starting = asyncio.Lock()
        self._is_started = False

    async def start(self) -> None:
        """Clear the spool of what belongs to no transfer. The first `carry` does it if nobody did."""
        async with self._starting:
            if not self._is_started:
                unfinished = await self._means.checkpoints.unfinished()
                kept = await self._means.off_loop(janitor.sweep, self._means.spool_dir, unfinished)
                for transfer_id, written_bytes in kept.items():
                    self._means.ledger.found(transfer_id, written_bytes)
                self._is_started = True

    async def close(self) -> None:
        """End the threads. Whatever is carried must have been cancelled before."""
        self._means.ledger.close()
        await asyncio.to_thread(self._means.threads.shutdown)

    async def carry(
        self, request: TransferRequest, *, drive: Drive, open_source: SourceOpener, tell: TellProgress
    ) -> Entry:
        """Bring the file into the drive; returns its verified entry, also when an earlier attempt has done it all.

        Raises a TelpherError; what was done stays, and the next attempt goes on from it, unless the error is permanent. Cancelled,
        it stops at once in the same way; `discard` frees what it leaves.
        """
        await self.start()
        if request.id in self._active:
            raise RuntimeError(f"{request.id} is being carried already")
        self._active.add(request.id)
        try:
            return await Journey(self._means, request, drive, open_source, Gauge(tell)).to_the_end()
        finally:
            self._active.discard(request.id)

    async def discard(self, transfer_id: TransferId) -> None:
        """The person cancelled it: free all that it holds, here and at the drive; what has landed meanwhile goes to the trash.

        No error if there is nothing to free. Raises DriveError where the drive cannot be asked now: what it holds is known until this
        has been called again, and ended well. What it never will be asked again is left there.
        """
        await self.start()
        if transfer_id in self._active:
            raise RuntimeError(f"{transfer_id} is being carried: cancel that first")
        transfer = await self._means.checkpoints.find(transfer_id)
        if transfer is None:
            return
        await self._means.remove_spool(transfer_id)
        is_withdrawn = True
        try:
            await self._withdraw(transfer)
        except TelpherError as error:
            if error.fate is not Fate.PERMANENT:
                raise
            _log.warning("what a cancelled transfer had at the drive is left there: %s", error)
            is_withdrawn = False
        if is_withdrawn or not transfer.is_verified:
            await self._means.checkpoints.forget(transfer_id)

    async def discard_all_of(self, person_id: int) -> None:
        """Nothing of this person's may be tried again: as `discard`, of whatever is not being carried. It is not tried twice."""
        unfinished = await self._means.checkpoints.unfinished_of(person_id)
        await asyncio.gather(*(self._discard_for_good(one) for one in unfinished if one not in self._active))

    async def _discard_for_good(self, transfer_id: TransferId) -> None:
        try:
            await self.discard(transfer_id)
        except TelpherError as error:
            _log.warning("what a transfer of somebody who is gone had at the drive is left there: %s", error)
            await self._means.checkpoints.forget(transfer_id)

    async def _withdraw(self, transfer: Transfer) -> None:
        if self._find_drive is None:
            return
        try:
            async with asyncio.timeout(_WITHDRAW_S):
                drive = await self._find_drive(transfer.person_id, transfer.drive)
                await self._patiently_withdraw(drive, transfer)
                if transfer.entry_id is not None and not transfer.is_verified:
                    # A create that was broken off may still have been on its way into the drive when we looked.
                    await asyncio.sleep(self._means.patience.landing_s)
                    await self._patiently_withdraw(drive, transfer)
        except TimeoutError:
            raise DriveUnreachableError("the drive did not say in time that a cancelled transfer is gone") from None

    async def _patiently_withdraw(self, drive: Drive, transfer: Transfer) -> None:
        patience = Patience(self._means.patience)
        while True:
            try:
                return await withdraw(drive, transfer)
            except (DriveUnreachableError, DriveBusyError) as error:
                await patience.bear(error)
