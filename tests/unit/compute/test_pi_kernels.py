"""Every way and width of `pi` agrees with exact partial sums."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telpher.compute import modules, python_threads, reference
from telpher.compute.kernels import pi, pool, widths
from telpher.compute.port import Value

MODULE = modules.registry()["pi"]
WIDTHS = widths.supported()
PI = Decimal("3.14159265358979323846264338327950288419716939937510582")


def call(**arguments: int | str) -> Value:
    return python_threads.call_module(MODULE, MODULE.complete(arguments), pool.Control())


def exact_partial_sum(terms: int) -> Decimal:
    """From the series' asymptotic expansion (Borwein, Borwein and Dilcher, https://doi.org/10.2307/2324715); for many terms."""
    with localcontext() as context:
        context.prec = 60
        euler = (1, -1, 5, -61, 1385)
        n = Decimal(terms)
        rest = sum(Decimal(number) / (Decimal(4) ** k * n ** (2 * k + 1)) for k, number in enumerate(euler))
        return PI - rest if terms % 2 == 0 else PI + rest


def test_the_reference_is_right() -> None:
    for terms in (1, 2, 3, 10, 257):
        exact = 4 * sum(Fraction(-1 if k % 2 else 1, 2 * k + 1) for k in range(terms))
        assert reference.leibniz(terms) == pytest.approx(float(exact), rel=0, abs=5e-16)
    assert reference.leibniz(100_000) == pytest.approx(float(exact_partial_sum(100_000)), rel=0, abs=5e-16)


@pytest.mark.parametrize("width", WIDTHS)
@settings(deadline=None, max_examples=60)
@given(terms=st.integers(1, 70_000))
def test_folded_sums_agree_with_the_reference(width: str, terms: int) -> None:
    assert call(way="folded", terms=terms, width=width) == pytest.approx(reference.leibniz(terms), rel=0, abs=2e-15)


@settings(deadline=None, max_examples=30)
@given(terms=st.integers(1, 20_000))
def test_plain_sums_agree_with_the_reference(terms: int) -> None:
    assert call(way="plain", terms=terms) == pytest.approx(reference.leibniz(terms), rel=0, abs=1e-12)


@pytest.mark.parametrize("terms", [16_384, 16_385, 10**6, 12_345_679, 10**8])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_error_against_exact_sums(width: str, terms: int) -> None:
    value = call(way="folded", terms=terms, width=width)
    assert isinstance(value, float)
    assert abs(Decimal(value) - exact_partial_sum(terms)) < Decimal("2e-15")


def test_a_cancelled_call_stops() -> None:
    for way in (0, 1):
        control = pool.Control()
        control.cancel()
        assert pool.call(pi.kernel(), (way, 10**12, 0), control)[0] == 1


def test_the_kernel_refuses_what_is_out_of_its_bounds() -> None:
    for arguments in [(9, 10, 0), (0, 0, 0), (1, -5, 0)]:
        assert pool.call(pi.kernel(), arguments, pool.Control())[0] == 4
    assert pool.call(pi.kernel(), (1, 10, 99), pool.Control())[0] == 3
