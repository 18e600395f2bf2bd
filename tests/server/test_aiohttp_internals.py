"""The private names of aiohttp that the server uses do what the server expects of them."""

import ast
import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
from aiohttp import HttpVersion11, web
from aiohttp.base_protocol import BaseProtocol

from service.server import aiohttp_internals
from service.server.aiohttp_internals import TESTED_WITH, Connection
from tests.api.raw_http import PATIENCE_S, until

SERVER: Final = Path(aiohttp_internals.__file__).parent
GET: Final = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST: Final = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"
MAX_QUEUED: Final = 2


@dataclass(slots=True)
class Application:
    """A handler that responds once it is released, and the connections of its server."""

    released: asyncio.Event = field(default_factory=asyncio.Event)
    connections: list[Connection] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Respond with the version of the request."""
        aiohttp_internals.respond_in_http_1_1(request)
        await self.released.wait()
        assert request.version == HttpVersion11
        return web.Response(text="done")

    def connect(self, server: web.Server, **options: Any) -> Connection:  # noqa: ANN401 -- aiohttp's own
        """Return the protocol of a new connection."""
        connection = Connection(server, max_queued_requests=MAX_QUEUED, **options)
        self.connections.append(connection)
        return connection


class Runner(web.AppRunner):
    """aiohttp's runner with the handler and the connections of *application*."""

    def __init__(self, application: Application) -> None:
        super().__init__(web.Application())
        self._application = application

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return aiohttp_internals.server_like(
            plain,
            handler=self._application.handle,
            request_factory=plain.request_factory,
            connect=self._application.connect,
        )


@dataclass(frozen=True, slots=True)
class Client:
    """A client's end of a connection, and the server's."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connection: Connection
    released: asyncio.Event

    async def response(self) -> bytes:
        """Return the next response."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readuntil(b"done")


@asynccontextmanager
async def _connected() -> AsyncIterator[Client]:
    application = Application()
    runner = Runner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        await until(lambda: bool(application.connections))
        yield Client(reader, writer, application.connections[0], application.released)
        application.released.set()
        writer.close()
    finally:
        await runner.cleanup()


async def test_connection_knows_whether_it_is_idle() -> None:
    """A connection is idle until it serves, and again when it has responded."""
    async with _connected() as client:
        connection = client.connection
        assert connection.loop is asyncio.get_running_loop()
        assert (connection.is_idle, connection.received_requests) == (True, 0)
        client.writer.write(GET)
        await until(lambda: connection.is_serving)
        assert (connection.is_idle, connection.received_requests) == (False, 1)
        client.released.set()
        assert (await client.response()).startswith(b"HTTP/1.1 200 ")
        await until(lambda: connection.is_idle)
        assert not connection.is_serving


async def test_newest_request_is_the_last_that_waits() -> None:
    """Behind the request that is served, the last one is seen with its length and body."""
    async with _connected() as client:
        connection = client.connection
        assert connection.newest_request is None
        client.writer.write(GET)
        await until(lambda: connection.is_serving)
        client.writer.write(POST)
        await until(lambda: connection.newest_request is not None)
        newest = connection.newest_request
        assert newest is not None
        assert newest.content_length == len(b"{}")
        assert await newest.body.read() == b"{}"


async def test_unparsable_request_has_no_length() -> None:
    """Bytes that are not HTTP are a request without a length, whose body has ended."""
    async with _connected() as client:
        connection = client.connection
        client.writer.write(GET)
        await until(lambda: connection.is_serving)
        client.writer.write(b"\0\r\n\r\n")
        await until(lambda: connection.newest_request is not None)
        newest = connection.newest_request
        assert newest is not None
        assert newest.content_length is None
        assert newest.body.is_eof()


async def test_reading_stops_at_the_bound_of_queued_requests() -> None:
    """With the bound reached the connection pauses; all requests are served in the end."""
    async with _connected() as client:
        client.writer.write(GET)
        await until(lambda: client.connection.is_serving)
        assert not client.connection.is_reading_paused
        client.writer.write(GET * MAX_QUEUED)
        await until(lambda: client.connection.is_reading_paused)
        client.writer.write(GET)
        client.released.set()
        for _ in range(MAX_QUEUED + 2):
            await client.response()
        assert not client.connection.is_reading_paused


async def test_reading_resumes_when_queued_requests_are_served() -> None:
    """A connection that was paused reads on once no request waits."""
    async with _connected() as client:
        client.writer.write(GET)
        await until(lambda: client.connection.is_serving)
        client.writer.write(GET)
        await until(lambda: client.connection.newest_request is not None)
        client.connection.pause_until_served()
        client.connection.pause_until_served()  # a second time changes nothing
        assert client.connection.is_reading_paused
        client.writer.write(GET)
        client.released.set()
        for _ in range(3):
            await client.response()
        assert not client.connection.is_reading_paused


def _private_names() -> set[str]:
    """Return the private names of aiohttp's classes whose subclasses the server has."""
    classes = (web.RequestHandler, BaseProtocol, web.Server, web.AppRunner, web.TCPSite)
    names = {name for each in classes for base in each.__mro__[:-1] for name in vars(base)}
    for each in classes:
        names |= {*getattr(each, "__slots__", ())}
    return {name for name in names if name.startswith("_") and not name.startswith("__")}


def _attributes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute):
            yield node.attr


@pytest.mark.parametrize("path", sorted(SERVER.glob("*.py")), ids=lambda path: path.stem)
def test_private_names_are_used_in_one_module(path: Path) -> None:
    """Only `aiohttp_internals` uses them; `Runner` extends the one method that makes a server."""
    if path.stem == "aiohttp_internals":
        return
    used = _private_names() & {*_attributes(path)}

    assert used <= ({"_make_server"} if path.stem == "runner" else set())


def test_installed_version_is_a_tested_one() -> None:
    """A new minor version of aiohttp needs a look at the module before it is listed."""
    assert ".".join(version("aiohttp").split(".")[:2]) in TESTED_WITH
