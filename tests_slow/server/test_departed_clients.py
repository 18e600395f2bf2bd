"""A client that leaves, at any step of a request, is not a failure of the service."""

import asyncio
import gc
import json
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final, TypeAlias

import pytest
from aiohttp import web

from service.api import keys
from service.app import Adapters, create_app
from service.domain.profiles import Profile
from service.server import serve
from tests.api.raw_http import PATIENCE_S, exchange, logged, serving, until
from tests.observability.metrics.samples import open_connections, samples_of
from tests.support.configs import configured, opening
from tests.support.fakes.profiles import MemoryProfileStore

LOOPS: Final = pytest.mark.parametrize("run", [asyncio.run, serve.run], ids=["asyncio", "uvloop"])
HOST: Final = b" HTTP/1.1\r\nHost: localhost\r\n"
JSON: Final = HOST + b"x-amzn-oidc-identity: alice\r\nContent-Type: application/json\r\n"
POST: Final = b"POST /v1/user/profile" + JSON
EXPECT: Final = b"Expect: 100-continue\r\n"
LENGTH: Final = b"Content-Length: %d\r\n\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n\r\n"
LOGIN: Final = b"POST /api/auth/login" + JSON
READ: Final = b"GET /v1/user/profile" + HOST + b"x-amzn-oidc-identity: alice\r\n\r\n"
LIVE: Final = b"GET /health/live" + HOST + b"\r\n"
SAVE: Final = POST + LENGTH % 17 + b'{"city":"Mumbai"}'
DOCUMENT: Final = b"GET /openapi.json" + HOST + b"\r\n"
BUNDLE: Final = b"GET /docs/swagger-ui-bundle.js" + HOST + b"\r\n"

SENT: Final = {
    "nothing": b"",
    "a part of the request line": b"POST /v1/us",
    "a request line": b"POST /v1/user/profile HTTP/1.1\r\n",
    "a part of a field": POST + b"Content-Le",
    "a head without its end": POST,
    "an expectation": POST + EXPECT + LENGTH % 17,
    "an expectation of too long a body": POST + EXPECT + LENGTH % 999_999_999,
    "an expectation of chunks": POST + EXPECT + CHUNKED,
    "an expectation on an unknown path": b"POST /nowhere" + JSON + EXPECT + LENGTH % 17,
    "an expectation with a wrong method": b"POST /health/live" + JSON + EXPECT + LENGTH % 17,
    "an expectation without identity": b"POST /v1/user/profile" + HOST + EXPECT + LENGTH % 17,
    "an expectation of login": LOGIN + EXPECT + LENGTH % 17,
    "an expectation and a part of the body": POST + EXPECT + LENGTH % 17 + b'{"city"',
    "an expectation and the body": POST + EXPECT + LENGTH % 17 + b'{"city":"Mumbai"}',
    "two expectations": (POST + EXPECT + LENGTH % 17 + b'{"city":"Mumbai"}') * 2,
    "a head": POST + LENGTH % 17,
    "a head with a long body": POST + LENGTH % 200_000 + b" " * 70_000,
    "a head with too long a body": POST + LENGTH % 999_999_999 + b" " * 70_000,
    "a part of the body": POST + LENGTH % 17 + b'{"city"',
    "a part of a compressed body": POST + b"Content-Encoding: gzip\r\n" + LENGTH % 99 + b"\x1f\x8b",
    "a part of the body of login": LOGIN + LENGTH % 99 + b'{"user',
    "a part of a body that nobody reads": b"POST /nowhere" + JSON + LENGTH % 99 + b"{",
    "a part of a body of another site": POST + b"Origin: https://a.b\r\n" + LENGTH % 99 + b"{",
    "no chunk": POST + CHUNKED,
    "a part of a chunk size": POST + CHUNKED + b"1",
    "a part of a chunk": POST + CHUNKED + b"11\r\n{",
    "chunks without an end": POST + CHUNKED + b'11\r\n{"city":"Mumbai"}\r\n',
    "chunks with a part of a trailer": POST + CHUNKED + b'11\r\n{"city":"Mumbai"}\r\n0\r\na: ',
    "chunks that nobody reads": b"POST /nowhere" + JSON + CHUNKED + b"11\r\n{",
    "chunks beyond the largest body": POST + CHUNKED + (b"10000\r\n" + b" " * 65_536 + b"\r\n") * 5,
    "a request": LIVE,
    "a request for a document": DOCUMENT,
    "a request for a long file": BUNDLE,
    "a write": SAVE,
    "a write of HTTP/1.0": SAVE.replace(b"HTTP/1.1", b"HTTP/1.0"),
    "many requests": LIVE * 50,
    "many requests for a long file": BUNDLE * 4,
    "a second request in part": LIVE + b"GET /hea",
    "a second body in part": SAVE + POST + LENGTH % 17 + b"{",
    "a second expectation": SAVE + POST + EXPECT + LENGTH % 17,
    "an upgrade": b"GET /health/live" + HOST + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\nPRI",
    "a preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a hello of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "garbage": b"\x00\xff\r\n\r\n",
    "garbage after a request": LIVE + b"\x00\xff\r\n\r\n",
    "garbage in place of a chunk": POST + CHUNKED + b"zz\r\n",
    "two lengths": POST + b"Content-Length: 2\r\n" + LENGTH % 3 + b"{}",
    "two hosts": POST + b"Host: b\r\n" + LENGTH % 2 + b"{}",
    "an unknown version": LIVE.replace(b"1.1", b"1.9"),
    "a long field": LIVE[:-2] + b"Cookie: " + b"a" * 21_000,
    "long garbage": b"GET /" + b"a" * 100_000,
    "a tunnel": b"CONNECT localhost:443" + HOST + b"\r\n",
}
TURNS: Final = (0, 1, 20)  # of the event loop
SHED: Final = 'http_requests_shed_total{reason="connections"}'

