"""What a day counts, and how much at once is too much."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.access.day_use import DayUse, Used
from telpher.access.flood import FloodGate, Verdict
from telpher.errors import AccessDeniedError
from telpher.store import Store, open_store

BORIS, CLARA = 1002, 1003


class Clock:
    def __init__(self) -> None:
        self.now = dt.datetime(2026, 11, 22, 23, 59, 30).astimezone()

    def __call__(self) -> dt.datetime:
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = open_store(tmp_path / "telpher.db")
    yield store
    await store.close()


def _anything(_used: Used) -> None:
    return


async def test_a_thing_counts_once_however_often_it_is_replayed(store: Store) -> None:
    use = DayUse(store, Clock())
    for _ in range(3):
        await use.take("save:1", BORIS, 100, _anything)
    await use.take("save:2", BORIS, 11, _anything)
    await use.take("save:3", CLARA, 5, _anything)
    assert await use.today(BORIS) == Used(111, 0.0)
    assert await DayUse(store, Clock()).today(CLARA) == Used(5, 0.0)


async def test_what_is_refused_counts_nothing_and_what_was_accepted_is_not_checked_again(store: Store) -> None:
    use = DayUse(store, Clock())
    seen: list[Used] = []

    def check(used: Used) -> None:
        seen.append(used)
        if used.size_bytes:
            raise AccessDeniedError("enough")

    await use.take("save:1", BORIS, 100, check)
    with pytest.raises(AccessDeniedError):
        await use.take("save:2", BORIS, 1, check)
    await use.take("save:1", BORIS, 100, check)
    assert seen == [Used(0, 0.0), Used(100, 0.0)]
    assert await use.today(BORIS) == Used(100, 0.0)


async def test_what_it_really_was_is_put_in_its_place(store: Store) -> None:
    use = DayUse(store, Clock())
    await use.take("save:1", BORIS, 0, _anything)
    await use.settle("save:1", size_bytes=77)
    await use.take("run:1", BORIS, 0, _anything)
    for _ in range(2):
        await use.settle("run:1", cpu_s=1.5)
    await use.settle("run:unknown", cpu_s=9)
    assert await use.today(BORIS) == Used(77, 1.5)


async def test_midnight_begins_anew(store: Store) -> None:
    clock = Clock()
    use = DayUse(store, clock)
    await use.take("save:1", BORIS, 100, _anything)
    assert use.left_s() == 30.0
    clock.now += dt.timedelta(seconds=31)
    assert await use.today(BORIS) == Used(0, 0.0)
    assert await use.prune() == 0
    clock.now += dt.timedelta(days=8)
    assert await use.prune() == 1


def test_a_burst_passes_and_what_is_more_is_told_once() -> None:
    gate = FloodGate(burst=20, per_s=2)
    verdicts = [gate.judge(BORIS, 1000.0) for _ in range(50)]
    assert verdicts == [Verdict.ADMITTED] * 20 + [Verdict.TOO_MUCH] + [Verdict.STILL_TOO_MUCH] * 29
    assert gate.judge(CLARA, 1000.0) is Verdict.ADMITTED
    assert gate.wait_s == 1.0
    assert gate.judge(BORIS, 1000.9) is Verdict.STILL_TOO_MUCH
    assert gate.judge(BORIS, 1001.0) is Verdict.ADMITTED


def test_what_was_sent_over_an_hour_and_comes_at_once_is_no_burst() -> None:
    gate = FloodGate(burst=20, per_s=2)
    assert {gate.judge(BORIS, 1000.0 + 10 * number) for number in range(360)} == {Verdict.ADMITTED}


def test_a_clock_that_jumps_back_gives_nothing() -> None:
    gate = FloodGate(burst=2, per_s=1)
    assert [gate.judge(BORIS, at) for at in (1000.0, 10.0, 1000.0, 10.0)] == [
        Verdict.ADMITTED,
        Verdict.ADMITTED,
        Verdict.TOO_MUCH,
        Verdict.STILL_TOO_MUCH,
    ]


@given(st.lists(st.floats(0, 100), max_size=200))
def test_nobody_ever_gets_more_than_the_burst_and_the_rate(times: list[float]) -> None:
    gate = FloodGate(burst=10, per_s=2)
    admitted = [at for at in sorted(times) if gate.judge(BORIS, at) is Verdict.ADMITTED]
    if admitted:
        assert len(admitted) <= 10 + 2 * (admitted[-1] - admitted[0]) + 1
