"""
The HTTP server's own refusals, in the envelope of all others.

What aiohttp's parser refuses never reaches a middleware: aiohttp answers with the offending line as
text and logs it with a traceback, tokens included. Here it is one problem and one line, and the bytes
are in neither. What the door refuses is answered in the same way.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final, cast

import structlog
from aiohttp import hdrs, web
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import _ErrInfo

from service.api import keys
from service.api.http_errors import MalformedRequest, RequestTimeout
from service.api.middlewares.request_context import complete, new_request_id
from service.api.problem_details import problem
from service.domain.errors import DeadlineExceeded, InternalError, ServiceError
from service.observability.metrics.catalogue import Metrics
from service.server.connection_limits import HEADER, NEXT, Connections, overload_response
from service.server.header_limits import UNREADABLE, HeaderLimits, has_pipelined_bytes
from service.server.load_shedding import dependency_of, is_one_request
from service.server.write_timeout import Writing

HANG_UP_S: Final = 1.0  # for a client that was refused while it was still sending
MAX_DISCARDED_BYTES: Final = 1_048_576  # of such a client; most send all before they read
MAX_WAITING_REQUESTS: Final = 2


class Protocol(Writing):
    """A connection."""

    __slots__ = (
        "_awaited",
        "_body",
        "_connections",
        "_discarded_bytes",
        "_gone",
        "_plain",
        "_timer",
        "_unreadable",
        "heads",
    )

    def __init__(
        self,
        manager: web.Server,
        connections: Connections,
        **options: Any,  # noqa: ANN401 -- aiohttp's own
    ) -> None:
        super().__init__(manager, write_timeout_s=connections.write_s, **options)
        self._connections = connections
        self.heads = HeaderLimits()
        self._timer: asyncio.TimerHandle | None = None
        self._awaited: object = None  # what the timer is for: a body, or HEADER
        self._body = EMPTY_PAYLOAD  # of the request that was read last
        self._unreadable = False
        self._plain = True  # each request so far has come in one piece, so the next one begins here
        self._discarded_bytes = 0
        self._gone: asyncio.Future[None] = self._loop.create_future()
        # aiohttp reads on until 32 requests of any size wait behind the one that is served.
        self._max_msg_queue_size = MAX_WAITING_REQUESTS
        self._msg_queue_resume_size = 0

    @property
    def metrics(self) -> Metrics:
        """Return where what is refused here is counted."""
        return self._connections.metrics

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; or, beyond the connections that may be open, say so and end."""
        super().connection_made(transport)
        self._connections.open += 1
        if self._connections.open > self._connections.most:
            self._unreadable = True
            self.metrics.request_shed("connections")
            cast("asyncio.Transport", transport).write(overload_response(new_request_id()))
            self.force_close()
        else:
            self._await(HEADER, self._connections.header_s)

    def data_received(self, data: bytes) -> None:
        """Read on; who waits for a body that turns out to be unreadable is told."""
        if self._discards(data) or self._shed(data):
            return
        begun = self._request_count
        super().data_received(self.heads.readable(data))
        if self._messages:
            message, body = self._messages[-1]
            if isinstance(message, _ErrInfo):
                self._give_up_body(web.RequestPayloadError())
                return
            self._body = body
            self._hold(is_needed=self._request_in_progress)
            length = int(message.headers.get(hdrs.CONTENT_LENGTH, "0"))
        if not self._body.is_eof():
            self._await(self._body, self._connections.body_s)
        elif self._request_count > begun:
            self._await_nothing()
            if has_pipelined_bytes(data, length):
                self._hold(is_needed=True)
                self._await(HEADER, self._connections.header_s)
        elif self._awaited is self._body:
            self._await_nothing()
        elif data:  # without, aiohttp goes on with what it has
            self._await(HEADER, self._connections.header_s)
            if not self.heads.within_limit(data):
                self.data_received(UNREADABLE)

    def _hold(self, *, is_needed: bool) -> None:
        """Read no further until the requests that wait are begun; aiohttp goes on then."""
        if is_needed and not self._buffer_paused:
            self._pause_reading_for_buffer()

    def _discards(self, data: bytes) -> bool:
        """Drop what comes after the last request that is served; beyond a bound, stop reading."""
        if not self._unreadable:
            return False
        self._discarded_bytes += len(data)
        if self._discarded_bytes > MAX_DISCARDED_BYTES and self.transport is not None:
            self.transport.pause_reading()
        return True

    def _shed(self, data: bytes) -> bool:
        """Refuse a request that is one too many, if that can be seen from its bytes alone."""
        self._plain = self._plain and is_one_request(data)
        needs = dependency_of(data) if self._plain else None
        if needs is None or not self._connections.is_full(needs):
            return False
        if self.writing_paused:
            return False  # it does not read the answers
        if self._waiter is None or self._waiter.done() or self._messages:
            return False  # it is at another request, or not at any yet
        self.metrics.request_shed("requests")
        cast("asyncio.Transport", self.transport).write(
            overload_response(new_request_id(), closes=False)
        )
        self._await_nothing()
        self._await(NEXT, self._connections.keep_s)
        self._next_keepalive_close_time = self._loop.time() + self._connections.keep_s
        return True

    def _is_idle(self) -> bool:
        if self._waiter is None:  # it serves one, or aiohttp has not begun to wait for the first
            return self._request_count == 0
        return not self._waiter.done()

    def _await(self, what: object, within_s: float) -> None:
        """Let *what* has begun to come be whole within that time from its beginning."""
        if self._awaited is not what:
            self._await_nothing()
            self._awaited = what
            self._timer = self._loop.call_later(within_s, self._on_timeout)

    def _await_nothing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = self._awaited = None
            self.heads.ended()

    def _on_timeout(self) -> None:
        """End a request that comes too slowly."""
        if self._awaited not in (HEADER, NEXT):
            self._give_up_body(RequestTimeout())
        elif self._is_idle():
            self.force_close()  # there is no request yet to answer
        else:  # nor may those before it be cut
            self._awaited = None
            self._await(HEADER, self._connections.header_s)

    def _give_up_body(self, why: BaseException) -> None:
        """Tell who waits for the body that the rest of it can't be had; nothing more is read."""
        self._unreadable = True
        self._await_nothing()
        if not self._body.is_eof():
            self._body.set_exception(why)
            self._body.feed_eof()

    def connection_lost(self, exc: BaseException | None) -> None:  # noqa: ARG002 -- why is no matter
        """
        Note that the client is gone; who waits for the rest of its body is told so.

        aiohttp tells only a handler: to read what nobody wanted, it would wait ten seconds more.
        """
        self._give_up_body(web.RequestPayloadError())
        self._connections.open -= 1
        super().connection_lost(web.RequestPayloadError())
        self._gone.set_result(None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- aiohttp's signature; it holds the bytes
    ) -> web.StreamResponse:
        """Answer what could not be read, or what failed outside the middlewares; then close."""
        logger, request_id = identified(request)
        error: ServiceError
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
            raise ConnectionError("a part of another answer is sent already")
        return refusal(request, error, request_id)

    def log_exception(self, *args: Any, **details: Any) -> None:  # noqa: ANN401 -- aiohttp's signature
        """Log a failure of aiohttp's own; a body that broke off after its answer, or stopped, is none."""
        if not isinstance(details.get("exc_info"), web.RequestPayloadError | RequestTimeout):
            super().log_exception(*args, **details)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer; to a client that may still be sending, in a way that it can read it."""
        if not request.content.is_eof() and not _keeps_connection(request, resp):
            resp.force_close()
            self._give_up_body(web.RequestPayloadError())
        response, lost = await super().finish_response(request, resp, start_time)
        unread = self._unreadable or request.content.exception() is not None
        if unread and not response.keep_alive and self.transport is not None:
            # Closed at once, the socket would be reset by what comes in, and the answer lost.
            self.transport.write_eof()
            await asyncio.wait((self._gone,), timeout=HANG_UP_S)
        return response, lost


def _keeps_connection(request: web.BaseRequest, response: web.StreamResponse | None) -> bool:
    """
    Tell whether the rest of a body that nobody has read is waited for, to keep its connection.

    It is not where the connection ends anyway, as after every body in chunks, or where the body is larger
    than any that is wanted.
    """
    return (
        request.keep_alive
        and (response is None or response.keep_alive is not False)
        and (request.content_length or 0) <= request.client_max_size
    )


def identified(request: web.BaseRequest) -> tuple[structlog.typing.FilteringBoundLogger, str]:
    """Give the request its id; return that, and a logger that says it."""
    request_id = new_request_id()
    request[keys.REQUEST_ID] = request_id
    return structlog.get_logger().bind(request_id=request_id, peer=request.remote), request_id


def refusal(request: web.BaseRequest, error: ServiceError, request_id: str) -> web.Response:
    """Return the answer that refuses *request* before the application, counted; it closes."""
    response = problem(request, error)
    cast("Protocol", request.protocol).metrics.request_refused(request.method, response.status)
    complete(response, request_id)
    response.force_close()
    response.headers[hdrs.CONNECTION] = "close"  # aiohttp says it to HTTP/1.1 only
    return response
