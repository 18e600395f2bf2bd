"""The metrics leave in the format that is asked for, with what is known of the process."""

import pytest

from service.observability.metrics.catalogue import Metrics
from service.observability.metrics.exposition import Exposition
from tests.observability.metrics.samples import samples_of

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@pytest.mark.parametrize(
    ("accept", "content_type", "end"),
    [("", "text/plain", ""), ("*/*", "text/plain", ""), (OPENMETRICS, OPENMETRICS, "# EOF\n")],
    ids=["nothing", "anything", "OpenMetrics"],
)
def test_format_is_the_one_asked_for(accept: str, content_type: str, end: str) -> None:
    """Prometheus' text for everybody, OpenMetrics for those who ask for it."""
    metrics = Metrics()
    metrics.request_finished("/", "GET", 200, 0.001)

    body, told = Exposition(metrics).written(accept)

    text = body.decode()
    assert told.startswith(content_type)
    assert 'http_requests_total{method="GET",route="/",status="200"} 1.0' in text
    assert text.endswith(end)


def test_process_tells_of_itself() -> None:
    """Memory, CPU, descriptors and the collector's work are there by the library's own names."""
    samples = samples_of(Metrics())

    assert samples["process_resident_memory_bytes"] > 0
    assert samples["process_open_fds"] > 0
    assert 'python_gc_collections_total{generation="2"}' in samples


def test_names_keep_prometheus_rules() -> None:
    """A counter ends in _total, a histogram in its base unit, and each says what it is."""
    instruments = Metrics().instruments()

    for instrument in instruments:
        kind = type(instrument).__name__
        assert instrument.name.endswith("_total") == (kind == "Counter")
        if kind == "Histogram":
            assert instrument.name.endswith(("_seconds", "_keys"))
        assert instrument.text.endswith(".")
    assert len({instrument.name for instrument in instruments}) == len(instruments)
