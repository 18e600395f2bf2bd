"""Metrics and spans of the calls to upstreams."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NeverConnected

from service.circuit_breaker import UpstreamRefused
from service.domain.errors import UpstreamUnavailable
from service.observability.metrics.catalogue import Metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    Span: TypeAlias = Callable[[str, str], AbstractContextManager[object]]

Client = TypeVar("Client")
Read = TypeVar("Read", bound="Callable[..., Awaitable[object]]")

COGNITO: Final = "cognito"
COGNITO_DOMAIN: Final = "cognito_domain"
DYNAMODB: Final = "dynamodb"
KEY_SERVER: Final = "key_server"

THROTTLED: Final = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
OUTCOMES: Final = (
    "ok",
    "refused",
    "throttled",
    "fault",
    "unanswered",
    "not_sent",
    "cancelled",
    "failed",
)
NO_SPAN: Final = nullcontext()
UNANSWERED: Final = (HTTPClientError, NeverConnected, TimeoutError, UpstreamUnavailable)


def untraced(upstream: str, operation: str) -> AbstractContextManager[object]:
    """Open no span: tracing is off."""
    del upstream, operation
    return NO_SPAN


class UpstreamTelemetry:
    """Records each call in *metrics* and inside a *span* of its upstream and operation."""

    def __init__(self, metrics: Metrics, span: Span = untraced) -> None:
        self.metrics = metrics
        self.span = span

    def record(self, upstream: str, operation: str) -> RecordedCall:
        """Return a context manager that records the call that is made inside."""
        return RecordedCall(self, upstream, operation)

    def trace(self, upstream: str, operation: str, read: Read) -> Read:
        """Return *read* with a span around each of its calls; unchanged where tracing is off."""
        if self.span is untraced:
            return read

        async def traced(*arguments: Any) -> Any:  # noqa: ANN401 -- of any function
            with self.span(upstream, operation):
                return await read(*arguments)

        return cast("Read", traced)

    def instrument(self, client: Client, upstream: str) -> Client:
        """Return a client of botocore whose operations are recorded."""
        return cast("Client", _InstrumentedClient(client, upstream, self))


class RecordedCall:
    """A call that is recorded at its end."""

    __slots__ = ("_begun_at_s", "_names", "_span", "_telemetry")

    def __init__(self, telemetry: UpstreamTelemetry, upstream: str, operation: str) -> None:
        self._telemetry = telemetry
        self._names = upstream, operation

    def __enter__(self) -> None:
        """Begin the call, and its span."""
        self._begun_at_s = perf_counter()
        self._span = self._telemetry.span(*self._names)
        self._span.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the span, and record the duration and the outcome."""
        try:
            self._span.__exit__(kind, error, trace)
        finally:
            outcome = "ok" if error is None else _outcome(error)
            duration_s = perf_counter() - self._begun_at_s
            self._telemetry.metrics.call_finished(*self._names, outcome, duration_s)


class _InstrumentedClient:
    """A client of botocore that records each operation."""

    def __init__(self, client: Any, upstream: str, calls: UpstreamTelemetry) -> None:  # noqa: ANN401 -- made at run time
        self._client = client
        self._upstream = upstream
        self._calls = calls

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- likewise
        """Return the client's attribute; an operation is wrapped, once."""
        member = getattr(self._client, name)
        operation = self._client.meta.method_to_api_mapping.get(name)
        if operation is None:
            return member

        async def call(**arguments: Any) -> Any:  # noqa: ANN401 -- botocore's
            with self._calls.record(self._upstream, operation):
                return await member(**arguments)

        setattr(self, name, call)
        return call


def _outcome(error: BaseException) -> str:
    """Return the outcome of a failed call, one of OUTCOMES."""
    if isinstance(error, ClientError):
        response = error.response
        if response.get("Error", {}).get("Code") in THROTTLED:
            return "throttled"
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return "fault" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"  # its request's deadline passed, or no request waits for it any more
    if isinstance(error, UpstreamRefused):
        return "not_sent"  # by its breaker
    return "unanswered" if isinstance(error, UNANSWERED) else "failed"
