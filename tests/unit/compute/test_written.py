"""Whole numbers as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.compute.port import Parameter
from telpher.compute.written import whole_number
from telpher.errors import ParameterInvalidError

MEANT = {
    "5000000": 5_000_000,
    "5 000 000": 5_000_000,
    "5\N{NARROW NO-BREAK SPACE}000\N{NO-BREAK SPACE}000": 5_000_000,
    "1,000,000": 1_000_000,
    "1.000.000": 1_000_000,
    "1_000": 1000,
    "1,234": 1234,
    "10^7": 10_000_000,
    "2**20": 1 << 20,
    "1e7": 10_000_000,
    "2.5e3": 2500,
    "2.5M": 2_500_000,
    "2,5 млн": 2_500_000,
    "3 тыс.": 3000,
    "1 млрд": 10**9,
    " 7 ": 7,
    "+7": 7,
    "-1": -1,
    "−1": -1,
}


@pytest.mark.parametrize("written", MEANT)
def test_what_people_write_is_read(written: str) -> None:
    assert whole_number(written) == MEANT[written]


@pytest.mark.parametrize(
    "written",
    ["", "-", "many", "1,5", "12,34", "0.5", "1e", "7 лет", "1.234.567,8", "1" * 29, "1001^2", "--1", "10^-1"],
)
def test_what_is_no_whole_number_is_refused(written: str) -> None:
    assert whole_number(written) is None


@given(st.integers(-(10**20), 10**20))
def test_numbers_are_read_as_we_write_them(number: int) -> None:
    assert whole_number(str(number)) == number
    assert whole_number(f"{number:,}") == number
    assert whole_number(f"{number:_}".replace("_", "\N{NARROW NO-BREAK SPACE}")) == number


@given(st.text(max_size=40))
def test_no_text_breaks_it(text: str) -> None:
    assert isinstance(whole_number(text), int | None)


def test_a_parameter_tells_what_was_written() -> None:
    parameter = Parameter(name="n", titles={"en": "N"}, default=3, minimum=0, maximum=100)
    assert parameter.parse("1e2") == 100
    assert parameter.is_open
    for written in ("101", "many"):
        with pytest.raises(ParameterInvalidError, match=written):
            parameter.parse(written)
