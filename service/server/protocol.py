"""
The connections of the server: their time limits, and the refusals that need no application.

What aiohttp's parser refuses never reaches a middleware: aiohttp responds with the offending line as text
and logs it with a traceback, tokens included. Here the response is a problem, the log has one line, and
neither repeats the bytes.
"""

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from aiohttp import hdrs, web
from aiohttp.streams import EMPTY_PAYLOAD

from service.api import keys
from service.api.http_errors import MalformedRequest, RequestTimeout, is_client_gone
from service.api.middlewares.request_context import complete, new_request_id
from service.api.problem_details import client_gone, problem
from service.domain.errors import DeadlineExceeded, InternalError, ServiceError
from service.observability.metrics.catalogue import Metrics
from service.server.aiohttp_internals import ReceivedRequest
from service.server.connection_limits import ConnectionLimits, overload_response
from service.server.header_limits import UNREADABLE, HeaderLimits, has_pipelined_bytes
from service.server.write_timeout import WriteTimeout

HANG_UP_S: Final = 1.0  # for a client that was refused while it was still sending
MAX_DISCARDED_BYTES: Final = 1_048_576  # of such a client; most send everything before they read
MAX_QUEUED_REQUESTS: Final = 2

HEADER: Final = object()  # what a connection waits for, where it is not the body of a request


