"""How much one person may send at once: a bucket each, in memory, filled by the time that passes between their own updates."""

from __future__ import annotations

import collections
import dataclasses
import enum

_REMEMBERED = 10_000


class Verdict(enum.Enum):
    """What happens with an update."""

    ADMITTED = "admitted"
    TOO_MUCH = "too_much"
    """The first that is too much: say so, once."""
    STILL_TOO_MUCH = "still_too_much"


@dataclasses.dataclass
class _Bucket:
    tokens: float
    at_s: float
    is_shut: bool = False


class FloodGate:
    """`burst` updates at once, then `per_s`; whoever was too much waits until a tenth of the burst is free again.

    Time is what the updates themselves tell (when they were sent), so that those which come late, after a pause of ours, are no burst,
    and a replay is judged no more harshly than the first time.
    """

    def __init__(self, burst: int, per_s: float) -> None:
        self._burst = burst
        self._per_s = per_s
        self._reopens_at = max(1.0, burst / 10)
        self._buckets: collections.OrderedDict[int, _Bucket] = collections.OrderedDict()

    @property
    def wait_s(self) -> float:
        """How long somebody waits who was too much."""
        return self._reopens_at / self._per_s

    def judge(self, person_id: int, sent_s: float) -> Verdict:
        """One update of this person, sent at `sent_s` (seconds since 1970)."""
        bucket = self._buckets.get(person_id)
        if bucket is None:
            bucket = self._buckets[person_id] = _Bucket(float(self._burst), sent_s)
            if len(self._buckets) > _REMEMBERED:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(person_id)
        bucket.tokens = min(self._burst, bucket.tokens + max(0.0, sent_s - bucket.at_s) * self._per_s)
        bucket.at_s = max(bucket.at_s, sent_s)
        if bucket.is_shut and bucket.tokens < self._reopens_at:
            return Verdict.STILL_TOO_MUCH
        if bucket.tokens < 1:
            bucket.is_shut = True
            return Verdict.TOO_MUCH
        bucket.is_shut = False
        bucket.tokens -= 1
        return Verdict.ADMITTED
