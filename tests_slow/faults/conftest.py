"""The service with a proxy in front of each upstream."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import aiohttp
import pytest

from service.app import Adapters, aws_adapters, create_app
from service.aws.clients import Clients
from service.config.settings import Config
from service.observability.upstream_calls import UpstreamTelemetry
from service.server.readiness import no_start_checks
from tests.api.raw_http import until
from tests.support.accounts import PASSWORD, new_user
from tests.support.configs import CREDENTIALS, configured
from tests.support.serving import served
from tests_slow.faults.tcp_proxy import TASK, TcpProxy, tcp_proxy

SERVED = {200, 201}
DEADLINE_S = 1.0
RECOVERED_WITHIN_S = 10.0  # for a loaded machine; the service itself needs 5
DESCRIPTORS = Path("/proc/self/fd")


class Reply(NamedTuple):
    """A response of the service."""

    status: int
    content_type: str
    code: str | None


@dataclass(frozen=True)
class Harness:
    """The service at *url*, the *proxies* of its upstreams by name, and a signed-in user."""

    url: str
    proxies: dict[str, TcpProxy]
    username: str
    sub: str
    token: str
    tasks: int = field(default_factory=lambda: len(_tasks()))

    async def call(self, upstream: str, *, writing: bool = False) -> Reply:
        """Make a request that needs *upstream*, on a new connection."""
        path, body = "/v1/user/profile", None
        headers = {"x-amzn-oidc-identity": self.sub}
        match upstream:
            case "cognito":
                path, body = "/api/auth/login", {"username": self.username, "password": PASSWORD}
            case "dynamodb" if writing:
                body = {"city": os.urandom(8).hex()}  # always a change
            case "key server":
                headers = {"Authorization": f"Bearer {self.token}"}
        method = "GET" if body is None else "POST"
        async with (
            aiohttp.ClientSession(self.url) as client,
            client.request(method, path, json=body, headers=headers) as answer,
        ):
            body = await answer.json(content_type=None)
            return Reply(answer.status, answer.content_type, body.get("code"))

    async def call_concurrently(self, upstream: str, calls: int) -> list[Reply]:
        """Make several requests at once; of those to DynamoDB, every other one writes."""
        return await asyncio.gather(
            *(self.call(upstream, writing=bool(number % 2)) for number in range(calls))
        )

    async def until_served(self, upstream: str, calls: int) -> None:
        """Make several requests at once, repeatedly, until all of them succeed."""
        async with asyncio.timeout(RECOVERED_WITHIN_S):
            answers: list[Reply] = []
            while not answers or any(reply.status not in SERVED for reply in answers):
                answers = await self.call_concurrently(upstream, calls)
                await asyncio.sleep(0.02)

    async def until_idle(self) -> None:
        """Wait until there are no more tasks than at the start, apart from the proxies'."""
        await until(lambda: len(_tasks()) <= self.tasks)


def _tasks() -> list[str]:
    names = (task.get_name() for task in asyncio.all_tasks())
    return [name for name in names if name != TASK]


def descriptors() -> int:
    """Return the number of open file descriptors of this process."""
    return len([*DESCRIPTORS.iterdir()])


def _address(url: str | None) -> tuple[str, int]:
    parts = urlsplit(url or "")
    assert parts.hostname is not None
    assert parts.port is not None
    return parts.hostname, parts.port


@asynccontextmanager
async def _without_start_checks(
    config: Config, calls: UpstreamTelemetry
) -> AsyncIterator[Adapters]:
    """Open the adapters of a service that has not fetched the pool's keys yet."""
    async with aws_adapters(config, calls, credentials=CREDENTIALS) as adapters:
        yield replace(adapters, start_checks=no_start_checks)


@pytest.fixture
async def harness(config: Config, clients: Clients) -> AsyncIterator[Harness]:
    """Serve with short timeouts, and with a user."""
    username, pool = new_user(), config.cognito.user_pool_id
    created = await clients.cognito.admin_create_user(UserPoolId=pool, Username=username)
    attributes = {entry["Name"]: entry["Value"] for entry in created["User"]["Attributes"]}
    await clients.cognito.admin_set_user_password(
        UserPoolId=pool, Username=username, Password=PASSWORD, Permanent=True
    )
    signed_in = await clients.cognito.initiate_auth(
        ClientId=config.cognito.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": PASSWORD},
    )
    token = signed_in["AuthenticationResult"]["AccessToken"]
    cognito, dynamodb = map(_address, (config.cognito.endpoint_url, config.dynamodb.endpoint_url))
    async with AsyncExitStack() as stack:
        proxies = {
            name: await stack.enter_async_context(tcp_proxy(upstream))
            for name, upstream in {
                "cognito": cognito,
                "dynamodb": dynamodb,
                "key server": cognito,
            }.items()
        }
        keys = f"{proxies['key server'].url}/{pool}/.well-known/jwks.json"
        between = configured(
            {
                "aws.cognito": {
                    "endpoint-url": proxies["cognito"].url,
                    "user-pool-id": pool,
                    "client-id": config.cognito.client_id,
                    "jwks-url": keys,
                    "read-timeout-s": "0.6",
                },
                "aws.dynamodb": {
                    "endpoint-url": proxies["dynamodb"].url,
                    "user-profile-table": config.dynamodb.user_profile_table,
                    "read-timeout-s": "0.6",
                },
                "auth": {"answer-floor-ms": "0"},
                "limits": {"account-burst": "0", "lockout-after": "0"},
                "server": {"request-deadline-s": str(DEADLINE_S), "body-timeout-s": "0.9"},
            }
        )
        app = create_app(between, _without_start_checks)
        url = await stack.enter_async_context(
            served(app, between.server, finish_within_s=DEADLINE_S)
        )
        made = Harness(url, proxies, username, attributes["sub"], token)
        await made.until_served("dynamodb", 2)  # creates the profile
        yield made
