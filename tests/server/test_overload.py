"""Requests beyond `max-in-flight` are refused at once, on connections that stay open."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson

from service.api import keys
from service.app import Adapters, create_app
from tests.api.middlewares.test_limits import WaitingStore
from tests.api.raw_http import serving
from tests.support.configs import configured, opening

FIELDS = b"Host: localhost\r\nx-amzn-oidc-identity: alice\r\n"
GET = b"GET /v1/user/profile HTTP/1.1\r\n" + FIELDS + b"\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + FIELDS + b"\r\n"
HEAD = b"POST /v1/user/profile HTTP/1.1\r\n" + FIELDS + b"Content-Type: application/json\r\n"
POST = HEAD + b"Content-Length: 2\r\n\r\n{}"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def test_requests_for_another_upstream_are_served(memory: Adapters) -> None:
    """Requests that wait for DynamoDB take no slots of those that wait for Cognito."""
    login = HEAD.replace(b"/v1/user/profile", b"/api/auth/login")
    body = b'{"username":"a","password":"b"}'
    async with _busy(memory) as (port, *_):
        client = await asyncio.open_connection("127.0.0.1", port)
        length = f"Content-Length: {len(body)}\r\n\r\n".encode()
        assert (await _response(client, login + length + body))[0] == 401
        client[1].close()


async def _response(streams: Streams, request: bytes) -> tuple[int, bytes, bytes]:
    """Return status, header and body of the response."""
    reader, writer = streams
    writer.write(request)
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        return int(head.split()[1]), head, await reader.readexactly(int(length))


@asynccontextmanager
async def _busy(
    memory: Adapters, **settings: str
) -> AsyncIterator[tuple[int, WaitingStore, Streams, keys.ServerLoad]]:
    """Serve with the only slot taken; yields the connection that took it."""
    store = WaitingStore()
    config = configured({"server": {"max-in-flight": "1"}})
    app = create_app(config, opening(replace(memory, profile_store=store)))
    async with serving(app, **{"max-in-flight": "1", **settings}) as port:
        holder = await asyncio.open_connection("127.0.0.1", port)
        holder[1].write(GET)
        await store.asked.wait()
        yield port, store, holder, app[keys.SERVER_LOAD]
        store.release.set()
        holder[1].close()


async def test_refused_client_keeps_its_connection(memory: Adapters) -> None:
    """A refusal says when to retry; health checks and later requests on the connection are served."""
    async with _busy(memory) as (port, store, holder, _):
        client = await asyncio.open_connection("127.0.0.1", port)
        for request in (GET, POST, GET):
            status, head, body = await _response(client, request)
            assert (status, orjson.loads(body)["code"]) == (503, "overloaded")
            assert b"\r\nRetry-After: 1\r\n" in head
            assert b"Connection" not in head
            assert orjson.loads(body)["requestId"].encode() in head
        assert (await _response(client, LIVE))[0] == 200
        store.release.set()
        assert (await holder[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404 ")
        assert (await _response(client, GET))[0] == 404
        client[1].close()


async def test_pipelined_request_waits_for_the_first_response(memory: Adapters) -> None:
    """A second request on a connection is not served before the first."""
    async with _busy(memory) as (port, store, (reader, writer), _):
        writer.write(GET)
        other = await asyncio.open_connection("127.0.0.1", port)
        assert (await _response(other, LIVE))[0] == 200  # by now the second one was received
        store.release.set()
        async with asyncio.timeout(10):
            heads = [await reader.readuntil(b"}") for _ in range(2)]
        other[1].close()

    assert [head.split()[1] for head in heads] == [b"404", b"404"]


async def test_draining_process_refuses_and_closes(memory: Adapters) -> None:
    """A draining process closes the connections of refused requests."""
    async with _busy(memory) as (port, _, _, load):
        load.draining = True
        client = await asyncio.open_connection("127.0.0.1", port)
        status, head, _ = await _response(client, GET)
        client[1].close()

    assert status == 503
    assert b"\r\nConnection: close\r\n" in head
