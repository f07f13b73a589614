"""Reads a whole number as people write it: `5 000 000`, `1,000,000`, `10^7`, `1e7`, `2.5M`, `3 млн`."""

from __future__ import annotations

import re
from decimal import Decimal

_LONGEST = 28  # characters: no number that anybody means is longer, and Decimal counts as many digits exactly
_SUFFIXES = {
    "": 0,
    **dict.fromkeys(("k", "к", "тыс", "тыс."), 3),
    **dict.fromkeys(("m", "м", "млн", "млн."), 6),
    **dict.fromkeys(("g", "b", "bn", "млрд", "млрд."), 9),
}
_BETWEEN_DIGITS = re.compile(r"[\s_'’]")
_GROUPED = re.compile(r"\d{1,3}([.,])\d{3}(?:\1\d{3})*")
_WRITTEN = re.compile(r"(\d+(?:[.,]\d+)?)(?:e\+?(\d{1,2})|(?:\^|\*\*)(\d{1,2})|([^\W\d]*\.?))")
_LARGEST_BASE = 1000


def whole_number(text: str) -> int | None:
    """The number; None when it is none, or not whole. A mark before groups of three separates them: `1,000` is a thousand."""
    if len(text) > _LONGEST:
        return None
    squeezed = _BETWEEN_DIGITS.sub("", text).lower().replace("−", "-")
    unsigned = squeezed.removeprefix("-" if squeezed.startswith("-") else "+")
    if _GROUPED.fullmatch(unsigned):
        unsigned = re.sub(r"[.,]", "", unsigned)
    found = _WRITTEN.fullmatch(unsigned)
    if found is None:
        return None
    written, exponent, power, suffix = found.groups()
    value = Decimal(written.replace(",", "."))
    if power is not None:
        if value > _LARGEST_BASE:
            return None
        value **= int(power)
    elif exponent is not None:
        value = value.scaleb(int(exponent))
    elif suffix in _SUFFIXES:
        value = value.scaleb(_SUFFIXES[suffix])
    else:
        return None
    if value != value.to_integral_value():
        return None
    return -int(value) if squeezed.startswith("-") else int(value)
