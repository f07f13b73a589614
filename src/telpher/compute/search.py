"""The module `search`: the lesson's search of a sorted array, what the same can take, and an index for many queries."""

from __future__ import annotations

from telpher.compute import reference, widths
from telpher.compute.kernels import search as kernels
from telpher.compute.port import Arguments, Module, NativeKernel, Parameter, Value

DEFAULT_N = (2**31 - 1) // 32 - 1
WAYS = ("plain", "fresh", "warm", "batch")
"""In the order of `enum search_way`."""

_HUGE_PAGE_BYTES = 2 << 20
_INDEX_SHARE = 1 / 16


def _number(arguments: Arguments, name: str) -> int:
    return int(arguments[name])


def _encode(arguments: Arguments) -> tuple[int, ...]:
    way = WAYS.index(str(arguments["way"]))
    return (
        way,
        _number(arguments, "n"),
        _number(arguments, "sought"),
        widths.number(arguments),
        _number(arguments, "queries"),
    )


def _reference(arguments: Arguments) -> Value:
    n, sought = _number(arguments, "n"), _number(arguments, "sought")
    if arguments["way"] == "batch":
        return sum(reference.lower_bounds(range(n), reference.scattered_below(n, _number(arguments, "queries"))))
    return reference.find(range(n), n - 1 if sought < 0 else sought)


def _work(arguments: Arguments) -> int:
    return _number(arguments, "queries" if arguments["way"] == "batch" else "n")


def _memory_bytes(arguments: Arguments) -> int:
    keys = 4 * _number(arguments, "n")
    if arguments["way"] == "plain":
        return keys
    return int(keys * (1 + _INDEX_SHARE if arguments["way"] == "batch" else 1)) + 4 * _HUGE_PAGE_BYTES


def _describe(value: Value, arguments: Arguments, language: str) -> str:
    if value == -1:
        return "не найдено" if language == "ru" else "not found"
    shown = f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    if arguments["way"] == "batch":
        return f"сумма найденных мест: {shown}" if language == "ru" else f"the positions found add up to {shown}"
    return f"найдено на месте {shown}" if language == "ru" else f"found at {shown}"


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
            choices={
                "plain": {"en": "as in the lesson", "ru": "как в уроке"},
                "fresh": {"en": "huge pages, wide stores", "ru": "большие страницы, широкая запись"},
                "warm": {"en": "memory kept warm", "ru": "память наготове"},
                "batch": {"en": "an index, many queries", "ru": "индекс, много запросов"},
            },
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
            only_for={"way": ("plain", "fresh", "warm")},
        ),
        Parameter(
            name="queries",
            titles={"en": "Queries", "ru": "Запросов"},
            default=10**6,
            minimum=1,
            maximum=10**10,
            steps=(10**5, 10**6, 10**7, 10**8),
            only_for={"way": ("batch",)},
        ),
        widths.parameter(way=("fresh", "warm", "batch")),
    ),
    reference=_reference,
    units={"en": "numbers", "ru": "чисел"},
    work=_work,
    describe=_describe,
    native=NativeKernel(function=kernels.kernel(), encode=_encode, decode=lambda integer, _real, _content: integer),
    memory_bytes=_memory_bytes,
    warms=lambda arguments: arguments["way"] in {"warm", "batch"},
    cool=kernels.cool,
    setting_unavailable=widths.unavailable,
)
