"""Reading goes on after a client has read its response, unless something else has stopped it."""

import asyncio

import pytest
from aiohttp import web

from service.server.write_timeout import WriteTimeout


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
