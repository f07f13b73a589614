"""How deep we look: quickly with every run of the tests, and for hours where TELPHER_FUZZ_EXAMPLES says so (`make fuzz`)."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

_EXAMPLES = os.environ.get("TELPHER_FUZZ_EXAMPLES")


def depth(quick_examples: int) -> Any:
    """Settings of a property: the same examples each time when quick, others each time when deep."""
    return settings(
        max_examples=int(_EXAMPLES) if _EXAMPLES else quick_examples,
        derandomize=_EXAMPLES is None,
        database=None,
        deadline=None,
        # One Telpher serves all examples, as in life.
        suppress_health_check=list(HealthCheck),
    )
