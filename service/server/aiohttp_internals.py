"""
The parts of aiohttp that it does not document and the server needs, under names of our own.

No other module of the service uses a private name of aiohttp. tests/server/test_aiohttp_internals.py
checks what each does, and fails for a minor version that is not in TESTED_WITH.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from aiohttp import HttpVersion11, StreamReader, hdrs, web
from aiohttp.web_protocol import _ErrInfo

TESTED_WITH: Final = frozenset({"3.14"})

RequestFactory: TypeAlias = Callable[..., web.BaseRequest]
Handler: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]
ConnectionFactory: TypeAlias = Callable[..., web.RequestHandler]


@dataclass(slots=True)
class ReceivedRequest:
    """A request that waits to be served; *content_length* is None where it could not be parsed."""

    content_length: Final[int | None]
    body: Final[StreamReader]


class Connection(web.RequestHandler):
    """
    aiohttp's protocol of one connection.

    It stops reading while *max_queued_requests* wait behind the one being served, and reads on when none
    does; aiohttp's own bound is 32.
    """

    __slots__ = ()

    def __init__(
        self,
        manager: web.Server,
        *,
        max_queued_requests: int,
        **options: Any,  # noqa: ANN401 -- aiohttp's own
    ) -> None:
        super().__init__(manager, **options)
        self._max_msg_queue_size = max_queued_requests
        self._msg_queue_resume_size = 0

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop that serves it."""
        return self._loop

    @property
    def received_requests(self) -> int:
        """How many requests it has received, unparsable ones included."""
        return self._request_count

    @property
    def newest_request(self) -> ReceivedRequest | None:
        """The last request that waits to be served, None where none waits."""
        if not self._messages:
            return None
        message, body = self._messages[-1]
        if isinstance(message, _ErrInfo):
            return ReceivedRequest(None, body)
        length = message.headers.get(hdrs.CONTENT_LENGTH)
        return ReceivedRequest(0 if length is None else int(length), body)

    @property
    def is_serving(self) -> bool:
        """Whether a handler is at work."""
        return self._request_in_progress

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request."""
        if self._waiter is None:  # it serves one, or has not begun to wait for the first
            return self._request_count == 0
        return not self._waiter.done()

    @property
    def is_reading_paused(self) -> bool:
        """Whether bytes stay in the kernel until there is room for them here."""
        return self._reading_paused or self._buffer_paused

    def pause_until_served(self) -> None:
        """Read no further until the requests that wait are being served."""
        if not self._buffer_paused:
            self._pause_reading_for_buffer()


class _Server(web.Server):
    def __init__(self, handler: Handler, connect: ConnectionFactory, **options: Any) -> None:  # noqa: ANN401 -- aiohttp's own
        super().__init__(handler, **options)
        self._connect = connect

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return self._connect(self, loop=self._loop, **self._kwargs)


def server_like(
    server: web.Server,
    *,
    handler: Handler,
    request_factory: RequestFactory,
    connect: ConnectionFactory,
) -> web.Server:
    """
    Return a server with the options of *server*.

    *connect* makes its connections: it is called with the server and options for `Connection`.
    """
    options = {"loop": server._loop, **server._kwargs}  # noqa: SLF001 -- see the module
    return _Server(handler, connect, request_factory=request_factory, **options)


def respond_in_http_1_1(request: web.BaseRequest) -> None:
    """Let the response be one of HTTP/1.1, whatever version the request claims."""
    request._cache["version"] = HttpVersion11  # noqa: SLF001 -- see the module
