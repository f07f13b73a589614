"""Every way and every vector width of `search` agrees with the plain-Python reference, and with kernel 0 where that is slow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telpher.compute import modules, python_threads, reference
from telpher.compute.kernels import pool, search, widths
from telpher.compute.port import Arguments, CallCancelledError, Value

MODULE = modules.registry()["search"]
WIDTHS = widths.supported()
INT32 = st.integers(-(2**31), 2**31 - 1)


def call(**arguments: int | str) -> Value:
    complete: Arguments = MODULE.complete(arguments)
    return python_threads.call_module(MODULE, complete, pool.Control())


def lower_bounds(keys: list[int], queries: list[int], width: str) -> tuple[list[int], list[int]]:
    sorted_keys, asked = np.array(keys, np.int32), np.array(queries, np.int32)
    by_index, by_halving = np.full(len(queries), -7, np.int64), np.full(len(queries), -7, np.int64)
    search.Index(sorted_keys, width).search(asked, by_index)
    search.halving(sorted_keys, asked, by_halving, width)
    return by_index.tolist(), by_halving.tolist()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("way", ["plain", "fresh", "warm"])
@settings(deadline=None, max_examples=40)
@given(n=st.integers(1, 3000), sought=st.integers(-1, 3100))
def test_one_search_agrees_with_the_reference(way: str, width: str, n: int, sought: int) -> None:
    arguments = MODULE.complete({"way": way, "n": n, "sought": sought, "width": width})
    assert call(**arguments) == MODULE.reference(arguments)


@pytest.mark.parametrize("width", WIDTHS)
@settings(deadline=None, max_examples=25)
@given(n=st.integers(1, 6000), queries=st.integers(1, 5000))
def test_a_batch_agrees_with_the_reference(width: str, n: int, queries: int) -> None:
    arguments = MODULE.complete({"way": "batch", "n": n, "queries": queries, "width": width})
    assert call(**arguments) == MODULE.reference(arguments)


@pytest.mark.parametrize("width", WIDTHS)
@settings(deadline=None, max_examples=150)
@given(keys=st.lists(INT32, max_size=700).map(sorted), queries=st.lists(INT32, max_size=300), data=st.data())
def test_positions_among_any_keys(width: str, keys: list[int], queries: list[int], data: st.DataObject) -> None:
    if keys:  # what is there, and its neighbours, are the interesting queries
        chosen = data.draw(st.lists(st.sampled_from(keys), max_size=100))
        queries = queries + chosen + [min(key + 1, 2**31 - 1) for key in chosen]
    expected = reference.lower_bounds(keys, queries)
    assert lower_bounds(keys, queries, width) == (expected, expected)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("size", [15, 16, 17, 271, 272, 273, 16 * 17 * 17, 16 * 17 * 17 + 1, 100_003])
def test_positions_where_the_tree_grows_a_level(width: str, size: int) -> None:
    keys = np.repeat(np.arange(-(2**31), 2**31 - 1, 2**32 // size, dtype=np.int64)[: (size + 2) // 3], 3)[:size].astype(
        np.int32
    )
    queries = np.concatenate([keys, keys - (keys > -(2**31)), [-(2**31), 2**31 - 1]]).astype(np.int32)
    expected = np.searchsorted(keys, queries)
    by_index, by_halving = np.empty(len(queries), np.int64), np.empty(len(queries), np.int64)
    search.Index(keys, width).search(queries, by_index)
    search.halving(keys, queries, by_halving, width)
    np.testing.assert_array_equal(by_index, expected)
    np.testing.assert_array_equal(by_halving, expected)


@pytest.mark.parametrize("width", WIDTHS)
def test_keys_that_begin_off_a_cache_line(width: str) -> None:
    shifted = np.arange(10_001, dtype=np.int32)[1:]
    found = np.empty(10_000, np.int64)
    search.Index(shifted, width).search(shifted, found)
    np.testing.assert_array_equal(found, np.arange(10_000))


def test_golden_answers_on_large_arrays() -> None:
    assert call(n=30_000_000) == 29_999_999
    for width in WIDTHS:
        assert call(way="fresh", n=30_000_000, sought=12_345_678, width=width) == 12_345_678
        assert call(way="warm", n=30_000_000, sought=12_345_678, width=width) == 12_345_678
        assert call(way="warm", n=20_000_000, sought=29_999_999, width=width) == -1, (
            "what an earlier call left is not found"
        )
        assert call(way="batch", n=30_000_000, queries=300_000, width=width) == 4498223173100
    search.cool()


def test_room_for_the_answers_is_checked() -> None:
    index = search.Index(np.arange(100, dtype=np.int32))
    with pytest.raises(ValueError, match="room for 2"):
        index.search(np.zeros(3, np.int32), np.zeros(2, np.int64))
    with pytest.raises(ValueError, match="32-bit"):
        index.search(np.zeros(3, np.int64), np.zeros(3, np.int64))
    with pytest.raises(ValueError, match="no avx1024"):
        search.Index(np.arange(100, dtype=np.int32), "avx1024")


def test_a_cancelled_call_stops() -> None:
    for way in ("plain", "fresh", "warm", "batch"):
        control = pool.Control()
        control.cancel()
        outcome = pool.call(
            search.kernel(), (["plain", "fresh", "warm", "batch"].index(way), 10**8, -1, 0, 10**6), control
        )
        assert outcome[0] == 1
        with pytest.raises(CallCancelledError):
            python_threads.call_module(MODULE, MODULE.complete({"way": way, "n": 10**8}), control)
    search.cool()


def test_the_kernel_refuses_what_is_out_of_its_bounds() -> None:
    for arguments in [(9, 10, -1, 0, 1), (0, 0, -1, 0, 1), (0, 2**31, -1, 0, 1), (3, 10, -1, 0, -1)]:
        assert pool.call(search.kernel(), arguments, pool.Control())[0] == 4
    assert pool.call(search.kernel(), (1, 10, -1, 99, 1), pool.Control())[0] == 3
