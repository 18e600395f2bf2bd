"""Every metric of the service; docs/observability.md describes each."""

import platform
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from service.observability.metrics.timed_counter import Series, Text, TimedCounter

LAGS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
BATCHED_KEYS: Final = (1, 2, 4, 8, 16, 32, 64, 100)  # BatchGetItem takes at most 100
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
BREAKER_STATES: Final = ("closed", "half_open", "open")
OTHER: Final = "other"  # a method that no route has: a client can write any word there
NO_ROUTE: Final = "none"


class Metrics:
    """
    The metrics of one application, in a registry of its own, so that one process can hold several.

    Turns the library's `_created` series off for the process: they would double the counters. Labels
    take values from closed lists only, whatever clients send.
    """

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no type for it
        self.registry = registry = CollectorRegistry(auto_describe=False)
        self._requests = TimedCounter(
            Text("http_requests_total", "Requests that were answered."),
            Text("http_request_duration_seconds", "Time from the request's header to its answer."),
            ("method", "route", "status"),
            registry,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight",
            "Requests being served, health checks aside.",
            registry=registry,
        )
        self._shed = Counter(
            "http_requests_shed_total",
            "Requests and connections refused because there were too many at once.",
            ("reason",),
            registry=registry,
        )
        self.connections = Gauge(
            "http_connections_open", "Open connections of clients.", registry=registry
        )
        self._calls = TimedCounter(
            Text("upstream_calls_total", "Calls to upstreams that ended, with all their attempts."),
            Text(
                "upstream_call_duration_seconds",
                "Time of a call to an upstream, with all its attempts.",
            ),
            ("upstream", "operation", "outcome"),
            registry,
        )
        self._retries = Counter(
            "upstream_retries_total",
            "Attempts beyond the first of a call.",
            ("upstream",),
            registry=registry,
        )
        self._breakers = Gauge(
            "upstream_breaker_state",
            "1 for the state that the breaker of an upstream is in, 0 for the others.",
            ("upstream", "state"),
            registry=registry,
        )
        batched_keys = Histogram(
            "batched_read_keys",
            "Items that one batched read requests.",
            registry=registry,
            buckets=BATCHED_KEYS,
        )
        self._limited = Counter(
            "limiter_refusals_total",
            "Calls that a rate limit refused.",
            ("limit", "kind"),
            registry=registry,
        )
        self._masked = Counter(
            "cognito_refusals_masked_total",
            "Refusals of Cognito whose reason the response does not reveal.",
            ("operation", "reason"),
            registry=registry,
        )
        self._activity_events = Counter(
            "activity_events_total",
            "Events of users' activity, by what became of them.",
            ("result",),
            registry=registry,
        )
        lag = Histogram(
            "event_loop_lag_seconds",
            "How much later than it was due a timer of the event loop ran.",
            registry=registry,
            buckets=LAGS_S,
        )
        self._build = Gauge(
            "user_profile_service_build_info",
            "1; the labels name the build.",
            ("version", "python"),
            registry=registry,
        )
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self.observe_batch = batched_keys.observe
        self.observe_lag = lag.observe
        self._request_series: dict[tuple[str | None, str, int], Series] = {}

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """
        Return all metrics in the format that an Accept header prefers, and its content type.

        A malformed header prefers none.
        """
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # of a version that is no number
            encode, content_type = choose_encoder("")
        return encode(self.registry), content_type

    def built_as(self, version: str) -> None:
        """Set the version of the service."""
        self._build.labels(version, platform.python_version()).set(1)

    def request_finished(
        self, route: str | None, method: str, status: int, duration_s: float
    ) -> None:
        """Count a request and its time; *route* is the template of its path, None where none fits."""
        series = self._request_series.get((route, method, status))
        if series is None:
            series = self._new_request_series(route, method, status)
        series.ended(duration_s)

    def request_refused(self, method: str, status: int) -> None:
        """Count a request that was refused before it reached a route."""
        self._requests.series(_bounded(method), NO_ROUTE, str(status)).count += 1

    def request_shed(self, reason: str) -> None:
        """Count a request or a connection beyond the limit of requests or connections."""
        self._shed.labels(reason).inc()

    def call_finished(self, upstream: str, operation: str, outcome: str, duration_s: float) -> None:
        """Count a call to an upstream and its time."""
        self._calls.series(upstream, operation, outcome).ended(duration_s)

    def upstream_retried(self, upstream: str) -> None:
        """Count an attempt beyond the first."""
        self._retries.labels(upstream).inc()

    def breaker_state(self, upstream: str, state: str) -> None:
        """Set the state of an upstream's breaker, one of BREAKER_STATES."""
        for each in BREAKER_STATES:
            self._breakers.labels(upstream, each).set(each == state)

    def limit_refused(self, limit: str, kind: str) -> None:
        """Count a refusal of a rate limit, by the kind of call."""
        self._limited.labels(limit, kind).inc()

    def refusal_masked(self, operation: str, reason: str) -> None:
        """Count a refusal of Cognito whose reason the response does not reveal."""
        self._masked.labels(operation, reason).inc()

    def activity_events(self, result: str, number: int) -> None:
        """Count events of activity that were stored or dropped."""
        self._activity_events.labels(result).inc(number)

    def _new_request_series(self, route: str | None, method: str, status: int) -> Series:
        """Return the series of such requests, kept for methods of METHODS only."""
        bounded_route = NO_ROUTE if route is None else route
        series = self._requests.series(_bounded(method), bounded_route, str(status))
        if method in METHODS:
            self._request_series[route, method, status] = series
        return series


def _bounded(method: str) -> str:
    return method if method in METHODS else OTHER
