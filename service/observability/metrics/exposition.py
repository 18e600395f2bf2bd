"""The metrics in Prometheus' own formats, by its library."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from service.observability.metrics.catalogue import Metrics
from service.observability.metrics.instruments import Counter, Gauge, Instrument

TOTAL: Final = "_total"  # the library appends it


class Exposition:
    """Writes what *metrics* says at the moment, and what the library finds of the process itself."""

    def __init__(self, metrics: Metrics) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(_Collector(metrics))
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def written(self, accept: str) -> tuple[bytes, str]:
        """Return the metrics in the format that an Accept header prefers, and its content type."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self._registry), content_type


class _Collector(Collector):
    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics as they are now."""
        return map(_family, self._metrics.instruments())


def _family(instrument: Instrument) -> Metric:
    name, text, labels = instrument.name, instrument.text, instrument.labels
    if isinstance(instrument, Counter):
        counts = CounterMetricFamily(name.removesuffix(TOTAL), text, labels=labels)
        for of, count in instrument.values().items():
            counts.add_metric(of, count)
        return counts
    if isinstance(instrument, Gauge):
        numbers = GaugeMetricFamily(name, text, labels=labels)
        for of, number in instrument.values().items():
            numbers.add_metric(of, number)
        return numbers
    distributions = HistogramMetricFamily(name, text, labels=labels)
    for of, distribution in instrument.values().items():
        distributions.add_metric(of, distribution.cumulative(), distribution.sum)
    return distributions
