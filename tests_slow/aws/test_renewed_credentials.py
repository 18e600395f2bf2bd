"""Credentials of a task on ECS are refreshed in the background; calls use the old ones meanwhile."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiobotocore.credentials import AioCredentialResolver
from botocore.exceptions import NoCredentialsError, PartialCredentialsError
from structlog.testing import capture_logs

from service.aws import credentials as module
from service.aws.clients import Clients, open_clients
from service.aws.errors import translated
from service.aws.failure_causes import NOT_RETRIEVED
from service.aws.session import open_session
from service.domain.errors import UpstreamUnavailable
from tests.support.clock import Clock
from tests.support.configs import configured
from tests.support.scripted_aws import ScriptedAws, answer, scripted_server
from tests.support.scripted_key_server import (
    Responder,
    ScriptedKeyServer,
    hanging,
    held,
    http,
    key_endpoint,
    ok,
    saying,
    trickling,
)

KEY = {"userId": {"S": "alice"}, "createdAt": {"S": "2026"}}
OLD = timedelta(minutes=5)  # so late every call of botocore waits for a refresh
GOOD = timedelta(hours=6)
EXPIRED = timedelta(hours=-1)
PATIENCE_S = 10.0  # for milliseconds of work on an idle machine
FAILING = saying(http(b"{}", 500))

TRANSPORTS = pytest.mark.parametrize("transport", ["fast", "botocore"])


def _credentials(name: str, lasting: timedelta) -> Responder:
    """Return a response with credentials that expire after *lasting*."""
    now = datetime.now(UTC)  # noqa: TID251 -- botocore reads the machine's clock
    expiration = (now + lasting).isoformat()
    parts = {"AccessKeyId": name, "SecretAccessKey": "s", "Token": "t", "Expiration": expiration}
    return ok(json.dumps(parts).encode())


@pytest.fixture(name="endpoint")
async def _endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ScriptedKeyServer]:
    """Serve credentials as ECS does, and hide all others from botocore."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setattr("aiobotocore.utils.AioContainerMetadataFetcher.SLEEP_TIME", 0)
    async with key_endpoint() as endpoint:
        monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url)
        yield endpoint


class Caller:
    """Makes calls to DynamoDB, and reads the credentials that they are signed with."""

    def __init__(self, server: ScriptedAws, clients: Clients) -> None:
        self._server = server
        self._clients = clients

    async def key(self) -> str:
        """Make a call, and return the id of the key that it was signed with."""
        with translated({}):
            async with asyncio.timeout(PATIENCE_S):
                await self._clients.dynamodb.get_item(TableName="t", Key=KEY)
        (name,) = re.findall("Credential=([^/]+)/", self._server.heads[-1]["authorization"])
        return str(name)

    async def key_becomes(self, name: str) -> None:
        """Make calls until one is signed with the key of that id."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.key() != name:  # noqa: ASYNC110 -- each try is a call
                await asyncio.sleep(0)

    @property
    def sent(self) -> int:
        """The number of calls that were received."""
        return len(self._server.requests)


@asynccontextmanager
async def _calling(transport: str) -> AsyncIterator[Caller]:
    async with scripted_server(answer({})) as server:
        config = configured({"aws.dynamodb": {"endpoint-url": server.url, "transport": transport}})
        async with open_clients(config) as clients:
            yield Caller(server, clients)


@TRANSPORTS
async def test_valid_credentials_are_kept(endpoint: ScriptedKeyServer, transport: str) -> None:
    """Credentials that are valid for hours are fetched once."""
    endpoint.otherwise = _credentials("good", GOOD)
    async with _calling(transport) as caller:
        assert [await caller.key() for _ in range(3)] == ["good"] * 3

    assert len(endpoint.asked) == 1


@TRANSPORTS
async def test_calls_do_not_wait_for_a_refresh(endpoint: ScriptedKeyServer, transport: str) -> None:
    """While the credentials endpoint hangs, calls use the old credentials."""
    endpoint.otherwise = _credentials("old", OLD)
    async with _calling(transport) as caller:
        release = asyncio.Event()
        endpoint.otherwise = held(release, _credentials("new", GOOD))

        assert [await caller.key() for _ in range(3)] == ["old"] * 3
        await endpoint.was_asked(2)
        assert await asyncio.gather(*(caller.key() for _ in range(20))) == ["old"] * 20
        assert len(endpoint.asked) == 2  # all share one refresh

        release.set()
        await caller.key_becomes("new")
        assert [await caller.key() for _ in range(3)] == ["new"] * 3
        assert len(endpoint.asked) == 2


@TRANSPORTS
async def test_failed_refresh_fails_no_call(
    endpoint: ScriptedKeyServer, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failed refresh calls use the old credentials; it is logged, and repeated later."""
    monkeypatch.setattr(module, "ATTEMPT_PAUSE_S", 0)
    endpoint.otherwise = _credentials("old", OLD)
    async with _calling(transport) as caller:
        endpoint.otherwise = FAILING
        with capture_logs() as logs:
            assert await caller.key() == "old"
            await endpoint.was_asked(4)  # botocore makes three requests
            async with asyncio.timeout(PATIENCE_S):
                while not logs:  # noqa: ASYNC110 -- no event for a log line
                    await asyncio.sleep(0)

        assert logs[0] == {
            "event": "credentials_not_renewed",
            "error": "CredentialRetrievalError",
            "advice": NOT_RETRIEVED.advice,
            "expired": False,
            "log_level": "warning",
        }
        endpoint.otherwise = _credentials("new", GOOD)
        await caller.key_becomes("new")


