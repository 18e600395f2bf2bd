"""Calls to AWS have a time limit and a bounded number of attempts, whatever the server does."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import pytest

from service.aws.clients import Clients, open_clients
from service.aws.errors import translated
from service.aws.retries import MAX_LOST_RESPONSES
from service.circuit_breaker import UpstreamRefused
from service.config.loader import Settings
from service.domain.errors import UpstreamUnavailable
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.scripted_aws import (
    HANG,
    HANG_UP,
    ScriptedAws,
    answer,
    raw,
    refusal,
    scripted_server,
)
from tests.support.scripted_key_server import ScriptedKeyServer, key_endpoint, trickling

KEY = {"userId": {"S": "alice"}, "createdAt": {"S": "2026"}}
FINE = answer({"Username": "alice", "UserAttributes": []})  # a valid response of DynamoDB, too
IMPATIENT = {"connect-timeout-s": "0.2", "read-timeout-s": "0.2"}
PATIENT: Settings = {
    section: {"connect-timeout-s": "20", "read-timeout-s": "20"}
    for section in ("aws.cognito", "aws.dynamodb")
}
BREAKS: Settings = {"upstreams": {"breaker-failures": "5", "breaker-open-s": "2"}}

Call: TypeAlias = Callable[[Clients], Awaitable[Any]]

pytestmark = pytest.mark.usefixtures("short_pauses")


async def _get(clients: Clients) -> Any:  # noqa: ANN401 -- botocore's
    return await clients.dynamodb.get_item(TableName="t", Key=KEY)


async def _list_tables(clients: Clients) -> Any:  # noqa: ANN401 -- botocore's
    """Make a call with aioboto3's client."""
    return await clients.dynamodb.aioboto3.list_tables()


async def _get_user(clients: Clients) -> Any:  # noqa: ANN401 -- botocore's
    return await clients.cognito.get_user(AccessToken="x")


OF_DYNAMODB = [
    pytest.param("fast", _get, id="fast"),
    pytest.param("botocore", _get, id="botocore"),
    pytest.param("fast", _list_tables, id="aioboto3"),
]
ON_DYNAMODB = pytest.mark.parametrize(("transport", "call"), OF_DYNAMODB)
WAYS = pytest.mark.parametrize(
    ("transport", "call"), [*OF_DYNAMODB, pytest.param("fast", _get_user, id="cognito")]
)


@asynccontextmanager
async def _clients(url: str, transport: str, *settings: Settings) -> AsyncIterator[Clients]:
    servers = {"endpoint-url": url, **IMPATIENT}
    config = configured(
        {"aws.cognito": servers, "aws.dynamodb": {**servers, "transport": transport}}, *settings
    )
    async with open_clients(config, CREDENTIALS) as clients:
        yield clients


async def _failed(call: Call, clients: Clients) -> UpstreamUnavailable:
    """Make a call, and return its UpstreamUnavailable."""
    with pytest.raises(UpstreamUnavailable) as raised, translated({}):
        async with asyncio.timeout(10):
            await call(clients)
    return raised.value


@pytest.fixture(name="slow")
async def _slow() -> AsyncIterator[ScriptedKeyServer]:
    async with key_endpoint() as endpoint:
        endpoint.otherwise = trickling(b" " * 10_000)  # 200 seconds of it
        yield endpoint


@WAYS
async def test_slow_response_ends_with_the_time_of_the_attempt(
    slow: ScriptedKeyServer, transport: str, call: Call
) -> None:
    """An attempt has a time limit, also where each read is within the read timeout."""
    async with _clients(slow.url, transport, BREAKER_OFF) as clients:
        await _failed(call, clients)

    assert len(slow.asked) == (1 if call is _get_user else MAX_LOST_RESPONSES)


@WAYS
@pytest.mark.parametrize(
    "fault",
    [raw(b"{}", 500), HANG_UP, refusal("ThrottlingException")],
    ids=["500", "closed", "throttled"],
)
async def test_upstream_that_is_down_gets_hardly_more_calls(
    transport: str, call: Call, fault: bytes
) -> None:
    """If all fail, a hundred calls have at most a hundred and twenty attempts."""
    async with (
        scripted_server(fault) as server,
        _clients(server.url, transport, BREAKER_OFF) as clients,
    ):
        for _ in range(100):
            await _failed(call, clients)

        assert len(server.requests) <= 120


