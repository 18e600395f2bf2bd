"""What Prometheus reads in the metrics, by the library's own parser."""

from collections.abc import Mapping
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from service.observability.metrics.catalogue import Metrics
from service.observability.metrics.exposition import Exposition

Samples: TypeAlias = Mapping[str, float]


def samples_in(text: str) -> Samples:
    """Return each value under its name and labels as they are written, the labels sorted."""
    return {
        _series(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def samples_of(metrics: Metrics) -> Samples:
    """Return what *metrics* would tell now."""
    body, _ = Exposition(metrics).written("")
    return samples_in(body.decode())


def _series(name: str, labels: Mapping[str, str]) -> str:
    told = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{told}}}" if told else name
