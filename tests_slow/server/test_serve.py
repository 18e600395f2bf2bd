"""The server ends on a signal without dropping requests in flight."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
import uvloop
from aiohttp import web

from service.api import keys
from service.app import Adapters, create_app
from service.config.settings import ServerConfig
from service.server import serve
from service.startup_errors import AddressUnavailable
from tests.api.raw_http import until
from tests.support.configs import configured, opening
from tests.support.process_state import restored

LOOPBACK = "127.0.0.1"
SOON_S = 4.0  # much less than the deadline of a request
STOPS = [signal.SIGTERM, signal.SIGINT]


def _config(**settings: str) -> ServerConfig:
    return configured(
        {"server": {"host": LOOPBACK, "port": "0", "drain-s": "0", **settings}}
    ).server


class Stage:
    """An application with one slow request that ends when it is released."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.draining = asyncio.Event()
        self.events: list[str] = []
        self.app = web.Application()
        self.app.add_routes([web.get("/fast", self._fast), web.get("/slow", self._slow)])
        self.app.cleanup_ctx.append(self._resource)
        self.app.on_shutdown.append(self._shutdown)

    async def _fast(self, _: web.Request) -> web.Response:
        return web.Response(text="fast")

    async def _slow(self, _: web.Request) -> web.Response:
        self.begun.set()
        await self.let_go.wait()
        self.events.append("answered")
        return web.Response(text="slow")

    async def _resource(self, _: web.Application) -> AsyncIterator[None]:
        self.events.append("opened")
        yield
        self.events.append("closed")

    async def _shutdown(self, _: web.Application) -> None:
        self.draining.set()


@dataclass
class Served:
    """A running server."""

    host: str
    port: int
    task: asyncio.Task[None]

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"http://{self.host}:{self.port}"


def _unexpected(hosts: Sequence[str], port: int) -> None:
    pytest.fail(f"listens on {hosts}:{port}")


@asynccontextmanager
async def _served(app: web.Application, config: ServerConfig) -> AsyncIterator[Served]:
    """Serve *app* from the moment it listens; the body ends it by a signal."""
    bound: asyncio.Future[tuple[str, int]] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(
        serve.serve(app, config, listening=lambda hosts, port: bound.set_result((hosts[0], port)))
    )
    async with asyncio.timeout(10):
        await asyncio.wait((bound, task), return_when=asyncio.FIRST_COMPLETED)
        yield Served(*bound.result(), task)
        await task


def _send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def _process_restored() -> Iterator[None]:
    """Put back the signal handlers, which a server takes."""
    with restored():
        yield


async def test_bound_address_is_reported() -> None:
    """Port 0 takes a free port; what is reported is where the server answers."""
    async with _served(Stage().app, _config()) as served, aiohttp.ClientSession() as session:
        assert served.host == LOOPBACK
        async with session.get(f"{served.url}/fast") as response:
            assert (response.status, await response.text()) == (200, "fast")
        _send(signal.SIGTERM)


async def test_every_address_of_a_list_is_served() -> None:
    """Each address of `host` is served on the same port, until the signal."""
    async with _served(Stage().app, _config(host="127.0.0.1 127.0.0.2")) as served:
        async with aiohttp.ClientSession() as session:
            for host in ("127.0.0.1", "127.0.0.2"):
                async with session.get(f"http://{host}:{served.port}/fast") as response:
                    assert response.status == 200
        _send(signal.SIGTERM)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.2", served.port)


@pytest.mark.parametrize("number", STOPS)
async def test_signal_ends_it(number: signal.Signals) -> None:
    """SIGTERM and SIGINT end the server; its resources are closed and nothing listens any more."""
    stage = Stage()
    async with _served(stage.app, _config()) as served:
        _send(number)
        await served.task

    assert stage.events == ["opened", "closed"]
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(served.host, served.port)


@pytest.mark.parametrize("number", STOPS)
async def test_request_in_flight_is_finished(number: signal.Signals) -> None:
    """A request that was begun is answered before the resources that it uses are closed."""
    stage = Stage()
    async with _served(stage.app, _config()) as served, aiohttp.ClientSession() as session:
        request = asyncio.create_task(session.get(f"{served.url}/slow"))
        await stage.begun.wait()
        _send(number)
        await stage.draining.wait()
        assert not served.task.done()
        stage.let_go.set()
        async with await request as response:
            assert (response.status, await response.text()) == (200, "slow")

    assert stage.events == ["opened", "answered", "closed"]


async def test_draining_server_takes_no_connection() -> None:
    """While requests are finished, new connections go elsewhere."""
    stage = Stage()
    async with _served(stage.app, _config()) as served, aiohttp.ClientSession() as session:
        request = asyncio.create_task(session.get(f"{served.url}/slow"))
        await stage.begun.wait()
        _send(signal.SIGTERM)
        await stage.draining.wait()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(served.host, served.port)
        stage.let_go.set()
        (await request).close()


async def test_second_signal_does_not_cut_short() -> None:
    """A second signal neither kills nor hurries a server that is finishing."""
    stage = Stage()
    async with _served(stage.app, _config()) as served, aiohttp.ClientSession() as session:
        request = asyncio.create_task(session.get(f"{served.url}/slow"))
        await stage.begun.wait()
        _send(signal.SIGTERM)
        await stage.draining.wait()
        for number in STOPS:
            _send(number)
        stage.let_go.set()
        async with await request as response:
            assert response.status == 200