Leave: TypeAlias = Callable[[socket.socket], None]


@pytest.fixture(autouse=True, scope="module")
def _small_heap() -> None:
    """
    Let the collector look only at what the tests here create, not at what others have left.

    It stays frozen: to unfreeze would also give the collector the modules that conftest.py has frozen.
    """
    gc.freeze()


def _reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def _end_own_side(client: socket.socket) -> None:
    with suppress(OSError):  # the server has closed the connection
        client.shutdown(socket.SHUT_WR)


LEAVING: Final[tuple[Leave, ...]] = (socket.socket.close, _reset, _end_own_side)
LEAVING_IDS: Final = ("closes", "resets", "ends its side")


def _send(client: socket.socket, sent: bytes) -> None:
    """Send what fits into the socket's buffer."""
    client.settimeout(0)
    with suppress(BlockingIOError):
        client.sendall(sent)


async def _turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def _leave_at_every_moment(port: int, sent: bytes, leave: Leave) -> list[socket.socket]:
    """Send and leave on several connections, at different times; return their sockets."""
    clients = []
    for before in TURNS:
        for after in TURNS:
            client = socket.create_connection(("127.0.0.1", port))
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            await _turns(before)
            _send(client, sent)
            await _turns(after)
            leave(client)
            clients.append(client)
    return clients


def _open(app: web.Application) -> float:
    return open_connections(app[keys.METRICS])


def _requests(method: str, route: str, status: int) -> str:
    """Return the name of the series that counts such requests."""
    labels = f'method="{method}",route="{route}",status="{status}"'
    return f"http_requests_total{{{labels}}}"


def _drain(clients: list[socket.socket]) -> None:
    """Read what a server has sent to clients that have ended their side only."""
    for client in clients:
        if client.fileno() >= 0:
            with suppress(OSError):
                while client.recv(65_536):
                    pass


@pytest.fixture(name="app")
def _app(memory: Adapters) -> web.Application:
    return create_app(configured(), opening(memory))


