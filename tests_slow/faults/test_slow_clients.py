"""Clients that are slow on purpose are disconnected in time, and delay no other client."""

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest
from aiohttp import web

from service.api import keys
from service.app import Adapters, create_app
from service.server import serve
from tests.api.raw_http import bytewise, logged, serving, until
from tests.support.configs import configured, opening

HEADER = b"POST /v1/user/profile HTTP/1.1\r\nHost: localhost\r\nx-amzn-oidc-identity: alice\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW_HEADER = HEADER + b"X: "
SLOW_BODY = HEADER + b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n"
EVERY_S = 0.1  # between two bytes of each client
WITHIN_S = 15.0  # the settings of these tests are a tenth of it

Streams = list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]


@pytest.fixture(autouse=True)
def _many_descriptors() -> Iterator[None]:
    """Raise the limit of open files, for both ends of a thousand connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def _trickling(port: int, begun: bytes, clients: int) -> AsyncIterator[Streams]:
    """Open connections that have sent *begun*, and send a byte on each now and then."""
    streams = []
    for _ in range(clients):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)  # at once: a connection that sends nothing times out, too
        streams.append((reader, writer))

    async def trickle() -> None:
        while True:
            for _, writer in streams:
                if not writer.is_closing():
                    writer.write(b"x")
            await asyncio.sleep(EVERY_S)

    trickling = asyncio.create_task(trickle())
    try:
        yield streams
    finally:
        trickling.cancel()
        for _, writer in streams:
            writer.close()
        await asyncio.gather(
            *(writer.wait_closed() for _, writer in streams), return_exceptions=True
        )


async def _heard(reader: asyncio.StreamReader) -> bytes:
    """Return what is received until the connection is closed."""
    reply = b""
    with suppress(ConnectionError):
        while part := await reader.read(65_536):
            reply += part
    return reply


async def test_slow_headers_and_bodies_time_out(memory: Adapters) -> None:
    """300 trickling headers and 300 trickling bodies are all disconnected after the timeouts."""
    times = {"header-timeout-s": "1", "body-timeout-s": "1"}
    async with (
        serving(create_app(configured(), opening(memory)), **times) as port,
        _trickling(port, SLOW_HEADER, 300) as headers,
        _trickling(port, SLOW_BODY, 300) as bodies,
        asyncio.timeout(WITHIN_S),
    ):
        of_headers = await asyncio.gather(*(_heard(reader) for reader, _ in headers))
        of_bodies = await asyncio.gather(*(_heard(reader) for reader, _ in bodies))

    assert set(of_headers) == {b""}  # without a request there is no response
    assert {reply[:13] for reply in of_bodies} == {b"HTTP/1.1 408 "}


def test_header_that_arrives_with_its_connection_has_the_same_timeout(
    memory: Adapters,
) -> None:
    """Uvloop reads it before aiohttp has begun to wait for a request."""

    async def check() -> None:
        async with (
            serving(
                create_app(configured(), opening(memory)), **{"header-timeout-s": "0.3"}
            ) as port,
            asyncio.timeout(WITHIN_S),
        ):
            clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
            for client in clients:
                client.sendall(SLOW_HEADER)  # the loop has not accepted the connection yet
            streams = [await asyncio.open_connection(sock=client) for client in clients]
            assert set(await asyncio.gather(*(_heard(reader) for reader, _ in streams))) == {b""}
            for _, writer in streams:
                writer.close()

    serve.run(check())


@pytest.mark.parametrize(
    "request_before",
    [LIVE, LIVE * 3, HEADER + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"],
    ids=["without a body", "several", "with a body"],
)
async def test_header_after_a_request_has_the_same_timeout(
    memory: Adapters, request_before: bytes
) -> None:
    """A connection is idle only if it has sent nothing of its next request."""
    async with (
        serving(create_app(configured(), opening(memory)), **{"header-timeout-s": "0.3"}) as port,
        asyncio.timeout(WITHIN_S),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request_before + SLOW_HEADER)
        reply = await _heard(reader)
        writer.close()

    assert reply.count(b"HTTP/1.1 20") == max(1, request_before.count(b"GET"))


async def test_request_is_finished_although_the_next_one_is_slow(memory: Adapters) -> None:
    """A slow next header times out while the request before it is served, which is finished."""
    app = create_app(configured(), opening(memory))
    times = {"header-timeout-s": "0.1", "body-timeout-s": "2"}

    async def slow(_: web.Request) -> web.Response:
        await asyncio.sleep(0.35)
        return web.Response()

    app.router.add_get("/slow", slow)
    async with serving(app, **times) as port, asyncio.timeout(WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(SLOW_HEADER.replace(b"POST /v1/user/profile", b"GET /slow") + b"\r\n\r\nGET")
        reply = await _heard(reader)
        writer.close()

    assert reply.startswith(b"HTTP/1.1 200 ")


async def test_idle_connection_is_kept_after_requests_in_pieces(memory: Adapters) -> None:
    """Bytes of finished requests do not count as the beginning of another one."""
    sent = HEADER + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    async with (
        serving(create_app(configured(), opening(memory)), **{"header-timeout-s": "0.2"}) as port,
        asyncio.timeout(WITHIN_S),
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for packets in (
            [LIVE * 2, sent + sent],
            [sent[:-1], sent[-1:]],
            bytewise(LIVE),
            bytewise(sent),
        ):
            for packet in packets:
                writer.write(packet)
                await asyncio.sleep(0)
            await asyncio.sleep(0.4)
        writer.write(LIVE.replace(b"Host", b"Connection: close\r\nHost"))
        reply = await _heard(reader)
        writer.close()

    assert reply.count(b"HTTP/1.1 20") == 2 + 2 + 1 + 1 + 1 + 1


async def test_unread_body_is_one_log_line(memory: Adapters) -> None:
    """The response does not wait for the body; a body that never arrives is not an error in the log."""
    unread = HEADER.replace(b"/v1/user/profile", b"/nowhere") + b"Content-Length: 60000\r\n\r\n"
    async with (
        serving(create_app(configured(), opening(memory)), **{"body-timeout-s": "0.2"}) as port,
        asyncio.timeout(WITHIN_S),
    ):
        with logged() as log:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(unread)
            reply = await _heard(reader)
            writer.close()

    assert reply.startswith(b"HTTP/1.1 404 ")
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["request_finished"]


async def test_slow_bodies_are_bounded_in_memory(memory: Adapters) -> None:
    """Large incomplete bodies are refused beyond a total; small ones are still accepted."""
    largest, clients = 16_384, 200
    app = create_app(configured({"server": {"max-body-bytes": str(largest)}}), opening(memory))
    head = HEADER + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    async with (
        serving(app, **{"body-timeout-s": "5"}) as port,
        _trickling(port, head % largest + b" " * (largest - 500), clients) as streams,
        asyncio.timeout(WITHIN_S),
    ):
        await until(lambda: app[keys.SERVER_LOAD].waiting_bytes > 127 * (largest - 500))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head % 2)
        await asyncio.sleep(0.05)
        writer.write(b"{}")
        small = await reader.readuntil(b"\r\n")
        writer.close()
        reply = [(await reader.readuntil(b"\r\n"))[:13] for reader, _ in streams]
        await until(lambda: app[keys.SERVER_LOAD].waiting_bytes == 0)

    assert small == b"HTTP/1.1 201 Created\r\n"
    assert set(reply) == {b"HTTP/1.1 503 ", b"HTTP/1.1 408 "}
    assert reply.count(b"HTTP/1.1 408 ") * (largest - 500) <= 129 * largest


async def test_thousand_slow_clients_delay_no_other(memory: Adapters) -> None:
    """Slow clients beyond the limit of requests in flight do not keep others from being served."""
    async with (
        serving(create_app(configured(), opening(memory))) as port,
        _trickling(port, SLOW_HEADER, 200),
        _trickling(port, SLOW_BODY, 800),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as others,
        asyncio.timeout(60),
    ):
        statuses = set()
        for _ in range(100):
            for path, headers in (
                ("/v1/user/profile", {"x-amzn-oidc-identity": "bob"}),
                ("/health/ready", {}),
            ):
                async with others.get(path, headers=headers) as answer:
                    statuses.add((path, answer.status))

    assert statuses == {("/v1/user/profile", 404), ("/health/ready", 200)}
