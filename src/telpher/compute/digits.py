"""The module `digits`: decimal digits of pi, by the million."""

from __future__ import annotations

import importlib
import math
from typing import Any

from telpher.compute import machine, reference
from telpher.compute.kernels import texts
from telpher.compute.port import Arguments, Module, NativeKernel, Parameter, Value

try:
    _kernels: Any = importlib.import_module("telpher.compute.kernels.digits")
except ModuleNotFoundError:
    _kernels = None

DEFAULT_DIGITS = 10**6
MOST_DIGITS = 10**8
_DIGITS_PER_TERM = 14.181647462725477
# Measured: 10 to 14.1 from one to ten million digits, on one thread and on two.
_BYTES_PER_DIGIT = 20
_SHOWN_DIGITS = 100


def _number(arguments: Arguments, name: str) -> int:
    return int(arguments[name])


def _work(arguments: Arguments) -> int:
    """Each level of the sum's tree touches every term once; then come the root, the division and the conversion."""
    digits = _number(arguments, "digits")
    terms = digits / _DIGITS_PER_TERM + 12
    return int(terms * (1 + math.ceil(math.log2(max(2, terms / 24)))) + digits * 1.25)


def _describe(value: Value, arguments: Arguments, language: str) -> str:
    shown = str(value)[: _SHOWN_DIGITS + 2]
    digits = _number(arguments, "digits")
    more = "" if digits <= _SHOWN_DIGITS else "…"
    count = f"{digits:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"π = {shown}{more} (знаков: {count})" if language == "ru" else f"π = {shown}{more} ({count} digits)"


def _native() -> NativeKernel | None:
    if _kernels is None:
        return None
    return NativeKernel(
        function=_kernels.kernel(),
        encode=lambda arguments: (_number(arguments, "digits"), _number(arguments, "threads")),
        decode=lambda _integer, _real, content: texts.from_utf8(content),
    )


def _most_threads() -> int:
    return min(machine.cores(), _kernels.MOST_THREADS if _kernels else 1)


MODULE = Module(
    name="digits",
    titles={"en": "Digits of pi", "ru": "Знаки числа пи"},
    descriptions={
        "en": "Computes decimal digits of π by Chudnovsky's series, one call over several threads.",
        "ru": "Вычисляет десятичные знаки π по ряду Чудновских, один вызов в нескольких потоках.",
    },
    parameters=(
        Parameter(
            name="digits",
            titles={"en": "Digits after the point", "ru": "Знаков после запятой"},
            default=DEFAULT_DIGITS,
            minimum=1,
            maximum=MOST_DIGITS,
            steps=(10**4, 10**5, 10**6, 10**7),
        ),
        Parameter(
            name="threads",
            titles={"en": "Threads within a call", "ru": "Потоков в одном вызове"},
            default=_most_threads(),
            minimum=1,
            maximum=_most_threads(),
            steps=tuple(sorted({1, _most_threads()})),
        ),
    ),
    reference=lambda arguments: reference.pi_digits(_number(arguments, "digits")),
    units={"en": "steps", "ru": "шагов"},
    work=_work,
    describe=_describe,
    native=_native(),
    memory_bytes=lambda arguments: _BYTES_PER_DIGIT * _number(arguments, "digits") + (1 << 20),
    answer_bytes=lambda arguments: _number(arguments, "digits") + 2,
    threads=lambda arguments: _number(arguments, "threads"),
    calls=1,
    unavailable=None
    if _kernels is not None
    else {
        "en": "Telpher was built without GMP (install libgmp-dev and build again)",
        "ru": "Telpher собран без GMP (установите libgmp-dev и соберите заново)",
    },
)
