"""Button data: typed, short, and never trusted."""

from __future__ import annotations

import dataclasses
import enum
import typing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.access import EntryToken
from telpher.actions.select import SelectionToken
from telpher.actions.set_up_run import SetupToken, Written
from telpher.bot import callbacks
from telpher.bot.callbacks import Callback, DoToEntry, EntryDeed, OpenFolder, RunModule, decode
from telpher.bot.handlers.register import presses
from telpher.errors import StaleButtonError

KINDS = list(Callback.kinds.values())


def _largest(kind: type[Callback]) -> Callback:
    hints = typing.get_type_hints(kind)
    values: list[object] = []
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        field_type = hints[field.name]
        if field_type is int:
            values.append(999_999_999_999_999)
        elif field_type in {EntryToken, SelectionToken, SetupToken}:
            values.append("x" * 16)
        elif field_type is Written:
            values.append("-" + "9" * 20)
        elif field_type is str:
            values.append("x" * 32)
        else:
            assert issubclass(field_type, enum.StrEnum)
            values.append(list(field_type)[-1])
    return kind(*values)


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_of_each_kind_fits_and_comes_back(kind: type[Callback]) -> None:
    largest = _largest(kind)
    assert len(largest.encode().encode()) <= callbacks.LIMIT_BYTES
    assert decode(largest.encode()) == largest


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_button_is_answered(kind: type[Callback]) -> None:
    assert kind in presses()


@pytest.mark.parametrize(
    "data",
    [
        "",
        ":",
        "f",
        "f:",
        "f:abc",
        "f:abc:x",
        "f:abc:-1",
        "f:abc:1:2",
        "d:q:abc",
        "zz:1",
        "f:ab c:1",
        "f:абв:1",
        "j:c:1e3",
        "f:abc:٣",
    ],
)
def test_what_we_never_wrote_is_stale(data: str) -> None:
    with pytest.raises(StaleButtonError):
        decode(data)


@given(st.text(max_size=64))
def test_any_text_at_all_is_read_or_stale(data: str) -> None:
    try:
        callback = decode(data)
    except StaleButtonError:
        return
    assert callback.encode() == data


def test_a_button_that_would_not_fit_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="bytes"):
        OpenFolder("x" * 80, 1).encode()


def test_deeds_read_back_as_themselves() -> None:
    assert decode(DoToEntry(EntryDeed.DELETE, "tok-en_1").encode()) == DoToEntry(EntryDeed.DELETE, "tok-en_1")
    assert decode("c:search") == RunModule("search")
