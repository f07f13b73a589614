"""Figures that Telpher keeps of itself, and how a monitor reads them: Prometheus' text format.

Counters and histograms are told by whoever knows; gauges are asked when somebody looks, so that what nobody reads costs nothing.
Everything happens on the event loop. https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

Labels = tuple[str, ...]
_SERIES_LIMIT = 200
_OTHER = "other"

LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Family:
    """One metric with all its series. A series too many is counted under `other`: no label can grow without bound."""

    kind = "untyped"

    def __init__(self, name: str, about: str, label_names: Labels) -> None:
        self.name = name
        self.about = about
        self.label_names = label_names

    def lines(self) -> Iterator[str]:
        yield f"# HELP {self.name} {self.about}"
        yield f"# TYPE {self.name} {self.kind}"
        yield from self.samples()

    def samples(self) -> Iterator[str]:
        raise AssertionError("each kind of metric has its own")

    def _known(self, series: Mapping[Labels, object], labels: Labels) -> Labels:
        if len(labels) != len(self.label_names):
            raise ValueError(f"{self.name} has the labels {self.label_names}")
        return labels if labels in series or len(series) < _SERIES_LIMIT else (_OTHER,) * len(labels)

    def _sample(self, labels: Labels, value: float, suffix: str = "", extra: str = "") -> str:
        pairs = [f'{name}="{_escaped(label)}"' for name, label in zip(self.label_names, labels, strict=True)]
        inside = ",".join([*pairs, extra] if extra else pairs)
        return f"{self.name}{suffix}{'{' + inside + '}' if inside else ''} {value:.12g}"


class Counter(Family):
    """Only ever grows."""

    kind = "counter"

    def __init__(self, name: str, about: str, label_names: Labels = ()) -> None:
        super().__init__(name, about, label_names)
        self._series: dict[Labels, float] = {} if label_names else {(): 0.0}

    def add(self, *labels: str, amount: float = 1) -> None:
        """Count `amount` more for the series with these labels."""
        labels = self._known(self._series, labels)
        self._series[labels] = self._series.get(labels, 0.0) + amount

    @property
    def series(self) -> Mapping[Labels, float]:
        return self._series

    @property
    def total(self) -> float:
        """Over all series."""
        return sum(self._series.values())

    def samples(self) -> Iterator[str]:
        for labels, value in sorted(self._series.items()):
            yield self._sample(labels, value)


class Gauge(Family):
    """Asked when somebody looks: one number, or one for each series."""

    kind = "gauge"

    def __init__(
        self, name: str, about: str, ask: Callable[[], float | Mapping[Labels, float]], label_names: Labels = ()
    ) -> None:
        super().__init__(name, about, label_names)
        self._ask = ask

    def samples(self) -> Iterator[str]:
        answer = self._ask()
        series = answer if isinstance(answer, Mapping) else {(): answer}
        for labels, value in sorted(series.items()):
            yield self._sample(labels, value)


class Histogram(Family):
    """How long things took: in buckets for a monitor, and as quantiles for a person."""

    kind = "histogram"

    def __init__(
        self, name: str, about: str, label_names: Labels = (), buckets: Sequence[float] = LATENCY_BUCKETS_S
    ) -> None:
        super().__init__(name, about, label_names)
        self._bounds = tuple(buckets)
        self._series: dict[Labels, tuple[list[int], list[float]]] = {}

    def observe(self, *labels: str, value: float) -> None:
        """One more took `value`."""
        labels = self._known(self._series, labels)
        counts, total = self._series.setdefault(labels, ([0] * (len(self._bounds) + 1), [0.0]))
        counts[bisect.bisect_left(self._bounds, value)] += 1
        total[0] += value

    def counts(self) -> Mapping[Labels, int]:
        """How many were observed of each series."""
        return {labels: sum(counts) for labels, (counts, _) in self._series.items()}

    def quantile(self, labels: Labels, share: float) -> float | None:
        """What `share` of the observed stayed below, within a bucket in proportion; None when nothing was observed."""
        counts, _ = self._series.get(labels, ([], []))
        wanted = share * sum(counts)
        if not wanted:
            return None
        below = 0
        for index, count in enumerate(counts):
            if count and below + count >= wanted:
                low = self._bounds[index - 1] if index else 0.0
                high = self._bounds[index] if index < len(self._bounds) else low
                return low + (high - low) * (wanted - below) / count
            below += count
        return self._bounds[-1]

    def samples(self) -> Iterator[str]:
        for labels, (counts, total) in sorted(self._series.items()):
            below = 0
            for bound, count in zip(self._bounds, counts, strict=False):
                below += count
                yield self._sample(labels, below, "_bucket", f'le="{bound:g}"')
            yield self._sample(labels, sum(counts), "_bucket", 'le="+Inf"')
            yield self._sample(labels, total[0], "_sum")
            yield self._sample(labels, sum(counts), "_count")


def render(families: Iterable[Family]) -> str:
    """All of them as a monitor reads them."""
    return "".join(f"{line}\n" for family in families for line in family.lines())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
