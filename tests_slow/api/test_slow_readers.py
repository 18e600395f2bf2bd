"""Clients that do not read responses are disconnected."""

import asyncio
import socket
from typing import Any

import pytest
from aiohttp import web

from service.api import keys
from service.app import Adapters, create_app
from service.server import serve
from tests.api.raw_http import PATIENCE_S, logged, serving, until
from tests.observability.metrics.samples import open_connections
from tests.support.configs import configured, opening

BUNDLE = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
DOCUMENT = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
WINDOW_BYTES = 4_096
QUICK = {"write-timeout-s": "0.4"}
LOOPS = pytest.mark.parametrize("run", [asyncio.run, serve.run], ids=["asyncio", "uvloop"])


@pytest.fixture(name="app")
def _app(memory: Adapters) -> web.Application:
    return create_app(configured(), opening(memory))


async def _connected(port: int) -> socket.socket:
    """Return a client with a small receive buffer."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
    client.settimeout(0)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return client


def _open(app: web.Application) -> float:
    return open_connections(app[keys.METRICS])


@LOOPS
@pytest.mark.parametrize(
    "requests",
    [BUNDLE * 3, BUNDLE, DOCUMENT * 100, BUNDLE + LIVE * 1_000],
    ids=["three files", "one file", "documents", "others behind it"],
)
def test_client_that_reads_nothing_is_cut_off(
    app: web.Application,
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
    requests: bytes,
) -> None:
    """The connection is reset after `write-timeout-s`, and the log has a line about it."""

    async def check() -> None:
        async with serving(app, **QUICK) as port:
            client = await _connected(port)
            await asyncio.get_running_loop().sock_sendall(client, requests)
            await until(lambda: _open(app) == 1)
            await until(lambda: _open(app) == 0)
            client.close()

    run(check())


@LOOPS
def test_client_that_reads_a_byte_at_a_time_is_cut_off(
    app: web.Application,
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
) -> None:
    """Progress by a byte does not extend the time."""

    async def check() -> None:
        loop = asyncio.get_running_loop()
        async with serving(app, **QUICK) as port, asyncio.timeout(PATIENCE_S):
            client = await _connected(port)
            await loop.sock_sendall(client, BUNDLE * 3)
            await until(lambda: _open(app) == 1)
            while _open(app):
                assert await loop.sock_recv(client, 1)
                await asyncio.sleep(0.01)
            client.close()

    run(check())


async def test_cut_off_client_is_a_line_of_log(app: web.Application) -> None:
    """The log line has the peer and nothing that it sent."""
    async with serving(app, **QUICK) as port:
        with logged() as log:
            client = await _connected(port)
            await asyncio.get_running_loop().sock_sendall(client, BUNDLE * 3)
            await until(lambda: "answer_not_read" in log.getvalue())
            client.close()
