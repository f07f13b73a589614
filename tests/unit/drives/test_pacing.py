"""The pace under a clock that only moves when somebody waits."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.drives.pacing import CAP_S, Pace, backoff_s


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s

    async def sleep(self, duration_s: float) -> None:
        self.now_s += duration_s
        await asyncio.sleep(0)


def make(clock: Clock, *, draw: float = 0.5, rate_per_s: float = 10.0, burst: int = 3) -> Pace:
    return Pace(rate_per_s=rate_per_s, burst=burst, clock=clock, sleep=clock.sleep, draw=lambda: draw)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_stays_between_nothing_and_the_cap(attempt: int, drawn: float) -> None:
    assert 0 <= backoff_s(attempt, draw=lambda: drawn) <= CAP_S


def test_backoff_doubles_until_the_cap() -> None:
    assert [backoff_s(attempt, draw=lambda: 1.0) for attempt in range(1, 10)] == [1, 2, 4, 8, 16, 32, 64, 64, 64]


def test_a_burst_goes_at_once_and_the_rest_at_the_rate() -> None:
    pace = make(Clock())
    assert [round(pace.reserve(), 6) for _ in range(6)] == [0, 0, 0, 0.1, 0.2, 0.3]


def test_the_bucket_fills_up_again_but_not_over() -> None:
    clock = Clock()
    pace = make(clock)
    for _ in range(3):
        pace.reserve()
    clock.now_s += 3600
    assert [round(pace.reserve(), 6) for _ in range(4)] == [0, 0, 0, 0.1]


def test_what_one_is_told_all_obey() -> None:
    clock = Clock()
    pace = make(clock)
    assert pace.refused(30.0) == pytest.approx(30.5)
    assert pace.reserve() == pytest.approx(30.5)
    clock.now_s += 31
    assert pace.reserve() == 0


def test_refusals_in_a_row_wait_longer_and_a_success_ends_the_row() -> None:
    clock = Clock()
    pace = make(clock, draw=1.0)
    waits = []
    for _ in range(4):
        waits.append(pace.refused())
        clock.now_s += waits[-1] + 0.001
    assert waits == pytest.approx([1, 2, 4, 8])
    pace.served()
    assert pace.refused() == pytest.approx(1)


def test_refusals_of_one_moment_count_once() -> None:
    clock = Clock()
    pace = make(clock, draw=1.0)
    assert [pace.refused() for _ in range(5)] == pytest.approx([1] * 5)


def test_a_late_answer_does_not_end_the_wait() -> None:
    clock = Clock()
    pace = make(clock, draw=1.0)
    pace.refused(10)
    pace.served()
    assert pace.reserve() == pytest.approx(11)


async def test_who_waits_goes_on_waiting_when_the_wait_grows() -> None:
    clock = Clock()
    pace = make(clock, draw=0.0)
    pace.refused(1.0)

    async def refused_meanwhile() -> None:
        pace.refused(5.0)

    async with asyncio.TaskGroup() as group:
        group.create_task(pace.turn())
        group.create_task(refused_meanwhile())
    assert clock.now_s >= 1005.0


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60))
def test_never_more_than_the_burst_and_the_rate(gaps: list[float]) -> None:
    clock = Clock()
    pace = make(clock)
    starts = []
    for gap in gaps:
        clock.now_s += gap
        starts.append(clock.now_s + pace.reserve())
    for first, start in enumerate(starts):
        within = [other for other in starts[first:] if other <= start + 1.0]
        assert len(within) <= 3 + 10 + 1
