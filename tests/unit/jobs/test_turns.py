"""Turns, against a plain model of what fairness means."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from telpher.jobs.port import JobId
from telpher.jobs.retries import RetryPolicy
from telpher.jobs.turns import Lane, Turns


def test_a_removed_job_never_starts() -> None:
    turns = Turns(Lane(name="a", total=9, per_person=9))
    for n in range(5):
        turns.add(1, JobId(n))
    turns.add(1, JobId(3))
    turns.remove(1, JobId(2))
    turns.remove(1, JobId(2))
    turns.remove(2, JobId(0))
    assert [turns.take() for _ in range(5)] == [(1, 0), (1, 1), (1, 3), (1, 4), None]


def test_one_that_comes_back_keeps_its_place_in_its_owners_order() -> None:
    turns = Turns(Lane(name="a", total=9, per_person=9))
    for n in (5, 2, 9, 2):
        turns.add(1, JobId(n))
    assert [turns.take() for _ in range(4)] == [(1, 2), (1, 5), (1, 9), None]


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=6),
    total=st.integers(1, 5),
    per_person=st.integers(1, 3),
    seed=st.integers(0, 1000),
)
def test_limits_hold_order_holds_and_nobody_is_overtaken_twice(
    sizes: list[int], total: int, per_person: int, seed: int
) -> None:
    turns = Turns(Lane(name="a", total=total, per_person=per_person))
    chance = random.Random(seed)
    left = {person: [JobId(100 * person + n) for n in range(size)] for person, size in enumerate(sizes)}
    for person, ids in left.items():
        for job_id in ids:
            turns.add(person, job_id)
    running: list[int] = []
    since: dict[int, dict[int, int]] = {person: {} for person in left}
    while any(left.values()) or running:
        while (taken := turns.take()) is not None:
            person, job_id = taken
            assert left[person].pop(0) == job_id
            running.append(person)
            for other, waiting in left.items():
                if other != person and waiting and running.count(other) < per_person:
                    since[other][person] = since[other].get(person, 0) + 1
                    assert since[other][person] <= 2
            since[person] = {}
        assert running
        assert len(running) <= total
        assert all(running.count(person) <= per_person for person in set(running))
        if len(running) < total:
            assert all(not ids or running.count(person) == per_person for person, ids in left.items())
        turns.release(running.pop(chance.randrange(len(running))))


@given(sizes=st.lists(st.integers(0, 6), min_size=1, max_size=5), taken=st.integers(0, 6))
def test_the_place_told_is_the_place_in_the_order_of_starts(sizes: list[int], taken: int) -> None:
    turns = Turns(Lane(name="a", total=1000, per_person=1000))
    for person, size in enumerate(sizes):
        for n in range(size):
            turns.add(person, JobId(100 * person + n))
    started = {job for _ in range(taken) if (job := turns.take()) is not None}
    places = {
        (person, JobId(100 * person + n)): turns.place_of(person, JobId(100 * person + n))
        for person, size in enumerate(sizes)
        for n in range(size)
    }
    order = []
    while (job := turns.take()) is not None:
        order.append(job)
    assert places == dict.fromkeys(started) | {job: place for place, job in enumerate(order)}


def test_waits_grow_are_drawn_by_lot_and_are_capped() -> None:
    policy, chance = RetryPolicy(base_s=1, cap_s=60), random.Random(7)
    for failures, longest_s in ((1, 1), (2, 2), (5, 16), (7, 60), (5000, 60)):
        waits = [policy.wait_s(failures, None, chance) for _ in range(200)]
        assert 0 <= min(waits) < longest_s / 5
        assert longest_s * 4 / 5 < max(waits) <= longest_s
    assert 30 <= policy.wait_s(1, 30.0, chance) <= 31
