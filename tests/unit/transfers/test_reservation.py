"""Disk is promised to those who wait in line, never more than there is, and never so that two wait for each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.errors import DiskFullError
from telpher.transfers.port import TransferId
from telpher.transfers.reservation import DiskLedger, SpoolTooSmallError

A, B, C = TransferId("a"), TransferId("b"), TransferId("c")


class Disk:
    """So much is free."""

    def __init__(self, free_bytes: int = 10_000) -> None:
        self.free_bytes = free_bytes

    def __call__(self, _directory: Path) -> int:
        return self.free_bytes


class Line:
    """A ledger and those who ask it."""

    def __init__(self, limit_bytes: int, headroom_bytes: int = 0) -> None:
        self.disk = Disk()
        self.ledger = DiskLedger(
            Path("/"), limit_bytes=limit_bytes, headroom_bytes=headroom_bytes, free_bytes=self.disk
        )
        self.waited: list[TransferId] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, transfer_id: TransferId, size_bytes: int) -> asyncio.Task[None]:
        asking = self.ledger.reserve(transfer_id, size_bytes, on_wait=lambda: self.waited.append(transfer_id))
        task = asyncio.get_running_loop().create_task(asking)
        self._tasks.append(task)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return task

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.ledger.close()


@pytest.fixture
async def line() -> AsyncIterator[Line]:
    line = Line(limit_bytes=1000)
    yield line
    await line.close()


async def test_what_fits_is_promised_at_once_and_what_does_not_waits_and_says_so(line: Line) -> None:
    assert (await line.ask(A, 600)).done()
    waiting = await line.ask(B, 500)
    assert not waiting.done()
    assert line.waited == [B]
    line.ledger.free(A)
    await waiting
    assert line.waited == [B]


async def test_a_small_one_does_not_starve_a_big_one(line: Line) -> None:
    await line.ask(A, 600)
    big, small = await line.ask(B, 900), await line.ask(C, 100)
    assert not big.done()
    assert not small.done()
    line.ledger.free(A)
    await asyncio.gather(big, small)


async def test_one_that_holds_disk_goes_first_or_both_would_wait_for_ever(line: Line) -> None:
    await line.ask(A, 900)
    line.ledger.written(A, 500)
    line.ledger.keep(A, 500)
    new = await line.ask(B, 800)
    resumed = await line.ask(A, 900)
    assert resumed.done()
    assert not new.done()
    line.ledger.free(A)
    await new


async def test_headroom_and_what_others_were_promised_stay_free(line: Line) -> None:
    line = Line(limit_bytes=100_000, headroom_bytes=1000)
    assert (await line.ask(A, 6000)).done()
    too_much = await line.ask(B, 4000)
    assert not too_much.done()
    line.disk.free_bytes = 4000
    line.ledger.written(A, 6000)
    assert not (await line.ask(C, 3001)).done()
    line.disk.free_bytes = 40_000
    line.ledger.keep(A, 6000)
    await too_much
    await line.close()


async def test_what_can_never_fit_is_refused(line: Line) -> None:
    with pytest.raises(SpoolTooSmallError) as refusal:
        await line.ledger.reserve(A, 1001, on_wait=lambda: None)
    assert refusal.value.params == {"needed_bytes": 1001, "free_bytes": 1000}


async def test_one_who_leaves_the_line_lets_the_next_go(line: Line) -> None:
    await line.ask(A, 600)
    gone, patient = await line.ask(B, 900), await line.ask(C, 300)
    gone.cancel()
    await patient
    assert gone.cancelled()


async def test_a_cancelled_grant_is_given_back(line: Line) -> None:
    await line.ask(A, 1000)
    granted, other = await line.ask(B, 1000), await line.ask(C, 1000)
    line.ledger.free(A)
    granted.cancel()
    await other


async def test_more_is_promised_only_where_there_is_more(line: Line) -> None:
    await line.ask(A, 100)
    line.ledger.extend(A, 900)
    with pytest.raises(DiskFullError):
        line.ledger.extend(A, 1001)
    assert not (await line.ask(B, 200)).done()


async def test_what_an_earlier_process_left_counts(line: Line) -> None:
    line.ledger.found(A, 700)
    assert not (await line.ask(B, 400)).done()
    assert (await line.ask(A, 900)).done()


@given(data=st.data())
def test_never_more_than_there_is(data: st.DataObject) -> None:
    async def play() -> None:
        line = Line(limit_bytes=1000)
        held: dict[TransferId, asyncio.Task[None]] = {}
        sizes: dict[TransferId, int] = {}
        for step in range(data.draw(st.integers(1, 12))):
            if held and data.draw(st.booleans()):
                leaving = data.draw(st.sampled_from(sorted(held)))
                task = held.pop(leaving)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                line.ledger.free(leaving)
            else:
                one = TransferId(str(step))
                sizes[one] = data.draw(st.integers(1, 1000))
                held[one] = await line.ask(one, sizes[one])
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            granted = [one for one, task in held.items() if task.done()]
            assert sum(sizes[one] for one in granted) <= 1000
            waiting = [one for one, task in held.items() if not task.done()]
            if waiting:
                assert sum(sizes[one] for one in granted) + sizes[waiting[0]] > 1000
        await line.close()

    asyncio.run(play())
