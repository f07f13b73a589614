"""After five hundred transfers the process holds what it held before: no descriptor, thread, task or spool file more."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
from pathlib import Path

import pytest
from tests.unit.transfers.model import ModelDrive, ModelSource

from telpher.drives.folder import FolderDrive
from telpher.drives.port import Drive
from telpher.jobs.embedded import EmbeddedQueue
from telpher.jobs.port import JobRun, JobState, NewJob, Payload
from telpher.jobs.retries import RetryPolicy
from telpher.jobs.turns import Lane
from telpher.store import Store
from telpher.transfers.carrier import Carrier
from telpher.transfers.patience import PatienceLimits
from telpher.transfers.port import TransferId, TransferRequest

pytestmark = pytest.mark.usefixtures("small_pieces")


def _held() -> tuple[int, int, int]:
    """Descriptors, threads other than those of pools (which grow to their limit when they are needed), tasks."""
    gc.collect()
    pools = ("telpher-transfer", "telpher-folder", "asyncio")
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith(pools)]
    return len(list(Path("/proc/self/fd").iterdir())), len(threads), len(asyncio.all_tasks())


class Traffic:
    """Jobs that carry files of many sizes, some broken off and tried again, some cancelled."""

    def __init__(self, store: Store, drive: Drive, spool_dir: Path, *, is_troubled: bool) -> None:
        self.drive = drive
        self.is_troubled = is_troubled
        self.carrier = Carrier(
            store,
            spool_dir=spool_dir,
            spool_limit_bytes=1 << 30,
            headroom_bytes=0,
            patience=PatienceLimits(attempts=1, base_s=0, cap_s=0, landing_s=0),
        )
        lane = Lane(name="transfer", total=8, per_person=8, retries=RetryPolicy(base_s=0.001, cap_s=0.002))
        self.queue = EmbeddedQueue(store, [lane])
        self.queue.register("carry", self.work)

    async def work(self, run: JobRun) -> Payload:
        number = run.job.payload["number"]
        source = ModelSource(random.Random(number).randbytes(1 + number * 37 % 9000))
        if number % 7 == 0 and run.job.attempt == 1 and self.is_troubled:
            source.cuts = [0, 0, 0]
        request = TransferRequest(
            id=TransferId(run.job.key),
            person_id=1,
            source_ref="{}",
            parent_id=None,
            name=f"{number}.bin",
            mime_type="application/octet-stream",
            size_bytes=len(source.content),
            modified_at=None,
        )
        try:
            entry = await self.carrier.carry(request, drive=self.drive, open_source=source, tell=run.tell)
        except asyncio.CancelledError:
            await self.carrier.discard(request.id)
            raise
        return {"id": entry.id}

    async def carry(self, numbers: range) -> None:
        chance = random.Random(4)
        made = await self.queue.enqueue_all(
            [NewJob(key=f"job-{n}", kind="carry", person_id=1, payload={"number": n}, lane="transfer") for n in numbers]
        )
        for job, _ in made:
            if self.is_troubled and chance.random() < 0.1:
                await self.queue.cancel(job.id)
        async with asyncio.timeout(100):
            while await self.queue.list_for(1) or len(self.queue._nursery):
                await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.queue.stop(grace_s=1)
        await self.carrier.close()
        await self.drive.close()


@pytest.mark.parametrize(("is_troubled", "is_folder"), [(False, True), (True, False), (True, True)])
async def test_five_hundred_transfers_leak_nothing(
    store: Store, tmp_path: Path, is_troubled: bool, is_folder: bool
) -> None:
    drive: Drive = FolderDrive(tmp_path / "drive") if is_folder else ModelDrive()
    traffic = Traffic(store, drive, tmp_path / "spool", is_troubled=is_troubled)
    await traffic.queue.start()
    await traffic.carry(range(40))
    before = _held()

    await traffic.carry(range(40, 540))

    assert _held() == before
    assert list((tmp_path / "spool").iterdir()) == []
    ends = [job.state for job in await traffic.queue.list_for(1, only_unfinished=False, limit=1000)]
    assert len(ends) == 540
    assert set(ends) == {JobState.SUCCEEDED, *([JobState.CANCELLED] if is_troubled else [])}
    assert ends.count(JobState.SUCCEEDED) > 450
    await traffic.close()
