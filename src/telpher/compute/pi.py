"""The module `pi`: the lesson's series, and the same with most divisions folded away."""

from __future__ import annotations

from telpher.compute import reference, widths
from telpher.compute.kernels import pi as kernels
from telpher.compute.port import Arguments, Module, NativeKernel, Parameter, Value

DEFAULT_TERMS = 10**8
WAYS = ("plain", "folded")
"""In the order of `enum pi_way`."""


def _encode(arguments: Arguments) -> tuple[int, ...]:
    return WAYS.index(str(arguments["way"])), int(arguments["terms"]), widths.number(arguments)


def _describe(value: Value, _arguments: Arguments, _language: str) -> str:
    return f"π ≈ {value:.15f}"


MODULE = Module(
    name="pi",
    titles={"en": "Pi", "ru": "Число пи"},
    descriptions={
        "en": "Adds up terms of Leibniz' series: π = 4 (1 − 1/3 + 1/5 − …).",
        "ru": "Складывает члены ряда Лейбница: π = 4 (1 − 1/3 + 1/5 − …).",
    },
    parameters=(
        Parameter(
            name="way",
            titles={"en": "Way", "ru": "Вид"},
            default="plain",
            choices={
                "plain": {"en": "as in the lesson", "ru": "как в уроке"},
                "folded": {"en": "sixteen terms over one division", "ru": "шестнадцать членов на одно деление"},
            },
        ),
        Parameter(
            name="terms",
            titles={"en": "Terms", "ru": "Членов ряда"},
            default=DEFAULT_TERMS,
            minimum=1,
            maximum=10**12,
            steps=(10**6, 10**7, 10**8, 10**9),
        ),
        widths.parameter(way=("folded",)),
    ),
    reference=lambda arguments: reference.leibniz(int(arguments["terms"])),
    units={"en": "terms", "ru": "членов"},
    work=lambda arguments: int(arguments["terms"]),
    describe=_describe,
    native=NativeKernel(function=kernels.kernel(), encode=_encode, decode=lambda _integer, real, _content: real),
    setting_unavailable=widths.unavailable,
)
