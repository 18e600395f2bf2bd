"""
The HTTP server: aiohttp's runner with the service's limits on connections and requests.

aiohttp has no public way to choose the class of a server's connections: the private names that this takes
are used in `Runner._make_server` alone.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeAlias, cast

from aiohttp import HttpVersion11, hdrs, web
from yarl import URL

from service.api import keys
from service.api.http_errors import MalformedRequest
from service.config.settings import ServerConfig
from service.server import request_validation
from service.server.connection_limits import Connections
from service.server.header_limits import MAX_FIELD_BYTES, MAX_LINE_BYTES, is_too_large
from service.server.protocol import Protocol, identified, refusal

RECEIVE_BUFFER_BYTES: Final = 16_384
SEND_BUFFER_BYTES: Final = 65_536
READ_BUFFER_BYTES: Final = 65_536  # of a body that is not read yet; twice as much stops the reading

_Factory: TypeAlias = Callable[..., web.BaseRequest]
_Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class _Server(web.Server):
    """Makes the connections."""

    def __init__(
        self,
        handler: _Handler,
        connections: Connections,
        **options: Any,  # noqa: ANN401 -- aiohttp's own
    ) -> None:
        super().__init__(handler, **options)
        self._of_all = connections

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return Protocol(self, self._of_all, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """aiohttp's runner of an application, with the service's limits and its own refusals."""

    def __init__(
        self, app: web.Application, config: ServerConfig, *, shutdown_timeout_s: float
    ) -> None:
        self.write_timeout_s = config.write_timeout_s
        self._of_all = Connections.of(config)
        self._of_all.count_in(app.get(keys.METRICS, self._of_all.metrics))
        self._of_all.load = app.get(keys.SERVER_LOAD, self._of_all.load)
        self._allowed_hosts = frozenset(map(str.lower, config.allowed_hosts))
        super().__init__(
            app,
            access_log=None,
            keepalive_timeout=config.keep_alive_s,
            shutdown_timeout=shutdown_timeout_s,
            max_field_size=MAX_FIELD_BYTES,
            max_line_size=MAX_LINE_BYTES,
            read_bufsize=READ_BUFFER_BYTES,
            auto_decompress=False,  # or the parser inflates what nobody reads
        )

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(
            _validating(plain.request_handler, self._allowed_hosts),
            self._of_all,
            request_factory=_made_of_anything(plain.request_factory),
            loop=plain._loop,  # noqa: SLF001 -- aiohttp has no public way to its protocol's class
            **plain._kwargs,  # noqa: SLF001 -- likewise
        )


class Site(web.TCPSite):
    """
    aiohttp's site, with bounds on what the kernel holds of each connection.

    Linux lets the buffers of a connection grow to megabytes, and a read to 256 KB with them. An answer
    that fits there counts as sent here: only the kernel can tell that it is not taken (TCP_USER_TIMEOUT,
    RFC 5482).
    """

    def __init__(self, runner: Runner, host: str, port: int, **options: Any) -> None:  # noqa: ANN401 -- aiohttp's own
        super().__init__(runner, host, port, **options)
        self._timeout_ms = max(1, round(runner.write_timeout_s * 1_000))

    async def start(self) -> None:
        """Listen; connections inherit the options of the socket that accepts them."""
        await super().start()
        server = cast("asyncio.Server", self._server)
        for listening in server.sockets:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            with suppress(AttributeError):  # an option of Linux
                option = socket.TCP_USER_TIMEOUT
                listening.setsockopt(socket.IPPROTO_TCP, option, self._timeout_ms)


def _validating(handler: _Handler, allowed_hosts: frozenset[str]) -> _Handler:
    """Return *handler* for the requests that nothing stands against, and a refusal of all others."""

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        found = _of_head(request) or request_validation.objection(request, allowed_hosts)
        if found is not None:
            return _refused(request, found)
        response = await handler(request)
        if request.content.exception() is not None:  # where its next request begins is unknown
            request.content.feed_eof()
            response.force_close()
        if hdrs.TRANSFER_ENCODING in request.headers:
            # aiohttp 3.14.5 takes the last trailer for the first header of the connection's *next*
            # request: somebody else's, behind a load balancer.
            response.force_close()
        return response

    return serve


def _of_head(request: web.BaseRequest) -> request_validation.Violation | None:
    """Return what stands against a request for what only its connection knows."""
    if keys.TARGET_UNUSABLE in request:
        return request_validation.Violation("target", MalformedRequest())
    if cast("Protocol", request.protocol).heads.are_large and is_too_large(request):
        return request_validation.Violation("size", MalformedRequest())
    return None


def _made_of_anything(factory: _Factory) -> _Factory:
    """
    Return *factory* for requests of any target.

    A host that is no name makes it fail where aiohttp neither answers nor closes: the connection would
    be open for ever.
    """

    def make(message: Any, *rest: Any) -> web.BaseRequest:  # noqa: ANN401 -- aiohttp's own
        try:
            return factory(message, *rest)
        except ValueError:
            request = factory(message._replace(url=URL("/")), *rest)
            request[keys.TARGET_UNUSABLE] = True
            return request

    return make


def _refused(request: web.BaseRequest, found: request_validation.Violation) -> web.Response:
    logger, request_id = identified(request)
    if request.version not in request_validation.VERSIONS:
        request._cache["version"] = HttpVersion11  # noqa: SLF001 -- or it is answered in HTTP/0.9
    response = refusal(request, found.error, request_id)
    logger.info(
        "request_refused", reason=found.reason, code=found.error.code, status=response.status
    )
    return response
