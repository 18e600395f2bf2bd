"""
The HTTP server's own refusals, in the envelope of all others.

What aiohttp's parser refuses never reaches a middleware: aiohttp answers with the offending line as
text and logs it with a traceback, tokens included. Here it is one problem and one line, and the bytes
are in neither.
"""

import uuid
from http import HTTPStatus

import structlog
from aiohttp import web

from service.domain.errors import DeadlineExceeded, InternalError, MalformedRequest
from service.web import keys
from service.web.middlewares.request_context import complete
from service.web.problems import problem

# Header fields of an ALB are at most 16 KB, its cookies come in four shards of 4 KB in one field. More
# than a field's limit is refused as malformed.
MAX_FIELD_BYTES = 20_480
MAX_LINE_BYTES = 16_384  # an ALB's request line


class _Protocol(web.RequestHandler):
    """A connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 -- aiohttp's signature; it holds the bytes
    ) -> web.StreamResponse:
        """Answer what could not be read, or what failed outside the middlewares; then close."""
        request_id = uuid.uuid4().hex
        request[keys.REQUEST_ID] = request_id
        logger = structlog.get_logger().bind(request_id=request_id, peer=request.remote)
        if status == HTTPStatus.BAD_REQUEST:
            logger.info("request_unreadable", reason=type(exc).__name__, status=status)
            response = problem(request, MalformedRequest())
        elif status == HTTPStatus.GATEWAY_TIMEOUT:
            logger.warning("request_timed_out", status=status)
            response = problem(request, DeadlineExceeded())
        else:
            logger.error("request_failed", exc_info=exc)
            response = problem(request, InternalError())
        if request.writer.output_size > 0:
            raise ConnectionError("a part of another answer is sent already")
        complete(response, request_id)
        response.force_close()
        return response


class _Server(web.Server):
    """Makes the connections."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _Protocol(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """aiohttp's runner of an application, with the service's limits and its own refusals."""

    def __init__(self, app: web.Application, *, shutdown_timeout_s: float) -> None:
        super().__init__(
            app,
            access_log=None,
            shutdown_timeout=shutdown_timeout_s,
            max_field_size=MAX_FIELD_BYTES,
            max_line_size=MAX_LINE_BYTES,
        )

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return _Server(
            plain.request_handler,
            request_factory=plain.request_factory,
            loop=plain._loop,  # noqa: SLF001 -- aiohttp has no public way to its protocol's class
            **plain._kwargs,  # noqa: SLF001 -- likewise
        )
