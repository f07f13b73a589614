"""Disk space is promised before a download starts, so that no transfer finds the disk full half-way.

Two limits hold: what the spool may use in all, and what must stay free on the disk. Who cannot be served now waits in a line.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

from telpher.errors import DiskFullError, Fate
from telpher.transfers.port import TransferId

_LOOK_AGAIN_S = 15.0
"""Others fill and free the disk too, and nobody tells us."""


class SpoolTooSmallError(DiskFullError):
    """The file is larger than the spool may ever be. Params: `needed_bytes`, `free_bytes`."""

    fate = Fate.PERMANENT


@dataclasses.dataclass
class _Holding:
    promised_bytes: int
    written_bytes: int


@dataclasses.dataclass(eq=False)
class _Waiter:
    id: TransferId
    size_bytes: int
    granted: asyncio.Future[None]


class DiskLedger:
    """Who was promised how much of the spool's disk. `free_bytes` tells what the disk has left."""

    def __init__(
        self,
        directory: Path,
        *,
        limit_bytes: int,
        headroom_bytes: int,
        free_bytes: Callable[[Path], int] = lambda directory: shutil.disk_usage(directory).free,
    ) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._headroom_bytes = headroom_bytes
        self._free_bytes = free_bytes
        self._holdings: dict[TransferId, _Holding] = {}
        self._line: collections.deque[_Waiter] = collections.deque()
        self._timer: asyncio.TimerHandle | None = None

    def found(self, transfer_id: TransferId, written_bytes: int) -> None:
        """A spool file of an earlier life lies there."""
        self._holdings[transfer_id] = _Holding(written_bytes, written_bytes)

    async def reserve(self, transfer_id: TransferId, size_bytes: int, *, on_wait: Callable[[], None]) -> None:
        """Wait until `size_bytes` in all are promised to this transfer; `on_wait` is called once if that is not at once.

        Raises SpoolTooSmallError when it can never be.
        """
        if size_bytes > self._limit_bytes:
            raise SpoolTooSmallError(needed_bytes=size_bytes, free_bytes=self._limit_bytes)
        waiter = _Waiter(transfer_id, size_bytes, asyncio.get_running_loop().create_future())
        self._line.append(waiter)
        self._serve()
        try:
            if not waiter.granted.done():
                on_wait()
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self.keep(transfer_id, self._holdings[transfer_id].written_bytes)
            raise
        finally:
            if waiter in self._line:
                self._line.remove(waiter)
                self._serve()

    def extend(self, transfer_id: TransferId, size_bytes: int) -> None:
        """Promise more to one whose size was not known. It may not wait (two that wait for each other would for ever): DiskFullError."""
        if not self._fits(transfer_id, size_bytes):
            free_bytes = self._free_bytes(self._directory)
            raise DiskFullError(needed_bytes=size_bytes, free_bytes=max(0, free_bytes - self._headroom_bytes))
        self._holdings[transfer_id].promised_bytes = size_bytes

    def written(self, transfer_id: TransferId, written_bytes: int) -> None:
        """So much of the promise has been used."""
        self._holdings[transfer_id].written_bytes = written_bytes

    def keep(self, transfer_id: TransferId, written_bytes: int) -> None:
        """The transfer pauses: only what it has written stays promised."""
        if written_bytes:
            self._holdings[transfer_id] = _Holding(written_bytes, written_bytes)
        else:
            self._holdings.pop(transfer_id, None)
        self._serve()

    def free(self, transfer_id: TransferId) -> None:
        """Its spool file is gone."""
        self.keep(transfer_id, 0)

    def close(self) -> None:
        """Forget the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _serve(self) -> None:
        """Grant what fits, in order. Who has begun may overtake who has not: he will free the disk that the other waits for."""
        may_begin = True
        for waiter in list(self._line):
            if waiter.granted.done():
                continue
            if (may_begin or waiter.id in self._holdings) and self._fits(waiter.id, waiter.size_bytes):
                written_bytes = self._holdings[waiter.id].written_bytes if waiter.id in self._holdings else 0
                self._holdings[waiter.id] = _Holding(max(waiter.size_bytes, written_bytes), written_bytes)
                waiter.granted.set_result(None)
            else:
                may_begin = False
        self.close()
        if not may_begin:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_AGAIN_S, self._serve)

    def _fits(self, transfer_id: TransferId, size_bytes: int) -> bool:
        others = [holding for holder, holding in self._holdings.items() if holder != transfer_id]
        own = self._holdings.get(transfer_id)
        still_to_come = sum(max(0, other.promised_bytes - other.written_bytes) for other in others)
        still_to_come += max(0, size_bytes - (own.written_bytes if own else 0))
        if sum(max(other.promised_bytes, other.written_bytes) for other in others) + size_bytes > self._limit_bytes:
            return False
        return self._free_bytes(self._directory) - still_to_come >= self._headroom_bytes
