"""
Counters, gauges and histograms: numbers that one event loop changes and that are read now and then.

Those of prometheus_client take a lock for every change: a request's two cost 2.1 us there, and 0.3 here.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from itertools import accumulate
from typing import TypeAlias

Labels: TypeAlias = tuple[str, ...]


class _Instrument:
    """What all have: a name, what it means, and the names of its labels."""

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        self.name = name
        self.text = text
        self.labels = labels


class Count:
    """A number that only grows."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Counter(_Instrument):
    """A count for each combination of labels that has occurred."""

    def __init__(self, name: str, text: str, labels: Labels) -> None:
        super().__init__(name, text, labels)
        self._counts: dict[Labels, Count] = {}

    def of(self, *labels: str) -> Count:
        """Return the count of these labels; who counts often keeps it."""
        count = self._counts.get(labels)
        if count is None:
            count = self._counts[labels] = Count()
        return count

    def add(self, *labels: str) -> None:
        """Count one of these labels."""
        self.of(*labels).value += 1

    def values(self) -> Mapping[Labels, int]:
        """Return all counts."""
        return {labels: count.value for labels, count in self._counts.items()}


class Gauge(_Instrument):
    """A number that goes up and down for each combination of labels: set, or read where it is kept."""

    def __init__(self, name: str, text: str, labels: Labels = ()) -> None:
        super().__init__(name, text, labels)
        self._values: dict[Labels, float] = {}
        self._read: dict[Labels, Callable[[], float]] = {}

    def set(self, value: float, *labels: str) -> None:
        """Set the number of these labels."""
        self._values[labels] = value

    def follow(self, read: Callable[[], float], *labels: str) -> None:
        """Read the number of these labels by *read*, whenever it is asked for."""
        self._read[labels] = read

    def values(self) -> Mapping[Labels, float]:
        """Return all numbers."""
        return {**self._values, **{labels: read() for labels, read in self._read.items()}}


class Distribution:
    """How many values were at most each of *bounds*, and their sum."""

    __slots__ = ("_bounds", "_counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Note a value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def cumulative(self) -> list[tuple[str, int]]:
        """Return how many values were at most each bound, the last of which is +Inf."""
        names = (*(str(float(bound)) for bound in self._bounds), "+Inf")
        return list(zip(names, accumulate(self._counts), strict=True))


class Histogram(_Instrument):
    """A distribution for each combination of labels that has occurred."""

    def __init__(
        self, name: str, text: str, labels: Labels = (), *, buckets: tuple[float, ...]
    ) -> None:
        super().__init__(name, text, labels)
        self.buckets = buckets
        self._distributions: dict[Labels, Distribution] = {}

    def of(self, *labels: str) -> Distribution:
        """Return the distribution of these labels; who observes often keeps it."""
        distribution = self._distributions.get(labels)
        if distribution is None:
            distribution = self._distributions[labels] = Distribution(self.buckets)
        return distribution

    def values(self) -> Mapping[Labels, Distribution]:
        """Return all distributions."""
        return self._distributions


Instrument: TypeAlias = Counter | Gauge | Histogram
