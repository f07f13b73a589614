"""Long answers: copied and compared without the interpreter's lock, read off the event loop, kept once."""

from __future__ import annotations

import asyncio
import dataclasses
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.actions.run_module import _with_known_answers
from telpher.compute import modules, workshop
from telpher.compute.kernels import pool, texts
from telpher.compute.port import CallTiming, Module, Run, Value
from telpher.compute.workshop import Workshop
from telpher.errors import MemoryShortError

DIGITS = modules.registry()["digits"]
needs_gmp = pytest.mark.skipif(DIGITS.unavailable is not None, reason="built without GMP: install libgmp-dev")


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_texts_are_read_as_python_reads_them(text: str) -> None:
    assert texts.from_utf8(text.encode()) == text


@given(st.text(), st.text())
def test_texts_are_compared_as_python_compares_them(one: str, other: str) -> None:
    assert texts.are_same(one, other) == (one == other)
    assert texts.are_same(one, "".join(list(one)))


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        texts.from_utf8(b"\xff\xfe")


@needs_gmp
def test_a_long_answer_is_taken_once() -> None:
    assert DIGITS.native is not None
    content = pool.call(DIGITS.native.function, (200_000, 1), pool.Control())[3]
    assert isinstance(content, pool.LongAnswer)
    assert content.take().startswith(b"3.14159")
    with pytest.raises(ValueError, match="taken before"):
        content.take()
    assert isinstance(pool.call(DIGITS.native.function, (100, 1), pool.Control())[3], bytes)


@needs_gmp
async def test_a_long_answer_is_read_off_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: list[int] = []

    def decode(_integer: int, _real: float, content: bytes) -> str:
        readers.append(threading.get_ident())
        return texts.from_utf8(content)

    assert DIGITS.native is not None
    watched: Module = dataclasses.replace(DIGITS, native=dataclasses.replace(DIGITS.native, decode=decode))
    monkeypatch.setattr(workshop.modules, "registry", lambda: {"digits": watched})
    async with Workshop(workers=2) as shop:
        long = await shop.run("digits", {"digits": 200_000, "threads": 1}, "threads", 2)
        assert len(str(long.value)) == 200_002
        assert len(readers) == 2
        assert threading.get_ident() not in readers
        readers.clear()
        await shop.run("digits", {"digits": 100, "threads": 1}, "threads", 1)
        assert readers == [threading.get_ident()], "a short one is not worth a thread"


@needs_gmp
async def test_a_long_answer_whose_reading_fails_is_the_calls_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(_integer: int, _real: float, _content: bytes) -> str:
        raise ValueError("not to be read")

    assert DIGITS.native is not None
    broken = dataclasses.replace(DIGITS, native=dataclasses.replace(DIGITS.native, decode=decode))
    monkeypatch.setattr(workshop.modules, "registry", lambda: {"digits": broken})
    async with Workshop(workers=2) as shop:
        with pytest.raises(ValueError, match="not to be read"):
            await shop.run("digits", {"digits": 200_000, "threads": 1}, "threads", 1)


@needs_gmp
async def test_long_answers_count_as_memory() -> None:
    async with Workshop(workers=2, memory_bytes=60_000_000) as small:
        small.check("digits", {"digits": 2_000_000}, "linear", 1)
        with pytest.raises(MemoryShortError):
            small.check("digits", {"digits": 2_000_000}, "linear", 20)


def _copy_of(text: str) -> str:
    return text.encode().decode()


def _run(*values: Value) -> Run:
    calls = tuple(CallTiming(worker="thread 1", start_s=0, end_s=1, value=value) for value in values)
    return Run(module="digits", arguments={}, strategy="linear", wall_s=1, calls=calls)


async def test_of_equal_answers_one_is_kept() -> None:
    answers: list[Value] = []
    first = await asyncio.to_thread(_with_known_answers, _run("3.14", _copy_of("3.14")), answers)
    assert answers == ["3.14"]
    assert first.calls[0].value is first.calls[1].value
    _with_known_answers(_run("3.15"), answers)
    assert answers == ["3.14", "3.15"], "they differ: the person is told"
