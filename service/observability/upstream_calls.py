"""The calls to upstreams, as the operator sees them: counted, timed, and traced where that is on."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http import HTTPStatus
from time import perf_counter
from traceback import clear_frames
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, cast

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NeverConnected

from service.circuit_breaker import UpstreamRefused
from service.domain.errors import UpstreamUnavailable
from service.observability.metrics.catalogue import Metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Span: TypeAlias = Callable[[str, str], AbstractContextManager[object]]

Client = TypeVar("Client")
Read = TypeVar("Read", bound="Callable[..., Awaitable[object]]")

COGNITO: Final = "cognito"
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
    """Open no span, as long as tracing is off."""
    del upstream, operation
    return NO_SPAN


class UpstreamTelemetry:
    """Notes each call in *metrics*, inside what *span* opens for an upstream and an operation."""

    def __init__(self, metrics: Metrics, span: Span = untraced) -> None:
        self.metrics = metrics
        self.span = span

    @contextmanager
    def made(self, upstream: str, operation: str) -> Iterator[None]:
        """Note the call that is made inside."""
        begun_at_s, outcome = perf_counter(), "ok"
        try:
            with self.span(upstream, operation):
                yield
        except BaseException as error:
            outcome = _outcome(error)
            raise
        finally:
            duration_s = perf_counter() - begun_at_s
            self.metrics.call_finished(upstream, operation, outcome, duration_s)

    def traced(self, upstream: str, operation: str, read: Read) -> Read:
        """Return *read* with a span around each of its calls; where tracing is off, as it is."""
        if self.span is untraced:
            return read

        async def traced(*arguments: Any) -> Any:  # noqa: ANN401 -- of any function
            with self.span(upstream, operation):
                return await read(*arguments)

        return cast("Read", traced)

    def watched(self, client: Client, upstream: str) -> Client:
        """Return a client of botocore whose operations are noted."""
        return cast("Client", _Watched(client, upstream, self))


class _Watched:
    """A client of botocore, each operation of which is a call."""

    def __init__(self, client: Any, upstream: str, calls: UpstreamTelemetry) -> None:  # noqa: ANN401 -- made at run time
        self._client = client
        self._upstream = upstream
        self._calls = calls

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- likewise
        """Return the client's own, which for an operation is wrapped, once."""
        member = getattr(self._client, name)
        operation = self._client.meta.method_to_api_mapping.get(name)
        if operation is None:
            return member

        async def call(**arguments: Any) -> Any:  # noqa: ANN401 -- botocore's
            with self._calls.made(self._upstream, operation):
                try:
                    return await member(**arguments)
                except Exception as error:
                    # botocore's frames hold the error that holds them: a hundred objects of each call,
                    # for whose sake the collector would stop everybody for tens of milliseconds.
                    clear_frames(error.__traceback__)
                    raise

        setattr(self, name, call)
        return call


def _outcome(error: BaseException) -> str:
    """Return the word for how a call failed."""
    if isinstance(error, ClientError):
        told = error.response
        if told.get("Error", {}).get("Code") in THROTTLED:
            return "throttled"
        status = told.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return "fault" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "refused"
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"  # its request's deadline passed, or nobody waits for it any more
    if isinstance(error, UpstreamRefused):
        return "not_sent"  # by its breaker
    return "unanswered" if isinstance(error, UNANSWERED) else "failed"
