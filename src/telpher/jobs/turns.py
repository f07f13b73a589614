"""Whose job starts next: people take turns, each person's own jobs go in order, and limits hold. Pure, in memory.

A person with four hundred jobs holds up nobody who has one: after each start the turn passes on.
"""

from __future__ import annotations

import bisect
import collections
import dataclasses

from telpher.jobs.port import JobId
from telpher.jobs.retries import RetryPolicy


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lane:
    """Jobs that share their limits."""

    name: str
    total: int
    """How many of them run at once."""
    per_person: int
    """How many of those may belong to one person."""
    retries: RetryPolicy = dataclasses.field(default_factory=RetryPolicy)


class Turns:
    """The ready jobs of one lane and the places that are taken. What a step costs depends on how many people wait, not on how many jobs."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        # Each person's job ids, smallest first; the person whose turn is next comes first.
        self._ready: collections.OrderedDict[int, list[JobId]] = collections.OrderedDict()
        self._taken: collections.Counter[int] = collections.Counter()

    def add(self, person_id: int, job_id: JobId) -> None:
        """No effect for a job that is ready already."""
        ids = self._ready.setdefault(person_id, [])
        if not ids or ids[-1] < job_id:
            ids.append(job_id)
            return
        index = bisect.bisect_left(ids, job_id)
        if ids[index] != job_id:
            ids.insert(index, job_id)

    def remove(self, person_id: int, job_id: JobId) -> None:
        """No effect for a job that is not ready."""
        ids = self._ready.get(person_id, [])
        index = bisect.bisect_left(ids, job_id)
        if index < len(ids) and ids[index] == job_id:
            del ids[index]
            if not ids:
                del self._ready[person_id]

    @property
    def ready_count(self) -> int:
        """How many wait for their turn."""
        return sum(map(len, self._ready.values()))

    @property
    def taken_count(self) -> int:
        """How many places are taken."""
        return self._taken.total()

    def take(self) -> tuple[int, JobId] | None:
        """The next job to start, and whose it is; its place stays taken until `release`. None when nobody may start."""
        if self._taken.total() >= self._lane.total:
            return None
        for person_id, ids in self._ready.items():
            if self._taken[person_id] < self._lane.per_person:
                job_id = ids.pop(0)
                self._taken[person_id] += 1
                if ids:
                    self._ready.move_to_end(person_id)
                else:
                    del self._ready[person_id]
                return person_id, job_id
        return None

    def release(self, person_id: int) -> None:
        """One of this person's places is free again."""
        self._taken[person_id] -= 1
        if not self._taken[person_id]:
            del self._taken[person_id]

    def place_of(self, person_id: int, job_id: JobId) -> int | None:
        """How many start before it if all take turns; None when it is not ready."""
        own = self._ready.get(person_id, [])
        rounds = bisect.bisect_left(own, job_id)
        if rounds == len(own) or own[rounds] != job_id:
            return None
        place, is_before = rounds, True
        for other_id, ids in self._ready.items():
            if other_id == person_id:
                is_before = False
            else:
                place += min(len(ids), rounds + is_before)
        return place
