"""Counters only grow, gauges follow what they stand for, histograms count by their bounds."""

from service.observability.metrics.instruments import Counter, Gauge, Histogram


def test_counter_counts_by_labels() -> None:
    """Each combination of labels has a count of its own, which comes to be when it first occurs."""
    counter = Counter("things_total", "Things.", ("colour",))
    counter.add("red")
    counter.add("red")
    counter.of("blue")

    assert counter.values() == {("red",): 2, ("blue",): 0}


def test_gauge_is_set_or_followed() -> None:
    """A gauge tells what it was set to last, or what is true when it is asked."""
    gauge = Gauge("things", "Things.", ("colour",))
    there: list[int] = []
    gauge.set(3, "red")
    gauge.set(2, "red")
    gauge.follow(lambda: len(there), "blue")
    there.append(1)

    assert gauge.values() == {("red",): 2, ("blue",): 1}


def test_histogram_counts_what_is_at_most_a_bound() -> None:
    """A value that equals a bound is inside it; what is beyond all is in the last."""
    histogram = Histogram("sizes", "Sizes.", buckets=(1, 2.5))
    for value in (0.5, 1, 1.1, 2.5, 99):
        histogram.of().observe(value)

    (distribution,) = histogram.values().values()
    assert distribution.cumulative() == [("1.0", 2), ("2.5", 4), ("+Inf", 5)]
    assert distribution.sum == 104.1