@TRANSPORTS
async def test_failed_refresh_is_not_repeated_at_once(
    endpoint: ScriptedKeyServer, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many calls there are, the next refresh begins after a pause."""
    monkeypatch.setattr(module, "ATTEMPT_PAUSE_S", 3_600)
    endpoint.otherwise = _credentials("old", OLD)
    async with _calling(transport) as caller:
        endpoint.otherwise = FAILING
        assert await caller.key() == "old"
        await endpoint.was_asked(4)
        for _ in range(50):
            assert await caller.key() == "old"

        assert len(endpoint.asked) == 4


@TRANSPORTS
async def test_expired_credentials_are_waited_for(
    endpoint: ScriptedKeyServer, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls wait for new credentials once the old ones have expired."""
    monkeypatch.setattr(module, "ATTEMPT_PAUSE_S", 0)
    endpoint.otherwise = _credentials("expired", EXPIRED)
    async with _calling(transport) as caller:
        release = asyncio.Event()
        endpoint.otherwise = held(release, _credentials("new", GOOD))
        waiting = [asyncio.create_task(caller.key()) for _ in range(3)]
        await endpoint.was_asked(3)
        assert caller.sent == 0

        waiting.pop().cancel()  # does not cancel the refresh
        release.set()

        assert await asyncio.gather(*waiting) == ["new", "new"]


@TRANSPORTS
@pytest.mark.parametrize(
    "failing", [FAILING, _credentials("again", EXPIRED)], ids=["down", "gives expired ones"]
)
async def test_without_credentials_the_upstream_is_unavailable(
    endpoint: ScriptedKeyServer, transport: str, failing: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without valid credentials nothing is sent, and the error has a time to retry after."""
    monkeypatch.setattr(module, "ATTEMPT_PAUSE_S", 0)
    endpoint.otherwise = _credentials("expired", EXPIRED)
    async with _calling(transport) as caller:
        endpoint.otherwise = failing
        for _ in range(2):
            with pytest.raises(UpstreamUnavailable) as raised:
                await caller.key()
            assert raised.value.retry_after_s == 1
        assert caller.sent == 0

        endpoint.otherwise = _credentials("new", GOOD)
        assert await caller.key() == "new"


@pytest.mark.parametrize(
    "invalid",
    [
        FAILING,
        saying(bytes(range(128, 256))),
        ok(b"\xff"),
        ok(b"null"),
        ok(b"[]"),
        ok(b"{}"),
        ok(b'{"AccessKeyId": "a", "SecretAccessKey": "s", "Token": "t", "Expiration": "never"}'),
    ],
    ids=["down", "no HTTP", "no text", "nothing", "a list", "empty", "no date"],
)
async def test_invalid_credentials_at_the_start_are_fetched_again(
    endpoint: ScriptedKeyServer, invalid: Responder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invalid response of the credentials endpoint ends nothing: the next call fetches again."""
    monkeypatch.setattr(module, "ATTEMPT_PAUSE_S", 0)
    endpoint.otherwise = invalid
    async with _calling("fast") as caller:
        with pytest.raises(UpstreamUnavailable):
            await caller.key()

        endpoint.otherwise = _credentials("late", GOOD)
        assert await caller.key() == "late"


async def test_slow_endpoint_does_not_delay_the_start(
    endpoint: ScriptedKeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clients open while the first credentials are still awaited."""
    monkeypatch.setattr(module, "START_PATIENCE_S", 0.1)
    release = asyncio.Event()
    endpoint.otherwise = held(release, _credentials("late", GOOD))
    async with _calling("fast") as caller:
        call = asyncio.create_task(caller.key())
        await endpoint.was_asked(1)
        release.set()

        assert await call == "late"


@TRANSPORTS
async def test_slow_refresh_is_given_up(
    endpoint: ScriptedKeyServer, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refresh that began before the endpoint recovered does not delay the next one."""
    monkeypatch.setattr(module, "ATTEMPT_TIMEOUT_S", 0.2)
    monkeypatch.setattr(module, "ATTEMPT_PAUSE_S", 0)
    endpoint.otherwise = _credentials("expired", EXPIRED)
    async with _calling(transport) as caller:
        endpoint.otherwise = trickling(b"{" + b" " * 10_000)
        with pytest.raises(UpstreamUnavailable):
            await caller.key()

        monkeypatch.setattr(module, "ATTEMPT_TIMEOUT_S", PATIENCE_S)
        endpoint.otherwise = _credentials("new", GOOD)
        assert await caller.key() == "new"


async def test_refresh_ends_with_the_clients(endpoint: ScriptedKeyServer) -> None:
    """Closing does not wait for the endpoint, and leaves no task."""
    endpoint.otherwise = _credentials("old", OLD)
    before = asyncio.all_tasks()
    async with _calling("fast") as caller:
        endpoint.otherwise = hanging
        await caller.key()
        await endpoint.was_asked(2)

    assert not [task for task in asyncio.all_tasks() - before if "_refresh" in str(task)]


async def test_account_id_is_returned_without_a_refresh(endpoint: ScriptedKeyServer) -> None:
    """Resolving an endpoint by the id of the account does not wait for a refresh."""
    endpoint.otherwise = _credentials("old", OLD)
    async with open_session("us-east-1") as session:
        found: Any = await session.get_credentials()  # type: ignore[misc]  # a coroutine in aioboto3
        endpoint.otherwise = hanging

        assert await found.get_account_id() is None


async def test_half_a_key_ends_the_start(
    endpoint: ScriptedKeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waiting does not help against a configuration that can't be used."""
    assert endpoint.url
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "half")
    async with open_session("us-east-1") as session:
        with pytest.raises(PartialCredentialsError):
            await session.get_credentials()  # type: ignore[misc]  # a coroutine in aioboto3


async def test_same_failure_is_logged_once_a_minute() -> None:
    """Each second without credentials is one attempt, and no log line."""
    clock = Clock()
    credentials = module.BackgroundCredentials(_without_any, clock)
    with capture_logs() as logs:
        for _ in range(61):
            with pytest.raises(NoCredentialsError):
                await credentials.get_frozen_credentials()
            clock.now += module.ATTEMPT_PAUSE_S

    assert [log["event"] for log in logs] == ["credentials_missing"] * 2
    assert "taskRoleArn" in logs[0]["advice"]


def _without_any() -> AioCredentialResolver:
    return AioCredentialResolver([])
