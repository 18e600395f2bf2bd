"""Reading goes on after a client has read its response, unless something else has stopped it."""

import asyncio

import pytest
from aiohttp import web

from service.server.write_timeout import WriteTimeout
from tests.api.raw_http import PATIENCE_S, exchange, serving


class _Transport(asyncio.Transport):
    """A transport that records whether the server reads from it."""

    def __init__(self) -> None:
        super().__init__()
        self.is_reading_now = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Accept the limits."""

    def pause_reading(self) -> None:
        """Record it."""
        self.is_reading_now = False

    def resume_reading(self) -> None:
        """Record it."""
        self.is_reading_now = True

    def is_closing(self) -> bool:
        """Return False: it stays open."""
        return False

    def close(self) -> None:
        """Accept it."""


async def _serve(_: web.BaseRequest) -> web.StreamResponse:
    return web.Response()


@pytest.mark.parametrize("is_body_waiting", [False, True], ids=["idle", "unread body"])
async def test_reading_goes_on_where_nothing_else_stopped_it(is_body_waiting: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    """A response that is read at last resumes reading, but not past a body that waits."""
    connection = WriteTimeout(
        web.Server(_serve),
        write_timeout_s=60,
        max_queued_requests=1,
        loop=asyncio.get_running_loop(),
    )
    transport = _Transport()
    connection.connection_made(transport)
    if is_body_waiting:
        connection.pause_until_served()

    connection.pause_writing()
    assert not transport.is_reading_now
    connection.resume_writing()

    assert transport.is_reading_now is not is_body_waiting
    connection.connection_lost(None)


async def test_idle_connection_keeps_no_body_of_a_response() -> None:
    """The body of a response is released once it is sent, not at the next request."""
    made: list[web.Response] = []

    async def respond(_: web.Request) -> web.Response:
        made.append(web.Response(body=b"x" * 600))
        return made[-1]

    app = web.Application()
    app.router.add_get("/", respond)
    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await asyncio.wait_for(reader.readuntil(b"x" * 600), PATIENCE_S)
        writer.close()

    assert [response.body for response in made] == [None, None]


async def test_response_that_is_written_in_parts_is_sent() -> None:
    """A handler may write its response itself; the connection serves the next request."""

    async def write(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "4"})
        await response.prepare(request)
        await response.write(b"done")
        return response

    app = web.Application()
    app.router.add_get("/", write)
    async with serving(app) as port:
        received = await exchange(port, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 2, answers=2)

    assert [answer.body for answer in received.answers] == [b"done", b"done"]
