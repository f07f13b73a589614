"""What the kernels compute, in plain Python: this defines the answer, and is as slow as it is plain."""

from __future__ import annotations

import bisect
from collections.abc import Sequence


def find(keys: Sequence[int], sought: int) -> int:
    """The position of `sought` in ascending `keys` without repetitions, or -1."""
    position = bisect.bisect_left(keys, sought)
    return position if position < len(keys) and keys[position] == sought else -1


def leibniz(terms: int) -> float:
    """Four times the sum of the first `terms` terms of 1 - 1/3 + 1/5 - …, added from the smallest, with the error of each step kept."""
    total = compensation = 0.0
    for k in reversed(range(terms)):
        term = (-1.0 if k % 2 else 1.0) / (2 * k + 1)
        stepped = total + term
        # Neumaier's variant of Kahan's summation: the smaller addend's lost low bits.
        compensation += (total - stepped) + term if abs(total) >= abs(term) else (term - stepped) + total
        total = stepped
    return 4.0 * (total + compensation)
