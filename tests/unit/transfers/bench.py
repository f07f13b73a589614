"""A carrier with one drive and one source in memory, for the tests of transfers."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

from tests.unit.transfers.model import ModelDrive, ModelSource

from telpher.drives.port import Entry
from telpher.store import Store
from telpher.transfers.carrier import Carrier
from telpher.transfers.patience import PatienceLimits
from telpher.transfers.port import Progress, TransferId, TransferRequest

NO_WAIT = PatienceLimits(attempts=4, base_s=0, cap_s=0, landing_s=0)
BIG = random.Random(1).randbytes(20_000)
SMALL = random.Random(2).randbytes(900)


class Bench:
    """A carrier on a store, with one drive and one source."""

    def __init__(self, store: Store, spool_dir: Path) -> None:
        self.store = store
        self.spool_dir = spool_dir
        self.drive = ModelDrive()
        self.source = ModelSource(BIG)
        self.told: list[Progress] = []
        self.carrier = self.new_carrier()

    def new_carrier(self, limit_bytes: int = 1 << 30) -> Carrier:
        async def find_drive(person_id: int, name: str) -> ModelDrive:
            return self.drive

        return Carrier(
            self.store,
            spool_dir=self.spool_dir,
            spool_limit_bytes=limit_bytes,
            headroom_bytes=0,
            find_drive=find_drive,
            patience=NO_WAIT,
        )

    async def restart(self) -> None:
        await self.carrier.close()
        self.carrier = self.new_carrier()

    def request(self, *, size_bytes: int | None = -1, key: str = "1:2:3") -> TransferRequest:
        return TransferRequest(
            id=TransferId(key),
            person_id=7,
            source_ref="{}",
            parent_id=None,
            name="a.bin",
            mime_type="application/octet-stream",
            size_bytes=len(self.source.content) if size_bytes == -1 else size_bytes,
            modified_at=dt.datetime(2024, 5, 6, tzinfo=dt.UTC),
        )

    async def carry(self, *, size_bytes: int | None = -1, key: str = "1:2:3") -> Entry:
        request = self.request(size_bytes=size_bytes, key=key)
        return await self.carrier.carry(request, drive=self.drive, open_source=self.source, tell=self.told.append)

    def spooled(self) -> list[int]:
        return [path.stat().st_size for path in self.spool_dir.glob("*")]

    def assert_arrived(self, entry: Entry) -> None:
        assert self.drive.alive() == [entry]
        assert self.drive.content(entry.id) == self.source.content
        assert self.spooled() == []
