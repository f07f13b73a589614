"""What the kernels compute, in plain Python: this defines the answer, and is as slow as it is plain."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterable, Sequence


def find(keys: Sequence[int], sought: int) -> int:
    """The position of `sought` in ascending `keys` without repetitions, or -1."""
    position = bisect.bisect_left(keys, sought)
    return position if position < len(keys) and keys[position] == sought else -1


def lower_bounds(keys: Sequence[int], queries: Iterable[int]) -> list[int]:
    """For each query the number of keys smaller than it; `keys` ascend and may repeat."""
    return [bisect.bisect_left(keys, query) for query in queries]


def scattered_below(n: int, count: int) -> list[int]:
    """The pseudo-random queries of the module `search`: SplitMix64 (https://doi.org/10.1145/2714064.2660195), brought below `n`."""
    numbers = []
    for i in range(count):
        z = (i + 1) * 0x9E3779B97F4A7C15 % 2**64
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        numbers.append(((z ^ z >> 31) >> 32) * n >> 32)
    return numbers


def leibniz(terms: int) -> float:
    """Four times the sum of the first `terms` terms of 1 - 1/3 + 1/5 - …, rounded once."""
    return 4.0 * math.fsum((-1.0 if k % 2 else 1.0) / (2 * k + 1) for k in range(terms))


def pi_digits(digits: int) -> str:
    """ "3." and so many decimal digits of pi, cut off: Machin's formula (1706) in whole numbers, pi/4 = 4 arctan 1/5 - arctan 1/239.

    Python itself refuses to write more than 4300 digits at once.
    """
    guard = 10
    unit: int = 10 ** (digits + guard)

    def arctan_of_inverse(x: int) -> int:
        total = power = unit // x
        for k in range(3, 2 * digits + 100, 2):
            power //= -x * x
            total += power // k
        return total

    pi = 4 * (4 * arctan_of_inverse(5) - arctan_of_inverse(239)) // 10**guard
    return f"3.{pi % 10**digits:0{digits}}"
