"""Every metric of the service; docs/observability.md says what each is for."""

import platform
from typing import Final, NamedTuple

from service.observability.metrics.instruments import (
    Count,
    Counter,
    Distribution,
    Gauge,
    Histogram,
    Instrument,
)

# Seconds; the last is beyond the default of request-deadline-s.
DURATIONS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LAGS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)
GATHERED_KEYS: Final = (1, 2, 4, 8, 16, 32, 64, 100)  # 100 is the most that one call takes
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
BREAKER_STATES: Final = ("closed", "half_open", "open")
OTHER: Final = "other"  # a method that no route has: a client can write any word there
NO_ROUTE: Final = "none"


class _OfRequests(NamedTuple):
    """Where the requests of one route, method and status are counted."""

    requests: Count
    durations: Distribution


class Metrics:
    """
    What one application measures: all that it counts is its own, so several can share a process.

    Every method may be called on every request; labels take only values from lists that end.
    """

    def __init__(self) -> None:
        self._requests = Counter(
            "http_requests_total", "Requests that were answered.", ("method", "route", "status")
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time from the request's header to its answer.",
            ("method", "route"),
            buckets=DURATIONS_S,
        )
        self.in_flight = Gauge(
            "http_requests_in_flight", "Requests being served, health checks aside."
        )
        self._shed = Counter(
            "http_requests_shed_total",
            "Requests and connections refused because there were too many at once.",
            ("reason",),
        )
        self.connections = Gauge("http_connections_open", "Open connections of clients.")
        self._calls = Counter(
            "upstream_calls_total",
            "UpstreamTelemetry to upstreams that ended, with all their attempts.",
            ("upstream", "operation", "outcome"),
        )
        self._call_durations = Histogram(
            "upstream_call_duration_seconds",
            "Time of a call to an upstream, with all its attempts.",
            ("upstream", "operation"),
            buckets=DURATIONS_S,
        )
        self._retries = Counter(
            "upstream_retries_total", "Attempts beyond the first of a call.", ("upstream",)
        )
        self._breakers = Gauge(
            "upstream_breaker_state",
            "1 for the state that the breaker of an upstream is in, 0 for the others.",
            ("upstream", "state"),
        )
        self._gathered = Histogram(
            "gathered_read_keys", "Profiles that one gathered read asks for.", buckets=GATHERED_KEYS
        )
        self._limited = Counter(
            "limiter_refusals_total",
            "UpstreamTelemetry that a limit of the front door refused.",
            ("limit", "kind"),
        )
        self._masked = Counter(
            "cognito_refusals_masked_total",
            "Refusals of Cognito whose reason the caller was not told.",
            ("operation", "reason"),
        )
        self._lag = Histogram(
            "event_loop_lag_seconds",
            "How much later than it was due a timer of the event loop ran.",
            buckets=LAGS_S,
        )
        self._build = Gauge(
            "user_profile_service_build_info",
            "1; the labels tell the build.",
            ("version", "python"),
        )
        self._of_requests: dict[tuple[str | None, str, int], _OfRequests] = {}
        self.observe_gathered = self._gathered.of().observe
        self.observe_lag = self._lag.of().observe

    def instruments(self) -> list[Instrument]:
        """Return all instruments, in the order of the catalogue."""
        return [value for value in vars(self).values() if isinstance(value, Instrument)]

    def built_as(self, version: str) -> None:
        """Tell the version of the service."""
        self._build.set(1, version, platform.python_version())

    def request_finished(
        self, route: str | None, method: str, status: int, duration_s: float
    ) -> None:
        """Count a request and its time; *route* is the template of its path, None where none fits."""
        found = self._of_requests.get((route, method, status))
        if found is None:
            found = self._first_of(route, method, status)
        found.requests.value += 1
        found.durations.observe(duration_s)

    def request_refused(self, method: str, status: int) -> None:
        """Count a request that was refused before it came to a route."""
        self._requests.add(_bounded(method), NO_ROUTE, str(status))

    def request_shed(self, reason: str) -> None:
        """Count a request or a connection that was one too many."""
        self._shed.add(reason)

    def call_finished(self, upstream: str, operation: str, outcome: str, duration_s: float) -> None:
        """Count a call to an upstream and its time."""
        self._calls.add(upstream, operation, outcome)
        self._call_durations.of(upstream, operation).observe(duration_s)

    def upstream_retried(self, upstream: str) -> None:
        """Count an attempt beyond the first."""
        self._retries.add(upstream)

    def breaker_state(self, upstream: str, state: str) -> None:
        """Tell which of BREAKER_STATES the breaker of an upstream is in now."""
        for each in BREAKER_STATES:
            self._breakers.set(float(each == state), upstream, each)

    def limit_refused(self, limit: str, kind: str) -> None:
        """Count a refusal of a limit, of a kind of call."""
        self._limited.add(limit, kind)

    def refusal_masked(self, operation: str, reason: str) -> None:
        """Count a refusal of Cognito whose reason the caller is not told."""
        self._masked.add(operation, reason)

    def _first_of(self, route: str | None, method: str, status: int) -> _OfRequests:
        """Make the place where such requests are counted; it is kept only for names that are ours."""
        labels = (_bounded(method), NO_ROUTE if route is None else route)
        made = _OfRequests(self._requests.of(*labels, str(status)), self._durations.of(*labels))
        if method in METHODS:
            self._of_requests[route, method, status] = made
        return made


def _bounded(method: str) -> str:
    return method if method in METHODS else OTHER
