"""The metrics count what happened, under names and labels from closed lists."""

import pytest

from service.observability.metrics.catalogue import BREAKER_STATES, METHODS, Metrics
from tests.observability.metrics.samples import filled_metrics, samples_of


@pytest.fixture(name="metrics")
def _metrics() -> Metrics:
    return Metrics()


def test_request_is_counted_and_timed(metrics: Metrics) -> None:
    """A request counts by method, route and status; its time by method and route."""
    for status, duration_s in ((200, 0.002), (200, 0.03), (404, 0.004)):
        metrics.request_finished("/v1/user/profile", "GET", status, duration_s)

    samples = samples_of(metrics)
    who = 'method="GET",route="/v1/user/profile"'
    assert samples[f'http_requests_total{{{who},status="200"}}'] == 2
    assert samples[f'http_requests_total{{{who},status="404"}}'] == 1
    assert samples[f"http_request_duration_seconds_count{{{who}}}"] == 3
    assert samples[f"http_request_duration_seconds_sum{{{who}}}"] == pytest.approx(0.036)
    where = 'le="0.005",' + who
    assert samples[f"http_request_duration_seconds_bucket{{{where}}}"] == 2


def test_unknown_methods_make_no_series(metrics: Metrics) -> None:
    """Methods that no route has are counted as one, and nothing is kept for them."""
    for number in range(1_000):
        metrics.request_finished(None, f"METHOD{number}", 404, 0.001)
        metrics.request_refused(f"METHOD{number}", 400)

    samples = samples_of(metrics)
    counted = {name: value for name, value in samples.items() if "http_requests_total" in name}
    assert counted == {
        'http_requests_total{method="other",route="none",status="404"}': 1_000,
        'http_requests_total{method="other",route="none",status="400"}': 1_000,
    }
    assert metrics._request_series == {}  # noqa: SLF001 -- what would grow


def test_time_at_a_bound_is_in_its_bucket(metrics: Metrics) -> None:
    """A bound belongs to its bucket; a request that was refused before its route has no time."""
    metrics.request_refused("PUT", 400)
    for duration_s in (0.005, 10, 10.5):
        metrics.request_finished("/", "GET", 200, duration_s)

    samples = samples_of(metrics)
    buckets = {
        bound: samples[
            f'http_request_duration_seconds_bucket{{le="{bound}",method="GET",route="/"}}'
        ]
        for bound in ("0.0025", "0.005", "5.0", "10.0", "+Inf")
    }
    assert buckets == {"0.0025": 0, "0.005": 1, "5.0": 1, "10.0": 2, "+Inf": 3}
    assert not any("duration_seconds" in name and "PUT" in name for name in samples)


@pytest.mark.parametrize("method", sorted(METHODS))
def test_methods_of_routes_have_their_own_series(metrics: Metrics, method: str) -> None:
    """A method that routes have is counted under its name."""
    metrics.request_refused(method, 400)

    name = f'http_requests_total{{method="{method}",route="none",status="400"}}'
    assert samples_of(metrics)[name] == 1


def test_breaker_is_in_one_state(metrics: Metrics) -> None:
    """Of the states of a breaker the current one is 1."""
    for state in BREAKER_STATES:
        metrics.breaker_state("cognito", state)

        samples = samples_of(metrics)
        assert {
            each: samples[f'upstream_breaker_state{{state="{each}",upstream="cognito"}}']
            for each in BREAKER_STATES
        } == {each: float(each == state) for each in BREAKER_STATES}


def test_every_other_metric_is_recorded() -> None:
    """Calls, attempts, refusals, sizes and the build each have their series."""
    samples = samples_of(filled_metrics())

    assert samples['http_requests_shed_total{reason="connections"}'] == 1
    assert samples['upstream_calls_total{operation="Query",outcome="ok",upstream="dynamodb"}'] == 1
    timed = 'upstream_call_duration_seconds_sum{operation="Query",upstream="dynamodb"}'
    assert samples[timed] == 0.2
    assert samples['upstream_retries_total{upstream="dynamodb"}'] == 1
    assert samples['limiter_refusals_total{kind="sign_in",limit="address"}'] == 1
    masked = 'operation="ConfirmForgotPassword",reason="lockout"'
    assert samples[f"cognito_refusals_masked_total{{{masked}}}"] == 1
    assert samples["batched_read_keys_sum"] == 16
    assert samples["event_loop_lag_seconds_sum"] == 0.3
    assert (samples["http_requests_in_flight"], samples["http_connections_open"]) == (7, 8)
    (build,) = (name for name in samples if name.startswith("user_profile_service_build_info"))
    assert 'version="1.2.3"' in build


def test_applications_share_nothing(metrics: Metrics) -> None:
    """Metrics of one application are not in those of another in the same process."""
    metrics.request_shed("requests")

    assert 'http_requests_shed_total{reason="requests"}' not in samples_of(Metrics())
