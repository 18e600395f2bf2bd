"""The profiles of users for other services: tokens of the local Cognito, profiles in DynamoDB."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.app import aws_adapters, create_app
from service.config.settings import Config
from service.observability.upstream_calls import UpstreamTelemetry
from tests.support.configs import CREDENTIALS
from tests.support.machine_client import machine_client

OWN = "/v1/user/profile"
BATCH = "/v1/users/profiles/batch"


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, and the headers of another service that calls it."""

    api: TestClient[Any, Any]
    caller: dict[str, str]

    async def as_user(self, user: str, method: str, body: object = None) -> tuple[int, Any]:
        """Call the user's own profile."""
        headers = {"x-amzn-oidc-identity": user}
        answer = await self.api.request(method, OWN, json=body, headers=headers)
        return answer.status, await answer.json(content_type=None)

    async def as_service(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """Call as the other service."""
        answer = await self.api.request(method, path, json=body, headers=self.caller)
        return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def service(config: Config) -> AsyncIterator[Service]:
    """Start the service with a machine client of its pool."""
    own, token = await machine_client(config)
    patient = replace(own.server, request_deadline_s=60.0)  # moto serves one call at a time
    own = replace(own, identity=replace(own.identity, sources=("header",)), server=patient)

    def opened(config: Config, calls: UpstreamTelemetry) -> Any:  # noqa: ANN401 -- a context manager
        return aws_adapters(config, calls, CREDENTIALS)

    async with TestClient(TestServer(create_app(own, opened))) as api:
        yield Service(api, {"Authorization": f"Bearer {token}"})


async def test_service_reads_changes_and_erases(service: Service) -> None:
    """The token of the client credentials grant opens the calls of services and no other."""
    alice, bob, nobody = (f"{name}-{uuid.uuid4()}" for name in ("alice", "bob", "nobody"))
    _, created = await service.as_user(alice, "PUT", {"city": "Mumbai"})
    await service.as_user(bob, "PUT", {"city": "Pune"})
    path = f"/v1/users/{alice}/profile"

    assert await service.as_service("GET", path) == (200, created)
    status, changed = await service.as_service("PATCH", path, {"bio": "b"})
    assert (status, changed["version"]) == (200, 2)
    _, batch = await service.as_service("POST", BATCH, {"userIds": [alice, nobody, bob]})
    assert (batch["profiles"][alice], batch["missing"]) == (changed, [nobody])
    assert await service.as_service("DELETE", path) == (204, None)
    _, batch = await service.as_service("POST", BATCH, {"userIds": [alice, nobody, bob]})
    assert (batch["profiles"].keys(), batch["missing"]) == ({bob}, [alice, nobody])
    assert (await service.as_user(alice, "GET"))[0] == 404
    assert (await service.as_service("GET", OWN))[0] == 401
    assert (await service.as_service("GET", "/api/auth/me"))[0] == 401


async def test_concurrent_batches_answer_each_with_its_own_users(service: Service) -> None:
    """No answer has a profile of another request, or one user's data for another."""
    users = [f"{number}-{uuid.uuid4()}" for number in range(12)]
    for user in users[::2]:
        await service.as_user(user, "PUT", {"city": user})

    async def read(number: int) -> None:
        wanted = [users[(number + step * 5) % len(users)] for step in range(7)]
        status, batch = await service.as_service("POST", BATCH, {"userIds": wanted})
        assert status == 200
        assert [*batch["profiles"]] == [user for user in wanted if user in users[::2]]
        assert batch["missing"] == [user for user in wanted if user not in users[::2]]
        for user, profile in batch["profiles"].items():
            assert (profile["userId"], profile["city"]) == (user, user)

    async def change(user: str) -> None:
        assert (await service.as_user(user, "PATCH", {"bio": user}))[0] == 200

    await asyncio.gather(*map(read, range(12)), *map(change, users[::2]))