async def test_idle_connection_delays_nothing() -> None:
    """A client that keeps its connection for later does not hold the server up."""
    async with _served(Stage().app, _config()) as served:
        reader, writer = await asyncio.open_connection(served.host, served.port)
        writer.write(b"GET /fast HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"fast")
        began = time.monotonic()
        _send(signal.SIGTERM)
        await served.task

        assert time.monotonic() - began < SOON_S
        assert await reader.read() == b""
        writer.close()


async def test_request_past_its_deadline_is_cut_off() -> None:
    """A request that outlives its deadline is given up, and the server ends."""
    stage = Stage()
    config = _config(**{"request-deadline-s": "0.05"})
    async with _served(stage.app, config) as served, aiohttp.ClientSession() as session:
        request = asyncio.create_task(session.get(f"{served.url}/slow"))
        await stage.begun.wait()
        _send(signal.SIGTERM)
        await served.task
        with pytest.raises(aiohttp.ClientError):
            await request

    assert stage.events == ["opened", "closed"]


async def test_taken_port_is_told() -> None:
    """A port that is taken is named with the way out, and what was opened is closed."""
    stage = Stage()
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnavailable) as refused:
            await serve.serve(stage.app, _config(port=str(port)), listening=_unexpected)

    assert str(refused.value).startswith(f"Cannot listen on {LOOPBACK}:{port}: ")
    assert "in use" in str(refused.value)
    assert str(refused.value).endswith("SERVER_PORT.")
    assert stage.events == ["opened", "closed"]


async def test_address_of_another_machine_is_reported() -> None:
    """An address of another machine is refused in the same way."""
    with pytest.raises(AddressUnavailable, match=r"Cannot listen on 198\.51\.100\.1:0: "):
        await serve.serve(Stage().app, _config(host="198.51.100.1"), listening=_unexpected)


async def test_start_that_fails_closes_what_it_opened() -> None:
    """Where a later resource cannot be opened, the earlier ones are closed, and its error is raised."""
    stage = Stage()

    async def broken(_: web.Application) -> AsyncIterator[None]:
        raise ValueError("cannot be opened")
        yield

    stage.app.cleanup_ctx.append(broken)
    with pytest.raises(ValueError, match="cannot be opened"):
        await serve.serve(stage.app, _config(), listening=_unexpected)

    assert stage.events == ["opened", "closed"]


def test_run_uses_uvloop() -> None:
    """The coroutine runs on uvloop's loop, and its result is returned."""

    async def main() -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    assert isinstance(serve.run(main()), uvloop.Loop)


def test_run_serves_until_the_signal() -> None:
    """On uvloop too, the server ends on a signal that comes as soon as it listens."""
    events: list[str] = []

    async def main() -> None:
        stage = Stage()
        stage.events = events
        await serve.serve(
            stage.app, _config(), listening=lambda _hosts, _port: _send(signal.SIGTERM)
        )

    serve.run(main())

    assert events == ["opened", "closed"]


async def test_drain_serves_on(memory: Adapters) -> None:
    """While it drains, new connections are served, and closed after each response."""
    app = create_app(configured(), opening(memory))
    async with _served(app, _config(**{"drain-s": "30"})) as served:
        _send(signal.SIGTERM)
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{served.url}/health/ready") as response:
                    if response.status == 503:
                        break
            async with session.get(f"{served.url}/health/live") as response:
                assert (response.status, response.headers["Connection"]) == (200, "close")
        assert not served.task.done()
        _send(signal.SIGTERM)

    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(served.host, served.port)


async def test_new_connection_is_served_at_the_end_of_the_drain(memory: Adapters) -> None:
    """A connection made just before the end of the drain is served, though nothing listens any more."""
    app = create_app(configured(), opening(memory))
    async with _served(app, _config(**{"drain-s": "30"})) as served:
        _send(signal.SIGTERM)
        await until(lambda: app[keys.SERVER_LOAD].draining)
        reader, writer = await asyncio.open_connection(served.host, served.port)
        _send(signal.SIGTERM)
        while True:
            try:
                _, other = await asyncio.open_connection(served.host, served.port)
            except ConnectionRefusedError:
                break
            other.close()
        writer.write(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = await reader.read()
        writer.close()

    assert received.startswith(b"HTTP/1.1 200 ")
    assert b"\r\nConnection: close\r\n" in received


@pytest.mark.parametrize("drain_s", ["0", "0.2"])
async def test_drain_ends_after_its_time(drain_s: str) -> None:
    """One signal ends the server once it has drained."""
    stage = Stage()
    async with _served(stage.app, _config(**{"drain-s": drain_s})) as served:
        _send(signal.SIGTERM)
        async with asyncio.timeout(10):
            await served.task

    assert stage.events == ["opened", "closed"]


async def test_worker_whose_supervisor_is_gone_ends_at_once() -> None:
    """A worker whose supervisor has ended does not drain."""
    alive, ours = os.pipe()
    stage = Stage()
    config = _config(**{"drain-s": "300"})
    bound: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve.serve(stage.app, config, listening=lambda *_: bound.set_result(None), worker_of=alive)
    )
    async with asyncio.timeout(10):
        await bound
        os.close(ours)
        await serving
    os.close(alive)

    assert stage.events == ["opened", "closed"]
