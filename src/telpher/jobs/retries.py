"""When to try again, and when to give up: truncated exponential back-off with full jitter.

https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ shows why the whole wait is drawn by lot.
"""

from __future__ import annotations

import dataclasses
import math
import random

from telpher.errors import Fate, TelpherError


@dataclasses.dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long a job that fails is kept alive."""

    base_s: float = 1.0
    """The longest first wait; it doubles with every failure in a row."""
    cap_s: float = 300.0
    """No wait is longer, unless the other side asks for it."""
    give_up_after_s: float = 600.0
    """So long after the first failure in a row a failing job has failed."""
    unexpected_attempts: int = 3
    """So many attempts that end in an error which is not ours: a bug does not go away by waiting."""
    settled_after_s: float = 60.0
    """An attempt that lasted so long got somewhere: its failure counts as the first in a row."""

    @property
    def longest_wait_s(self) -> float:
        """No retry waits longer, but where the other side asks for more; then it is asked again after so long."""
        return max(self.cap_s, 3600.0)

    def wait_s(self, failures: int, retry_after_s: float | None, chance: random.Random) -> float:
        """How long to wait after `failures` in a row; never less than `retry_after_s`."""
        longest_s = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 40))
        return (retry_after_s or 0.0) + chance.uniform(0.0, longest_s)

    def gives_up(self, error: Exception, failures: int, failing_for_s: float) -> bool:
        """Whether this is the end."""
        if not isinstance(error, TelpherError):
            return failures >= self.unexpected_attempts
        return error.fate is Fate.PERMANENT or failing_for_s >= self.give_up_after_s


TRANSFER_RETRIES = RetryPolicy(give_up_after_s=3 * 86_400.0, unexpected_attempts=6)
"""A file that was accepted is worth days of patience."""

PROMISE_RETRIES = RetryPolicy(give_up_after_s=math.inf, unexpected_attempts=1000)
"""What was promised for a time, such as the end of a share, is kept however long the other side is away."""