def _check_no_failure(app: web.Application, log: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Check that neither the log, the metrics nor standard error show a failure of the service."""
    lines = [json.loads(line) for line in log.splitlines()]
    assert [line for line in lines if line["level"] not in {"debug", "info"}] == []
    assert [line for line in lines if "exception" in line] == []
    assert [name for name in samples_of(app[keys.METRICS]) if 'status="5' in name] == []
    assert capfd.readouterr() == ("", "")


@LOOPS
@pytest.mark.parametrize("sent", SENT.values(), ids=SENT)
def test_client_that_leaves_is_no_failure(
    app: web.Application,
    capfd: pytest.CaptureFixture[str],
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
    sent: bytes,
) -> None:
    """No line above info, no traceback, no 5xx, nothing on standard error; the service answers on."""

    async def check() -> None:
        async with serving(app, **{"write-timeout-s": "0.5"}) as port:
            clients = []
            for leave in LEAVING:
                clients += await _leave_at_every_moment(port, sent, leave)

            def all_closed() -> bool:
                _drain(clients)
                return _open(app) == 0 and app[keys.SERVER_LOAD].in_flight == 0

            await until(all_closed)
            for client in clients:
                client.close()
            (answer,) = (await exchange(port, LIVE)).answers
            assert answer.status == 200
        gc.collect()  # a task that nobody awaits reports its exception when it is freed

    with logged() as log:
        run(check())
    _check_no_failure(app, log.getvalue(), capfd)


class WaitingStore(MemoryProfileStore):
    """A store that reads on an event."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.release = asyncio.Event()

    async def find(self, user_id: str) -> Profile | None:
        """Wait for *release*."""
        self.begun.set()
        await self.release.wait()
        return await super().find(user_id)


@LOOPS
@pytest.mark.parametrize("leave", LEAVING, ids=LEAVING_IDS)
@pytest.mark.parametrize("behind", [b"", LIVE], ids=["alone", "pipelined"])
def test_client_that_leaves_while_its_profile_is_read_is_no_failure(
    memory: Adapters,
    capfd: pytest.CaptureFixture[str],
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
    leave: Leave,
    behind: bytes,
) -> None:
    """The read ends, and the request counts with the status that it would have had."""

    async def check() -> web.Application:
        store = WaitingStore()
        app = create_app(configured(), opening(replace(memory, profile_store=store)))
        async with serving(app) as port:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(READ + behind)
                async with asyncio.timeout(PATIENCE_S):
                    await store.begun.wait()
                leave(client)
                if not behind:  # with it the server reads no further
                    await until(lambda: _open(app) == 0)
                store.release.set()
                await until(lambda: _open(app) == 0 == app[keys.SERVER_LOAD].in_flight)
            (answer,) = (await exchange(port, LIVE)).answers
            assert answer.status == 200
        gc.collect()
        return app

    with logged() as log:
        app = run(check())
    _check_no_failure(app, log.getvalue(), capfd)
    assert samples_of(app[keys.METRICS])[_requests("GET", "/v1/user/profile", 404)] == 1


@LOOPS
@pytest.mark.parametrize("leave", LEAVING, ids=LEAVING_IDS)
@pytest.mark.parametrize("request_", [LIVE, BUNDLE, BUNDLE * 2], ids=["short", "long", "two"])
def test_client_that_leaves_after_it_has_read_is_no_failure(
    app: web.Application,
    capfd: pytest.CaptureFixture[str],
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
    request_: bytes,
    leave: Leave,
) -> None:
    """A client may leave on an idle connection, and in the middle of its response."""

    async def check() -> None:
        async with serving(app) as port:
            client = socket.create_connection(("127.0.0.1", port))
            _send(client, request_)
            async with asyncio.timeout(PATIENCE_S):
                await asyncio.get_running_loop().sock_recv(client, 64)
            leave(client)

            def closed() -> bool:
                _drain([client])
                return _open(app) == 0

            await until(closed)
            client.close()
        gc.collect()

    with logged() as log:
        run(check())
    _check_no_failure(app, log.getvalue(), capfd)


@LOOPS
@pytest.mark.parametrize("leave", LEAVING, ids=LEAVING_IDS)
def test_client_beyond_the_limit_that_leaves_is_no_failure(
    app: web.Application,
    capfd: pytest.CaptureFixture[str],
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
    leave: Leave,
) -> None:
    """A connection that is refused for its number may be left before the refusal is written."""

    async def check() -> None:
        async with serving(app, **{"max-connections": "1"}) as port:
            with socket.create_connection(("127.0.0.1", port)) as first:
                await until(lambda: _open(app) == 1)
                clients = await _leave_at_every_moment(port, LIVE, leave)
                await until(lambda: samples_of(app[keys.METRICS])[SHED] == len(clients))
                for client in clients:
                    client.close()
                _send(first, LIVE)
                async with asyncio.timeout(PATIENCE_S):
                    assert await asyncio.get_running_loop().sock_recv(first, 12) == b"HTTP/1.1 200"
            await until(lambda: _open(app) == 0)
        gc.collect()

    with logged() as log:
        run(check())
    _check_no_failure(app, log.getvalue(), capfd)


async def _logged_after(app: web.Application, sent: bytes) -> dict[str, object]:
    """Serve a client that sends and closes; return the only line of the log."""
    with logged() as log:
        async with serving(app) as port:
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.sendall(sent)
            await until(lambda: bool(log.getvalue()) and _open(app) == 0)
        (line,) = map(json.loads, log.getvalue().splitlines())
    assert isinstance(line, dict)
    return line


@LOOPS
@pytest.mark.parametrize(
    ("sent", "route"),
    [
        (POST + LENGTH % 17 + b"{", "/v1/user/profile"),
        (POST + CHUNKED + b"11\r\n{", "/v1/user/profile"),
        (LOGIN + LENGTH % 17 + b"{", "/api/auth/login"),
    ],
    ids=["body", "chunk", "body for Cognito"],
)
def test_client_that_leaves_in_its_body_has_a_status_of_its_own(
    app: web.Application,
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
    sent: bytes,
    route: str,
) -> None:
    """A body that ends with its connection is one info line, and counts with 499."""
    line = run(_logged_after(app, sent))

    assert (line["event"], line["level"]) == ("request_finished", "info")
    assert (line["status"], line["code"]) == (499, "client_gone")
    assert samples_of(app[keys.METRICS])[_requests("POST", route, 499)] == 1


@LOOPS
def test_client_that_leaves_before_100_continue_has_the_same_status(
    app: web.Application,
    run: Any,  # noqa: ANN401 -- of asyncio or uvloop
) -> None:
    """It leaves before the middlewares: the line is another one."""

    async def expect(request: web.Request) -> None:
        await until(lambda: _open(app) == 0)
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def never(_: web.Request) -> web.Response:
        raise AssertionError

    app.router.add_post("/expecting", never, expect_handler=expect)
    line = run(
        _logged_after(app, POST.replace(b"/v1/user/profile", b"/expecting") + EXPECT + LENGTH % 2)
    )

    assert (line["event"], line["level"], line["status"]) == ("request_abandoned", "info", 499)
    assert samples_of(app[keys.METRICS])[_requests("POST", "none", 499)] == 1
