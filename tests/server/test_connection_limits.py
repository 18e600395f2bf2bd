"""A connection has so long to say what it wants, and there are only so many."""

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
    """Send a byte at a time until the server closes; return what it said, and after how long."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    begun = time.monotonic()

    async def send() -> None:
        for byte in text:
            writer.write(bytes([byte]))
            await asyncio.sleep(every_s)

    sending = asyncio.create_task(send())
    try:
        async with asyncio.timeout(10):
            heard = await reader.read()
    except ConnectionResetError:
        heard = b""
    took_s = time.monotonic() - begun
    sending.cancel()
    writer.close()
    return heard, took_s


@pytest.mark.parametrize(
    "begun", [b"", b"GET /health", HEADER], ids=["nothing", "a line", "fields"]
)
async def test_header_that_does_not_come_ends_the_connection(
    memory: Adapters, begun: bytes
) -> None:
    """Silence, and a header that stops, are not waited for."""
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        heard = await exchange(port, begun)

    assert heard.text == b""


async def test_header_that_trickles_ends_the_connection(memory: Adapters) -> None:
    """Each byte does not begin the time anew."""
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        heard, took_s = await _trickled(port, HEADER + b"X: " + b"x" * 500, every_s=0.05)

    assert heard == b""
    assert took_s < 5


@pytest.mark.parametrize("begun", [b"", b'{"city"'], ids=["nothing", "half"])
async def test_body_that_does_not_come_is_told(memory: Adapters, begun: bytes) -> None:
    """Who sends a header and no body hears that it took too long."""
    async with serving(create_app(configured(), opening(memory)), **QUICK) as port:
        heard = await exchange(port, HEADER + BODY + begun)

    (answer,) = heard.answers
    assert (answer.status, answer.code) == (408, "request_timeout")
    assert answer.headers["connection"] == "close"


async def test_body_that_trickles_is_told(memory: Adapters) -> None:
    """A body has its time as a whole."""
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
    """Requests that come in pieces, but in time, are answered one after another."""
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


async def test_idle_connection_is_kept_longer_than_a_header_may_take(memory: Adapters) -> None:
    """Between two requests a connection may rest."""
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


async def test_connection_too_many_is_answered_and_closed(memory: Adapters) -> None:
    """Beyond the limit the answer is 503 at once; a place that becomes free is given again."""
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
    """From the signal on each answer closes its connection, and the balancer hears of it."""
    app = create_app(configured(), opening(memory))
    request = b"GET /health/%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    async with serving(app) as port:
        app[keys.SERVER_LOAD].draining = True
        (alive,) = (await exchange(port, request % b"live")).answers
        (ready,) = (await exchange(port, request % b"ready")).answers

    assert (alive.status, alive.headers["connection"]) == (200, "close")
    assert (ready.status, ready.code) == (503, "not_ready")
    assert json.loads(ready.body)["errors"] == [{"field": "process", "message": "stopping"}]
