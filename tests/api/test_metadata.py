"""Metadata for the Lambda triggers: which routes take it, which values, and where it goes."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, Final, cast

import pytest

from service.api.routes import all_routes
from service.api.schemas.account_fields import MetadataSchema
from service.app import Adapters
from service.domain.client import Client
from tests.api.conftest import Api, Start
from tests.support.accounts import PASSWORD
from tests.support.fakes.user_pool import MemoryUserPool
from tests.support.fakes.user_pool_rules import PoolRules

KEYS: Final = {"auth": {"client-metadata": "locale app.version"}}
METADATA: Final = {"locale": "de", "app.version": ""}
ALICE: Final = {"username": "alice"}
EMAIL: Final = {"email": "alice@example.com"}
# Each route that takes metadata, with a valid body.
BODIES: Final[Mapping[tuple[str, str], Mapping[str, object]]] = {
    ("POST", "/api/auth/signup"): {"username": "bob", "password": PASSWORD},
    ("POST", "/api/auth/confirm"): {**ALICE, "code": "123456", "session": "x"},
    ("POST", "/api/auth/resend"): ALICE,
    ("POST", "/api/auth/login"): {**ALICE, "preferredChallenge": "EMAIL_OTP"},
    ("POST", "/api/auth/challenge"): {
        **ALICE,
        "name": "EMAIL_OTP",
        "session": "x",
        "answer": {"code": "123456"},
    },
    ("POST", "/api/auth/refresh"): {"refreshToken": "x"},
    ("POST", "/api/auth/password/forgot"): ALICE,
    ("POST", "/api/auth/password/reset"): {**ALICE, "code": "123456", "password": PASSWORD},
    ("PATCH", "/api/auth/me"): {"attributes": {"name": "Alice"}},
    ("POST", "/api/auth/me/verification"): {"attribute": "email"},
}


class Recording:
    """A port that keeps the clients of its calls."""

    def __init__(self, port: object, clients: list[Client]) -> None:
        self._port = port
        self._clients = clients

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Return the method of the port, which keeps its client."""
        method = getattr(self._port, name)

        def call(*arguments: object, **options: object) -> Any:  # noqa: ANN401 -- the port's
            self._clients.extend(each for each in arguments if isinstance(each, Client))
            return method(*arguments, **options)

        return call


@pytest.fixture
def user_pool() -> MemoryUserPool:
    """Return accounts of a pool in which one-time codes sign in."""
    return MemoryUserPool(PoolRules(first_factors=("PASSWORD", "EMAIL_OTP")))


@pytest.fixture
def clients() -> list[Client]:
    """Return the clients that the ports are called for."""
    return []


@pytest.fixture
async def api(start: Start, memory: Adapters, clients: list[Client]) -> Api:
    """Start a service whose ports keep their clients."""
    provider = memory.identity_provider
    ports = {
        each.name: Recording(getattr(provider, each.name), clients) for each in fields(provider)
    }
    recording = replace(provider, **cast("dict[str, Any]", ports))
    return await start(KEYS, adapters=replace(memory, identity_provider=recording))


async def _bearer(api: Api, user_pool: MemoryUserPool) -> dict[str, str]:
    """Sign alice up and in, without metadata."""
    account = {**ALICE, "password": PASSWORD, "attributes": EMAIL}
    await api.post("/api/auth/signup", json=account)
    await api.post("/api/auth/confirm", json={**ALICE, "code": user_pool.code("alice")})
    login = await api.post("/api/auth/login", json={**ALICE, "password": PASSWORD})
    return {"Authorization": f"Bearer {(await login.json())['accessToken']}"}


def test_routes_with_metadata() -> None:
    """The routes that take metadata are those of Cognito's calls with ClientMetadata."""
    taking = {
        (route.method, route.path)
        for route, _ in all_routes()
        if route.operation.body is not None and issubclass(route.operation.body, MetadataSchema)
    }

    assert taking == set(BODIES)


@pytest.mark.parametrize(("method", "path"), BODIES)
async def test_metadata_goes_with_each_call(
    api: Api, user_pool: MemoryUserPool, clients: list[Client], method: str, path: str
) -> None:
    """Every call about the request's client has its metadata; a request without has none."""
    headers = await _bearer(api, user_pool)
    assert {tuple(client.metadata) for client in clients} == {()}
    clients.clear()

    body = {**BODIES[method, path], "metadata": METADATA}
    answer = await api.request(method, path, json=body, headers=headers)

    assert answer.status != 422
    assert [client.metadata for client in clients] == [METADATA]
    assert "de" not in repr(clients)


async def test_metadata_of_a_confirmation_goes_with_its_sign_in(
    api: Api, user_pool: MemoryUserPool, clients: list[Client]
) -> None:
    """The confirmation and the sign-in that follows it have the same metadata."""
    account = {**ALICE, "password": PASSWORD, "attributes": EMAIL}
    signed_up = await (await api.post("/api/auth/signup", json=account)).json()
    clients.clear()

    code = user_pool.code("alice")
    body = {**ALICE, "code": code, "session": signed_up["session"], "metadata": METADATA}
    confirmed = await api.post("/api/auth/confirm", json=body)

    assert "tokens" in await confirmed.json()
    assert [client.metadata for client in clients] == [METADATA] * 2


@pytest.mark.parametrize(("method", "path"), BODIES)
@pytest.mark.parametrize(
    ("metadata", "wrong"),
    [
        ({"locale": "x" * 257}, ["metadata.locale"]),
        ({"locale": 1}, ["metadata.locale"]),
        ({"locale": None}, ["metadata.locale"]),
        ({"other": "x"}, ["metadata.other"]),
        ({"Locale": "x", "app.version": ["x"]}, ["metadata.Locale", "metadata.app.version"]),
        ([], ["metadata"]),
        ("x", ["metadata"]),
        (None, ["metadata"]),
    ],
    ids=["long", "number", "null", "unknown", "two", "list", "text", "nothing"],
)
async def test_invalid_metadata_is_refused_by_key(  # noqa: PLR0913, PLR0917 -- a row of two tables
    api: Api,
    user_pool: MemoryUserPool,
    method: str,
    path: str,
    metadata: object,
    wrong: list[str],
) -> None:
    """Keys that are not listed, and values that are no texts of 256 characters, are named."""
    headers = await _bearer(api, user_pool) if path.startswith("/api/auth/me") else {}

    body = {**BODIES[method, path], "metadata": metadata}
    answer = await api.request(method, path, json=body, headers=headers)

    problem = await answer.json()
    assert (answer.status, problem["code"]) == (422, "invalid_fields")
    assert sorted(error["field"] for error in problem["errors"]) == wrong


@pytest.mark.parametrize(("key", "status"), [("locale", 422), (None, 202)])
async def test_no_key_is_accepted_by_default(start: Start, key: str | None, status: int) -> None:
    """Without the setting only empty metadata is accepted."""
    api = await start()

    body = {**ALICE, "metadata": {} if key is None else {key: "de"}}
    answer = await api.post("/api/auth/resend", json=body)

    assert answer.status == status


async def test_longest_value_is_accepted(api: Api) -> None:
    """A value has up to 256 characters, whatever their size in bytes."""
    body = {**ALICE, "metadata": {"locale": "\U0001f600" * 256}}

    assert (await api.post("/api/auth/resend", json=body)).status == 202
