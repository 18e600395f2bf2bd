"""Unread bodies are not inflated, and read only up to a limit."""

import asyncio
import gzip
import socket
import time
from contextlib import suppress

import pytest
from aiohttp import web

from service.app import Adapters, create_app
from service.server import serve
from tests.api.raw_http import PATIENCE_S, exchange, serving
from tests.support.configs import configured, opening

HOST = b" HTTP/1.1\r\nHost: localhost\r\n"
JSON = b"x-amzn-oidc-identity: alice\r\nContent-Type: application/json\r\n"
ROUTES = {  # that need no body, or refuse the request before reading it
    "health": (b"GET /health/live", 200),
    "not found": (b"POST /nowhere", 404),
    "method not allowed": (b"POST /health/live", 405),
    "not authenticated": (b"POST /v1/user/profile", 401),
    "options": (b"OPTIONS /v1/user/profile", 204),
    "delete": (b"DELETE /api/auth/me", 401),
}
BOMB = gzip.compress(bytes(50_000_000))
PIECE = bytes(262_144)
ENOUGH_BYTES = 64_000_000  # more than the socket buffers of both ends


@pytest.fixture(name="app")
def _app(memory: Adapters) -> web.Application:
    return create_app(configured(), opening(memory))


@pytest.fixture(name="inflating_s", scope="module")
def _inflating_s() -> float:
    """Return the CPU seconds that it takes to inflate the bomb."""
    begun_s = time.process_time()
    gzip.decompress(BOMB)
    return time.process_time() - begun_s


@pytest.mark.parametrize("route", [*ROUTES, "profile"])
async def test_bomb_is_not_inflated(app: web.Application, inflating_s: float, route: str) -> None:
    """Ten requests with bodies of 50 MB inflated take less CPU time than inflating one."""
    line, status = ROUTES.get(route, (b"POST /v1/user/profile", 413))
    fields = JSON if route == "profile" else b""
    fields += b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB)
    async with serving(app) as port:
        begun_s = time.process_time()
        heard = [await exchange(port, line + HOST + fields + BOMB) for _ in range(10)]
        took_s = time.process_time() - begun_s

    assert {answer.status for each in heard for answer in each.answers} == {status}
    assert took_s < inflating_s


@pytest.mark.parametrize("route", [*ROUTES, "profile"])
async def test_announced_body_beyond_the_bound_is_refused_unread(
    app: web.Application, route: str
) -> None:
    """An announced body of 3 GB is refused before it is read, and the connection closes."""
    line = ROUTES[route][0] if route in ROUTES else b"POST /v1/user/profile"
    async with serving(app) as port:
        heard = await exchange(port, line + HOST + JSON + b"Content-Length: 3000000000\r\n\r\n")

    (answer,) = heard.answers
    assert (answer.status, answer.code) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"


async def _pumped(port: int, head: bytes, piece: bytes) -> tuple[bytes, int]:
    """Send *head* and then *piece* repeatedly; return the responses and the bytes sent."""
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.settimeout(0)
        await loop.sock_connect(client, ("127.0.0.1", port))
        await loop.sock_sendall(client, head)
        sent, heard = 0, b""

        async def listen() -> None:
            nonlocal heard
            with suppress(ConnectionResetError):
                while part := await loop.sock_recv(client, 65_536):
                    heard += part

        listening = asyncio.create_task(listen())
        async with asyncio.timeout(PATIENCE_S):
            with suppress(OSError):  # the server has closed
                while sent < ENOUGH_BYTES:
                    await loop.sock_sendall(client, piece)
                    sent += len(piece)
        listening.cancel()
        return heard, sent


PUMPED = {
    "chunks": (b"Transfer-Encoding: chunked\r\n\r\n", b"%x\r\n%s\r\n" % (len(PIECE), PIECE)),
    "length": (b"Content-Length: 3000000000\r\n\r\n", PIECE),
}


@pytest.mark.parametrize("kind", PUMPED)
@pytest.mark.parametrize("route", ["health", "not found", "not authenticated"])
def test_endless_body_is_not_read(app: web.Application, route: str, kind: str) -> None:
    """The response is sent immediately, and the sender is stopped."""
    fields, piece = PUMPED[kind]
    line, status = ROUTES[route]

    async def check() -> None:
        async with serving(app) as port:
            heard, sent = await _pumped(port, line + HOST + fields, piece)
        expected = status if kind == "chunks" else 413
        assert heard.startswith(b"HTTP/1.1 %d " % expected)
        assert sent < ENOUGH_BYTES

    serve.run(check())


async def test_small_unread_body_keeps_the_connection(app: web.Application) -> None:
    """An unread body within the limit is discarded, also after the response."""
    async with serving(app) as port, asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /health/live" + HOST + b"Content-Length: 200000\r\n\r\n")
        first = await reader.readuntil(b"}")
        writer.write(bytes(200_000) + b"GET /health/live" + HOST + b"\r\n")
        second = await reader.readuntil(b"}")
        writer.close()

    assert first.startswith(b"HTTP/1.1 200 ")
    assert second.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, deflate"])
async def test_coding_that_is_not_taken_is_refused(app: web.Application, coding: str) -> None:
    """A content coding other than gzip and deflate is 415."""
    fields = JSON + f"Content-Encoding: {coding}\r\nContent-Length: 2\r\n\r\n{{}}".encode()
    async with serving(app) as port:
        heard = await exchange(port, b"POST /v1/user/profile" + HOST + fields)

    (answer,) = heard.answers
    assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert b"gzip or deflate" in answer.body
