"""
The time limit of writing to clients that read slowly or not at all.

The bytes that such a client has not read are bounded, in this process and in the kernel.
"""

import asyncio
from typing import Any, Final, cast

import structlog
from aiohttp import hdrs, web

from service.server.aiohttp_internals import Connection

PART_BYTES: Final = 65_536


class WriteTimeout(Connection):
    """A connection that is reset when its client reads nothing for *write_timeout_s*."""

    __slots__ = ("_write_timeout_s", "_write_timer")

    def __init__(
        self,
        manager: web.Server,
        *,
        write_timeout_s: float,
        **options: Any,  # noqa: ANN401 -- aiohttp's own
    ) -> None:
        super().__init__(manager, **options)
        self._write_timeout_s = write_timeout_s
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have pause_writing called as soon as a byte cannot be sent at once."""
        super().connection_made(transport)
        cast("asyncio.Transport", transport).set_write_buffer_limits(0)

    def pause_writing(self) -> None:
        """Start the time limit in which the client must read what could not be sent at once."""
        super().pause_writing()
        transport = self.transport
        assert transport is not None  # noqa: S101 -- nothing is written without one
        transport.pause_reading()  # no requests of a client that reads no responses
        self._write_timer = self.loop.call_later(self._write_timeout_s, self._reset, transport)

    def resume_writing(self) -> None:
        """Stop the time limit: everything is sent."""
        self._stop_write_timer()
        super().resume_writing()
        if self.transport is not None and not self.is_reading_paused:
            self.transport.resume_reading()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop the time limit: the client is gone."""
        self._stop_write_timer()
        super().connection_lost(exc)

    def _stop_write_timer(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def _reset(self, transport: asyncio.Transport) -> None:
        """Reset the connection, which may be closing and only wait for its client to read."""
        peer = transport.get_extra_info("peername")
        structlog.get_logger().info("answer_not_read", peer=peer and peer[0])
        transport.abort()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the response, a long one in parts; the second value is whether the client is gone."""
        if (
            isinstance(resp, web.Response)
            and isinstance(body := resp.body, bytes)
            and len(body) > PART_BYTES
            and request.method != hdrs.METH_HEAD
        ):
            try:
                await _send_parts(request, resp, body)
            except ConnectionError:
                return resp, True
        response, lost = await super().finish_response(request, resp, start_time)
        if isinstance(response, web.Response):
            response.body = None  # aiohttp keeps the response until the connection's next request
        return response, lost


async def _send_parts(request: web.BaseRequest, response: web.Response, body: bytes) -> None:
    """
    Send all parts of *body* but the last, which aiohttp sends.

    Each part waits until the client has read the one before.
    """
    await response.prepare(request)
    parts = memoryview(body)
    last = (len(body) - 1) // PART_BYTES * PART_BYTES
    for start in range(0, last, PART_BYTES):
        await response.write(parts[start : start + PART_BYTES])
        await request.writer.drain()
    response.body = body[last:]
