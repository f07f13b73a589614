"""The module `search`: the lesson's search of a sorted array."""

from __future__ import annotations

from telpher.compute import reference
from telpher.compute.kernels import search as kernels
from telpher.compute.port import Arguments, Module, NativeKernel, Parameter, Value

DEFAULT_N = (2**31 - 1) // 32 - 1
WAYS = ("plain",)


def _number(arguments: Arguments, name: str) -> int:
    return int(arguments[name])


def _encode(arguments: Arguments) -> tuple[int, ...]:
    return WAYS.index(str(arguments["way"])), _number(arguments, "n"), _number(arguments, "sought")


def _reference(arguments: Arguments) -> Value:
    n, sought = _number(arguments, "n"), _number(arguments, "sought")
    return reference.find(range(n), n - 1 if sought < 0 else sought)


def _describe(value: Value, _arguments: Arguments, language: str) -> str:
    if value == -1:
        return "не найдено" if language == "ru" else "not found"
    place = f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"найдено на месте {place}" if language == "ru" else f"found at {place}"


MODULE = Module(
    name="search",
    titles={"en": "Search", "ru": "Поиск"},
    descriptions={
        "en": "Allocates an array of n numbers, fills it in order, finds one by halving, frees the array.",
        "ru": "Выделяет массив из n чисел, заполняет по порядку, находит одно делением пополам, освобождает массив.",
    },
    parameters=(
        Parameter(
            name="way",
            titles={"en": "Way", "ru": "Вид"},
            default="plain",
            choices={"plain": {"en": "plain", "ru": "как в уроке"}},
        ),
        Parameter(
            name="n",
            titles={"en": "Numbers in the array", "ru": "Чисел в массиве"},
            default=DEFAULT_N,
            minimum=1,
            maximum=2**31 - 1,
            steps=(10**6, 10**7, DEFAULT_N, 2 * 10**8),
        ),
        Parameter(
            name="sought",
            titles={"en": "Number sought (−1: the last)", "ru": "Искомое число (−1: последнее)"},
            default=-1,
            minimum=-1,
            maximum=2**31 - 1,
        ),
    ),
    reference=_reference,
    units={"en": "numbers", "ru": "чисел"},
    work=lambda arguments: _number(arguments, "n"),
    describe=_describe,
    native=NativeKernel(function=kernels.kernel(), encode=_encode, decode=lambda integer, _real, _content: integer),
    memory_bytes=lambda arguments: 4 * _number(arguments, "n"),
)