class Protocol(WriteTimeout):
    """A connection."""

    __slots__ = (
        "_awaited",
        "_body",
        "_discarded_bytes",
        "_lost",
        "_timer",
        "_unreadable",
        "header_limits",
        "limits",
    )

    def __init__(
        self,
        manager: web.Server,
        limits: ConnectionLimits,
        **options: Any,  # noqa: ANN401 -- aiohttp's own
    ) -> None:
        super().__init__(
            manager,
            write_timeout_s=limits.write_timeout_s,
            max_queued_requests=MAX_QUEUED_REQUESTS,
            **options,
        )
        self.limits = limits
        self.header_limits = HeaderLimits()
        self._timer: asyncio.TimerHandle | None = None
        self._awaited: object = None  # what the timer limits: HEADER, or a body
        self._body = EMPTY_PAYLOAD  # of the request that was received last
        self._unreadable = False
        self._discarded_bytes = 0
        self._lost: asyncio.Future[None] | None = None  # of a client that gets a moment to read

    @property
    def metrics(self) -> Metrics:
        """The metrics that count the refusals."""
        return self.limits.metrics

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the time limit of the first header, or refuse a connection beyond the limit."""
        super().connection_made(transport)
        self.limits.open += 1
        if self.limits.open > self.limits.max_open:
            self._unreadable = True
            self.metrics.request_shed("connections")
            cast("asyncio.Transport", transport).write(overload_response(new_request_id()))
            self.force_close()
        else:
            self._start_timer(HEADER, self.limits.header_timeout_s)

    def data_received(self, data: bytes) -> None:
        """Parse *data*; the reader of a body that turns out to be malformed fails."""
        if self._unreadable:
            self._discard(data)
            return
        received = self.received_requests
        super().data_received(self.header_limits.filtered(data))
        newest = self.newest_request
        if newest is not None:
            if newest.content_length is None:
                self._give_up_body(web.RequestPayloadError())
                return
            self._body = newest.body
            if self.is_serving:
                self.pause_until_served()
        self._limit_time(data, newest if self.received_requests > received else None)

    def _limit_time(self, data: bytes, received: ReceivedRequest | None) -> None:
        """Restart or stop the timer after *data*, in which the header of *received* ended."""
        if not self._body.is_eof():
            self._start_timer(self._body, self.limits.body_timeout_s)
        elif received is not None:
            self._stop_timer()
            if has_pipelined_bytes(data, received.content_length or 0):
                self.pause_until_served()
                self._start_timer(HEADER, self.limits.header_timeout_s)
        elif self._awaited is self._body:
            self._stop_timer()
        elif data:  # aiohttp calls with none to parse what it has buffered
            self._start_timer(HEADER, self.limits.header_timeout_s)
            if not self.header_limits.within_limit(data):
                self.data_received(UNREADABLE)

    def _discard(self, data: bytes) -> None:
        """Discard what follows the last request that is served; beyond a bound, stop reading."""
        self._discarded_bytes += len(data)
        if self._discarded_bytes > MAX_DISCARDED_BYTES and self.transport is not None:
            self.transport.pause_reading()

    def _start_timer(self, awaited: object, timeout_s: float) -> None:
        """Give *awaited*, of which a part was received, *timeout_s* from that part on."""
        if self._awaited is not awaited:
            self._stop_timer()
            self._awaited = awaited
            self._timer = self.loop.call_later(timeout_s, self._on_timeout)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._awaited = None
            self.header_limits.reset()

    def _on_timeout(self) -> None:
        if self._awaited is not HEADER:
            self._give_up_body(RequestTimeout())
        elif self.is_idle:
            self.force_close()  # there is no request to respond to
        else:  # requests before it are still being served
            self._awaited = None
            self._start_timer(HEADER, self.limits.header_timeout_s)

    def _give_up_body(self, why: BaseException) -> None:
        """Fail the reader of the current body with *why*; nothing more is parsed."""
        self._unreadable = True
        self._stop_timer()
        if not self._body.is_eof():
            self._body.set_exception(why)
            self._body.feed_eof()

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 -- the cause does not matter
        """
        Release the connection's slot; the reader of an incomplete body fails.

        aiohttp fails only a handler: after its response it would wait ten seconds for the rest.
        """
        self._give_up_body(web.RequestPayloadError())
        self.limits.open -= 1
        super().connection_lost(web.RequestPayloadError())
        if self._lost is not None:
            self._lost.set_result(None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- aiohttp's signature; it holds the bytes
    ) -> web.StreamResponse:
        """Return the response to a request that could not be parsed or failed outside the middlewares."""
        logger, request_id = identified(request)
        error: ServiceError
        if is_client_gone(request, exc):
            response = client_gone()
            self.metrics.request_refused(request.method, response.status)
            logger.info("request_abandoned", status=response.status)
            return response
        if status == HTTPStatus.BAD_REQUEST:
            logger.info("request_unreadable", reason=type(exc).__name__, status=status)
            error = MalformedRequest()
        elif status == HTTPStatus.GATEWAY_TIMEOUT:
            logger.warning("request_timed_out", status=status)
            error = DeadlineExceeded()
        else:
            logger.error("request_failed", exc_info=exc)
            error = InternalError()
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another response is sent already")
        return refusal(request, error, request_id)

    def log_exception(self, *args: Any, **details: Any) -> None:  # noqa: ANN401 -- aiohttp's signature
        """Log a failure of aiohttp, unless a body broke off or timed out after its response."""
        if not isinstance(details.get("exc_info"), web.RequestPayloadError | RequestTimeout):
            super().log_exception(*args, **details)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response; a client that is still sending gets a moment to read it."""
        if not request.content.is_eof() and not _keeps_connection(request, resp):
            resp.force_close()
            self._give_up_body(web.RequestPayloadError())
        response, lost = await super().finish_response(request, resp, start_time)
        unread = self._unreadable or request.content.exception() is not None
        if unread and not response.keep_alive and self.transport is not None:
            # Closed at once, the socket would be reset by incoming bytes, and the response lost.
            with suppress(OSError):  # the client has reset the connection
                self.transport.write_eof()
            self._lost = self.loop.create_future()
            await asyncio.wait((self._lost,), timeout=HANG_UP_S)
        return response, lost


def _keeps_connection(request: web.BaseRequest, response: web.StreamResponse | None) -> bool:
    """
    Return whether the unread rest of a body is received, to keep the connection.

    It is not where the connection closes anyway, as after every chunked body, or where the body is
    larger than `max-body-bytes`.
    """
    return (
        request.keep_alive
        and (response is None or response.keep_alive is not False)
        and (request.content_length or 0) <= request.client_max_size
    )


def identified(request: web.BaseRequest) -> tuple[structlog.typing.FilteringBoundLogger, str]:
    """Give the request an id; return a logger bound to it, and the id."""
    request_id = new_request_id()
    request[keys.REQUEST_ID] = request_id
    return structlog.get_logger().bind(request_id=request_id, peer=request.remote), request_id


def refusal(request: web.BaseRequest, error: ServiceError, request_id: str) -> web.Response:
    """Return the response that refuses *request* before the application, counted; it closes."""
    response = problem(request, error)
    cast("Protocol", request.protocol).metrics.request_refused(request.method, response.status)
    complete(response, request_id)
    response.force_close()
    response.headers[hdrs.CONNECTION] = "close"  # aiohttp sends it in HTTP/1.1 only
    return response
