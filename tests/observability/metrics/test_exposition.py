"""The metrics are written in the requested format, with those of the process."""

import pytest
from prometheus_client import Metric

from service.observability.metrics.catalogue import Metrics
from tests.observability.metrics.samples import filled_metrics, samples_of

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.mark.parametrize(
    ("accept", "content_type", "end"),
    [("", "text/plain", ""), ("*/*", "text/plain", ""), (OPENMETRICS, OPENMETRICS, "# EOF\n")],
    ids=["nothing", "anything", "OpenMetrics"],
)
def test_format_is_negotiated(accept: str, content_type: str, end: str) -> None:
    """The format is OpenMetrics where Accept prefers it, else Prometheus' text."""
    metrics = Metrics()
    metrics.request_finished("/", "GET", 200, 0.001)

    body, written_type = metrics.exposition(accept)

    text = body.decode()
    assert written_type.startswith(content_type)
    assert 'http_requests_total{method="GET",route="/",status="200"} 1.0' in text
    assert text.endswith(end)


def test_process_metrics_are_present() -> None:
    """Memory, CPU, descriptors and garbage collection have the library's own names."""
    samples = samples_of(Metrics())

    assert samples["process_resident_memory_bytes"] > 0
    assert samples["process_open_fds"] > 0
    assert 'python_gc_collections_total{generation="2"}' in samples


def _families() -> list[Metric]:
    return [*filled_metrics().registry.collect()]


def test_names_follow_the_rules_of_prometheus() -> None:
    """A counter ends in _total, a histogram in its unit, and each help text is a sentence."""
    for family in _families():
        names = {sample.name for sample in family.samples}
        if family.type == "counter":
            assert names == {f"{family.name}_total"}  # no _created
        if family.type == "histogram":
            assert family.name.endswith(("_seconds", "_keys"))
        if not family.name.startswith(("process_", "python_")):
            assert family.documentation.endswith(".")


def test_each_metric_has_samples_once_it_was_recorded() -> None:
    """The tests of the documentation see every metric."""
    families = _families()

    assert all(family.samples for family in families)
    assert len({family.name for family in families}) == len(families)
