"""What is too much is refused at once and for little, on connections that stay."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import orjson
import pytest

from service.api import keys, routes
from service.app import Adapters, create_app
from service.server.load_shedding import dependency_of, is_one_request
from tests.api.middlewares.test_limits import WaitingStore
from tests.api.raw_http import serving
from tests.support.configs import configured, opening

FIELDS = b"Host: localhost\r\nx-amzn-oidc-identity: alice\r\n"
GET = b"GET /v1/user/profile HTTP/1.1\r\n" + FIELDS + b"\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + FIELDS + b"\r\n"
HEAD = b"POST /v1/user/profile HTTP/1.1\r\n" + FIELDS + b"Content-Type: application/json\r\n"
POST = HEAD + b"Content-Length: 2\r\n\r\n{}"

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.mark.parametrize("request_", [GET, LIVE, POST, HEAD + b"content-length:0\r\n\r\n"])
def test_plain_request_is_known_as_one(request_: bytes) -> None:
    """A head alone, or with a body of the length that it says."""
    assert is_one_request(request_)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GET[:-1],
        GET + GET,
        GET + b"x",
        POST[:-1],
        POST + b"x",
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: +2\r\n\r\n{}",
        HEAD + b"Content-Length : 2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"A: b\nTransfer-Encoding: chunked\r\n\r\n",
        GET[:-2] + b"Connection: close\r\n\r\n",
        GET[:-2] + b"Expect: 100-continue\r\n\r\n",
        GET[:-2] + b"Upgrade: h2c\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(data: bytes) -> None:
    """Parts, several at once, and whatever two programs could read differently."""
    assert not is_one_request(data)


@pytest.mark.parametrize(
    "request_",
    [
        LIVE,
        GET.replace(b"P/1.1", b"P/1.0"),
        b"OPTIONS * HTTP/1.1",
        b"GET /api/auth/config HTTP/1.1\r\n",
        b"GET /v1/user/profile/schema HTTP/1.1\r\n",
    ],
)
def test_some_requests_are_never_refused_unseen(request_: bytes) -> None:
    """What waits for no upstream is answered, and old clients don't keep their connection."""
    assert dependency_of(request_) is None


def test_each_request_has_the_places_of_what_it_needs() -> None:
    """What is refused unseen is counted as the application would count it."""
    needs = routes.dependencies()
    for route, _ in routes.all_routes():
        line = f"{route.method} {route.path}?a=b HTTP/1.1\r\n".encode()
        assert dependency_of(line) == needs.get(route.operation.call), line


async def test_requests_that_need_something_else_are_served(memory: Adapters) -> None:
    """A DynamoDB that has taken all its places leaves those of Cognito free."""
    login = HEAD.replace(b"/v1/user/profile", b"/api/auth/login")
    body = b'{"username":"a","password":"b"}'
    async with _busy(memory) as (port, *_):
        client = await asyncio.open_connection("127.0.0.1", port)
        length = f"Content-Length: {len(body)}\r\n\r\n".encode()
        assert (await _asked(client, login + length + body))[0] == 401
        client[1].close()


async def _asked(streams: Streams, request: bytes) -> tuple[int, bytes, bytes]:
    """Return status, head and body of the answer."""
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
    """Serve with the one place that there is taken; gives the connection that took it."""
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
    """It is told when to come again, may ask for the health meanwhile, and is served later."""
    async with _busy(memory) as (port, store, holder, _):
        client = await asyncio.open_connection("127.0.0.1", port)
        for request in (GET, POST, GET):
            status, head, body = await _asked(client, request)
            assert (status, orjson.loads(body)["code"]) == (503, "overloaded")
            assert b"\r\nRetry-After: 1\r\n" in head
            assert b"Connection" not in head
            assert orjson.loads(body)["requestId"].encode() in head
        assert (await _asked(client, LIVE))[0] == 200
        store.release.set()
        assert (await holder[0].readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 404 ")
        assert (await _asked(client, GET))[0] == 404
        client[1].close()


async def test_request_behind_another_waits_for_its_answer(memory: Adapters) -> None:
    """A second request on a connection is not answered before the first."""
    async with _busy(memory) as (port, store, (reader, writer), _):
        writer.write(GET)
        other = await asyncio.open_connection("127.0.0.1", port)
        assert (await _asked(other, LIVE))[0] == 200  # by now that has been read
        store.release.set()
        async with asyncio.timeout(10):
            heads = [await reader.readuntil(b"}") for _ in range(2)]
        other[1].close()

    assert [head.split()[1] for head in heads] == [b"404", b"404"]


async def test_refused_connection_is_not_kept_for_ever(memory: Adapters) -> None:
    """Where nothing comes after a refusal, it is closed as any idle connection."""
    async with _busy(memory, **{"keep-alive-s": "0.3", "balancer-idle-s": "0"}) as (port, *_):
        client = await asyncio.open_connection("127.0.0.1", port)
        assert (await _asked(client, GET))[0] == 503
        async with asyncio.timeout(10):
            assert await client[0].read() == b""
        client[1].close()


async def test_draining_process_refuses_and_closes(memory: Adapters) -> None:
    """Who is refused by a process that ends finds another one."""
    async with _busy(memory) as (port, _, _, load):
        load.draining = True
        client = await asyncio.open_connection("127.0.0.1", port)
        status, head, _ = await _asked(client, GET)
        client[1].close()

    assert status == 503
    assert b"\r\nConnection: close\r\n" in head
