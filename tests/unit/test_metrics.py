"""Figures, and the format that monitors read (https://prometheus.io/docs/instrumenting/exposition_formats/)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telpher.metrics import Counter, Gauge, Histogram, render

_LINE = re.compile(r'[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\\n]|\\["\\n])*")*\})? -?[0-9.e+-]+')


def test_a_counter_is_read_as_it_was_told() -> None:
    counter = Counter("calls_total", "Calls.", ("kind", "outcome"))
    counter.add("read", "ok")
    counter.add("read", "ok", amount=2)
    counter.add("write", "failed")
    assert counter.total == 4
    assert render([counter]) == (
        "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
        'calls_total{kind="read",outcome="ok"} 3\ncalls_total{kind="write",outcome="failed"} 1\n'
    )


def test_a_gauge_is_asked_each_time() -> None:
    answers = iter([1, {("a",): 2.5}])
    gauge = Gauge("room", "Room.", lambda: next(answers))
    labelled = Gauge("rooms", "Rooms.", lambda: next(answers), ("name",))
    assert render([gauge, labelled]).splitlines()[2::3] == ["room 1", 'rooms{name="a"} 2.5']


def test_a_histogram_counts_what_is_below_each_bound() -> None:
    histogram = Histogram("seconds", "Time.", buckets=(0.1, 1.0))
    for value in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(value=value)
    assert render([histogram]).splitlines()[2:] == [
        'seconds_bucket{le="0.1"} 2',
        'seconds_bucket{le="1"} 3',
        'seconds_bucket{le="+Inf"} 4',
        "seconds_sum 7.65",
        "seconds_count 4",
    ]


@given(st.lists(st.floats(0.0001, 29), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 1.0]))
def test_a_quantile_lies_in_the_bucket_of_the_true_one(values: list[float], share: float) -> None:
    histogram = Histogram("seconds", "Time.", ("kind",))
    for value in values:
        histogram.observe("a", value=value)
    found = histogram.quantile(("a",), share)
    assert found is not None
    true = sorted(values)[max(0, -(-len(values) * round(share * 100) // 100) - 1)]
    bounds = (0.0, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
    low = max(bound for bound in bounds if bound < true)
    high = min(bound for bound in bounds if bound >= true)
    assert low <= found <= high
    assert histogram.quantile(("b",), share) is None


@given(st.text(max_size=30))
def test_whatever_a_label_says_stays_one_line(label: str) -> None:
    counter = Counter("calls_total", "Calls.", ("kind",))
    counter.add(label)
    lines = render([counter]).split("\n")
    assert len(lines) == 4
    assert _LINE.fullmatch(lines[2])


def test_labels_do_not_grow_without_bound() -> None:
    counter = Counter("calls_total", "Calls.", ("kind",))
    for number in range(1000):
        counter.add(str(number))
    assert counter.total == 1000
    assert len(counter.series) == 201
    with pytest.raises(ValueError, match="kind"):
        counter.add("two", "labels")
