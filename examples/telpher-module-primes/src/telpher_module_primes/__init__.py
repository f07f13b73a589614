"""The module `primes` for Telpher: counts primes, in C, without the GIL."""

from __future__ import annotations

from telpher.compute.port import Arguments, Module, NativeKernel, Parameter, Value
from telpher_module_primes import primes


def count_primes(arguments: Arguments) -> Value:
    """What the kernel computes, as plainly as it can be said."""
    limit = int(arguments["limit"])
    return sum(all(n % d for d in range(2, int(n**0.5) + 1)) for n in range(2, limit + 1))


def describe(value: Value, arguments: Arguments, language: str) -> str:
    limit = f"{arguments['limit']:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    count = f"{value:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"Простых чисел до {limit}: {count}" if language == "ru" else f"There are {count} primes up to {limit}"


MODULE = Module(
    name="primes",
    titles={"en": "Primes", "ru": "Простые числа"},
    descriptions={
        "en": "Counts the primes up to a number with the sieve of Eratosthenes.",
        "ru": "Считает простые числа до заданного решетом Эратосфена.",
    },
    parameters=(
        Parameter(
            name="limit",
            titles={"en": "Up to", "ru": "До"},
            default=10**8,
            minimum=0,
            maximum=10**12,
            steps=(10**6, 10**7, 10**8, 10**9),
        ),
    ),
    reference=count_primes,
    units={"en": "numbers", "ru": "чисел"},
    work=lambda arguments: int(arguments["limit"]),
    describe=describe,
    native=NativeKernel(
        function=primes.kernel(),
        encode=lambda arguments: (int(arguments["limit"]),),
        decode=lambda integer, _real, _content: integer,
    ),
    memory_bytes=lambda _arguments: 32 << 20,
)
