"""The samples that Prometheus reads from the metrics, by the library's own parser."""

from collections.abc import Mapping
from typing import TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from service.observability.metrics.catalogue import Metrics

Samples: TypeAlias = Mapping[str, float]


def samples_in(text: str) -> Samples:
    """Return each value under its name and labels as they are written, the labels sorted."""
    return {
        _series(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def samples_of(metrics: Metrics) -> Samples:
    """Return the samples of a scrape."""
    body, _ = metrics.exposition("")
    return samples_in(body.decode())


def open_connections(metrics: Metrics) -> float:
    """Return how many connections are open, without a scrape, whose text takes milliseconds to parse."""
    number = metrics.registry.get_sample_value("http_connections_open")
    assert number is not None
    return number


def filled_metrics() -> Metrics:
    """Return metrics in which each metric has a series."""
    metrics = Metrics()
    metrics.request_finished("/v1/user/profile", "GET", 200, 0.002)
    metrics.request_shed("connections")
    metrics.call_finished("dynamodb", "Query", "ok", 0.2)
    metrics.upstream_retried("dynamodb")
    metrics.breaker_state("cognito", "open")
    metrics.limit_refused("address", "sign_in")
    metrics.refusal_masked("ConfirmForgotPassword", "lockout")
    metrics.activity_events("stored", 2)
    metrics.observe_batch(16)
    metrics.observe_lag(0.3)
    metrics.built_as("1.2.3")
    metrics.in_flight.set_function(lambda: 7)
    metrics.connections.set_function(lambda: 8)
    return metrics


def _series(name: str, labels: Mapping[str, str]) -> str:
    text = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
    return f"{name}{{{text}}}" if text else name