@ON_DYNAMODB
async def test_upstream_that_was_down_is_tried_again_as_before(transport: str, call: Call) -> None:
    """Calls that succeed refill the quota of retries that an outage has spent."""
    async with (
        scripted_server(FINE) as server,
        _clients(server.url, transport, BREAKER_OFF) as clients,
    ):
        server.plan(raw(b"{}", 500))
        for _ in range(100):
            await _failed(call, clients)
        server.plan(FINE)
        for _ in range(10):
            await call(clients)
        server.plan(HANG_UP, raw(b"{}", 500), FINE)

        await call(clients)

        assert len(server.requests) == 3


@WAYS
async def test_upstream_that_is_down_is_left_alone_and_found_again(
    transport: str, call: Call
) -> None:
    """An open breaker refuses calls, then admits one at a time until one succeeds."""
    async with (
        scripted_server(HANG_UP) as server,
        _clients(server.url, transport, PATIENT, BREAKS) as clients,
    ):
        refusals = [await _failed(call, clients) for _ in range(10)]
        assert len(server.requests) == 5
        assert isinstance(refusals[-1].__cause__, UpstreamRefused)
        assert 2 <= (refusals[-1].retry_after_s or 0) <= 4  # with jitter

        server.plan(FINE)
        async with asyncio.timeout(60):
            while not await _succeeds(call, clients):  # noqa: ASYNC110 -- no event for it
                await asyncio.sleep(0.01)


async def _succeeds(call: Call, clients: Clients) -> bool:
    try:
        with translated({}):
            await call(clients)
    except UpstreamUnavailable:
        return False
    return True


@WAYS
async def test_idle_connections_are_closed_after_a_missing_response(
    transport: str, call: Call
) -> None:
    """Once one connection is dead, the other idle ones are not tried one after another."""
    async with (
        _server_with_dead_connections(FINE) as server,
        _clients(server.url, transport, BREAKER_OFF) as clients,
    ):
        await asyncio.gather(*(call(clients) for _ in range(8)))
        server.dead = set(server.connections)
        # A call with three attempts succeeds by itself; calls to Cognito are sent once.
        assert await _succeeds(call, clients) == (call is not _get_user)
        assert await _succeeds(call, clients)


class _Server:
    """A server whose connections can die without being closed."""

    def __init__(self, text: bytes) -> None:
        self.url = ""
        self.connections: set[int] = set()
        self.dead: set[int] = set()
        self._text = text
        self._all_here = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = len(self.connections)
        self.connections.add(number)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = head.partition(b"content-length: ")[2].partition(b"\r")[0]
                await reader.readexactly(int(length))
                if len(self.connections) == 8:
                    self._all_here.set()
                await self._all_here.wait()
                if number not in self.dead:
                    writer.write(self._text)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has left
        finally:
            writer.close()


@asynccontextmanager
async def _server_with_dead_connections(text: bytes) -> AsyncIterator[_Server]:
    served = _Server(text)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    served.url = f"http://{host}:{port}"
    async with server:
        yield served


@WAYS
async def test_cancelled_call_without_a_response_counts(
    transport: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls that are cancelled by the deadline of their request open the breaker, too."""
    patient = {"connect-timeout-s": "20", "read-timeout-s": "20"}
    settings: Settings = {"aws.cognito": patient, "aws.dynamodb": patient}
    async with (
        scripted_server(HANG) as server,
        _clients(server.url, transport, settings, BREAKS) as clients,
    ):
        given_up = [asyncio.ensure_future(call(clients)) for _ in range(5)]
        await _arrived(server, 5)
        monkeypatch.setattr("service.circuit_breaker.SLOW_S", 0)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)

        await _failed(call, clients)
        assert len(server.requests) == 5


async def _arrived(server: ScriptedAws, count: int) -> None:
    async with asyncio.timeout(30), server.news:
        await server.news.wait_for(lambda: len(server.requests) == count)
