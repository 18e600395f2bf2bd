"""The limits on the number of connections and on the time of headers and bodies."""

import asyncio
import json
import time

import pytest

from service.api import keys
from service.app import Adapters, create_app
from tests.api.raw_http import exchange, serving
from tests.support.configs import configured, opening

HEADER = b"POST /v1/user/profile HTTP/1.1\r\nHost: localhost\r\nx-amzn-oidc-identity: alice\r\n"
BODY = b"Content-Type: application/json\r\nContent-Length: 14\r\n\r\n"
WHOLE = HEADER + BODY + b'{"city": "Pu"}'
QUICK = {"header-timeout-s": "0.3", "body-timeout-s": "0.3"}


async def _trickled(port: int, text: bytes, *, every_s: float) -> tuple[bytes, float]:
    """Send a byte at a time until the server closes; return what it sent, and the seconds it took."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = time.monotonic()

    async def send() -> None:
        for byte in text:
            writer.write(bytes([byte]))
            await asyncio.sleep(every_s)

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(10):
            received = await reader.read()
    except ConnectionResetError:
        received = b""
    took_s = time.monotonic() - begun
    sending.cancel()
    writer.close()
    return received, took_s


@pytest.mark.parametrize(
    "begun", [b"", b"GET /health", HEADER], ids=["nothing", "a line", "fields"]
)
async def test_incomplete_header_closes_the_connection(memory: Adapters, begun: bytes) -> None:
    """A connection without a complete header is closed after `header-timeout-s`."""
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        received = await exchange(port, begun)

    assert received.text == b""


async def test_slow_header_closes_the_connection(memory: Adapters) -> None:
    """Further bytes do not restart the time limit."""
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        received, took_s = await _trickled(port, HEADER + b"X: " + b"x" * 500, every_s=0.05)

    assert received == b""
    assert took_s < 5


@pytest.mark.parametrize("begun", [b"", b'{"city"'], ids=["nothing", "half"])
async def test_incomplete_body_is_a_request_timeout(memory: Adapters, begun: bytes) -> None:
    """A request whose body is not complete after `body-timeout-s` is 408."""
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        received = await exchange(port, HEADER + BODY + begun)

    (answer,) = received.answers
    assert (answer.status, answer.code) == (408, "request_timeout")
    assert answer.headers["connection"] == "close"


async def test_slow_body_is_a_request_timeout(memory: Adapters) -> None:
    """The time limit is that of the whole body."""
    slow = HEADER + b"Content-Type: application/json\r\nContent-Length: 9000\r\n\r\n"
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(slow)

        async def send() -> None:
            while True:
                writer.write(b" ")
                await asyncio.sleep(0.05)

        sending = asyncio.create_task(send())
        async with asyncio.timeout(10):
            line = await reader.readline()
        sending.cancel()
        writer.close()

    assert line.startswith(b"HTTP/1.1 408 ")


async def test_connection_that_is_used_is_kept(memory: Adapters) -> None:
    """Requests in pieces, but in time, are served one after another."""
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        statuses = []
        for _ in range(4):
            for part in (WHOLE[:30], WHOLE[30:-5], WHOLE[-5:]):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.05)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
            statuses.append(int(head.split()[1]))
            await asyncio.sleep(0.2)
        writer.close()

    assert statuses == [201, 200, 200, 200]


async def test_idle_connection_outlives_the_header_timeout(memory: Adapters) -> None:
    """Between two requests a connection may be idle for longer than `header-timeout-s`."""
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        heads = []
        for _ in range(2):
            writer.write(request)
            heads.append(await reader.readuntil(b'"}'))
            await asyncio.sleep(0.6)
        writer.close()

    assert all(head.startswith(b"HTTP/1.1 200 ") for head in heads)


async def test_connection_beyond_the_limit_is_refused_and_closed(memory: Adapters) -> None:
    """Beyond the limit the response is 503 at once; a slot that becomes free is used again."""
    request = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    async with serving(
        create_app(configured(), opening(memory)), **{"max-connections": "2"}
    ) as port:
        open_ones = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        refused = await reader.read()
        writer.close()
        for other, its_writer in open_ones:
            its_writer.write(request)
            assert (await other.read()).startswith(b"HTTP/1.1 200 ")
            its_writer.close()
        (answer,) = (await exchange(port, request)).answers

    head, _, body = refused.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1" in head
    assert json.loads(body)["code"] == "overloaded"
    assert answer.status == 200


async def test_draining_process_keeps_no_connection_and_is_not_ready(memory: Adapters) -> None:
    """While it drains, each response closes its connection, and readiness is 503."""
    app = create_app(configured(), opening(memory))
    request = b"GET /health/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with serving(app) as port:
        app[keys.SERVER_LOAD].draining = True
        (alive,) = (await exchange(port, request % b"live")).answers
        (ready,) = (await exchange(port, request % b"ready")).answers

    assert (alive.status, alive.headers["connection"]) == (200, "close")
    assert (ready.status, ready.code) == (503, "not_ready")
    assert json.loads(ready.body)["errors"] == [{"field": "process", "message": "stopping"}]
