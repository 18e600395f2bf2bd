"""The HTTP server: aiohttp's runner and site with the service's limits and validation."""

import socket
from contextlib import suppress
from typing import Any, Final, cast

from aiohttp import hdrs, web
from yarl import URL

from service.api import keys
from service.api.http_errors import MalformedRequest
from service.config.settings import ServerConfig
from service.observability.metrics.catalogue import Metrics
from service.server import aiohttp_internals, request_validation
from service.server.aiohttp_internals import Handler, RequestFactory
from service.server.connection_limits import ConnectionLimits
from service.server.header_limits import MAX_FIELD_BYTES, MAX_LINE_BYTES, is_too_large
from service.server.protocol import Protocol, identified, refusal

RECEIVE_BUFFER_BYTES: Final = 16_384
SEND_BUFFER_BYTES: Final = 65_536
READ_BUFFER_BYTES: Final = (
    65_536  # of a body that is not read yet; twice as much pauses the reading
)


class Runner(web.AppRunner):
    """aiohttp's runner of an application, with the service's limits and its own refusals."""

    def __init__(
        self, app: web.Application, config: ServerConfig, *, shutdown_timeout_s: float
    ) -> None:
        self.write_timeout_s = config.write_timeout_s
        self._limits = ConnectionLimits.of(config, app.get(keys.METRICS) or Metrics())
        self._allowed_hosts = frozenset(map(str.lower, config.allowed_hosts))
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=config.keep_alive_s,
            shutdown_timeout=shutdown_timeout_s,
            max_field_size=MAX_FIELD_BYTES,
            max_line_size=MAX_LINE_BYTES,
            read_bufsize=READ_BUFFER_BYTES,
            auto_decompress=False,  # or the parser inflates bodies that nothing reads
        )

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return aiohttp_internals.server_like(
            plain,
            handler=_validating(plain.request_handler, self._allowed_hosts),
            request_factory=_for_any_target(plain.request_factory),
            connect=self._connect,
        )

    def _connect(self, server: web.Server, **options: Any) -> Protocol:  # noqa: ANN401 -- aiohttp's own
        return Protocol(server, self._limits, **options)


class Site(web.SockSite):
    """
    aiohttp's site, with bounds on the kernel's buffers of each connection.

    Linux lets them grow to megabytes, and a read to 256 KB with them. A response that fits there counts
    as sent: only the kernel notices that the client does not read it (TCP_USER_TIMEOUT, RFC 5482).
    """

    def __init__(self, runner: Runner, bound: socket.socket, *, backlog: int) -> None:
        # Connections inherit the options of the listening socket.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        with suppress(AttributeError):  # an option of Linux
            timeout_ms = max(1, round(runner.write_timeout_s * 1_000))
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)
        super().__init__(runner, bound, backlog=backlog)


def _validating(handler: Handler, allowed_hosts: frozenset[str]) -> Handler:
    """Return *handler* for valid requests; others are refused."""

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        violation = _validate_bytes(request) or request_validation.validate(request, allowed_hosts)
        if violation is not None:
            return _refused(request, violation)
        response = await handler(request)
        if request.content.exception() is not None:  # where the next request begins is unknown
            request.content.feed_eof()
            response.force_close()
        if hdrs.TRANSFER_ENCODING in request.headers:
            # aiohttp 3.14.5 takes the last trailer for the first header of the connection's *next*
            # request, which behind a load balancer may be another user's.
            response.force_close()
        return response

    return serve


def _validate_bytes(request: web.BaseRequest) -> request_validation.Violation | None:
    """Return the violation that only the connection of a request can notice."""
    limits = cast("Protocol", request.protocol).header_limits
    if limits.may_be_exceeded and is_too_large(request):
        return request_validation.Violation("size", MalformedRequest())
    return None


def _for_any_target(factory: RequestFactory) -> RequestFactory:
    """
    Return *factory* for requests of any target.

    It fails for a host that is no valid name, and then aiohttp neither responds nor closes: the
    connection would stay open. Here the request gets an empty target, which is invalid too.
    """

    def make(message: Any, *rest: Any) -> web.BaseRequest:  # noqa: ANN401 -- aiohttp's own
        try:
            return factory(message, *rest)
        except ValueError:
            return factory(message._replace(url=URL("/"), path=""), *rest)

    return make


def _refused(request: web.BaseRequest, violation: request_validation.Violation) -> web.Response:
    logger, request_id = identified(request)
    if request.version not in request_validation.VERSIONS:
        aiohttp_internals.respond_in_http_1_1(request)  # or the response is one of HTTP/0.9
    response = refusal(request, violation.error, request_id)
    logger.info(
        "request_refused",
        reason=violation.reason,
        code=violation.error.code,
        status=response.status,
    )
    return response
