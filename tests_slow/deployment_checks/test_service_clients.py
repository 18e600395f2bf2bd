"""The clients and the resource server of other services are compared with the settings."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

import pytest

from service.deployment_checks.results import Status
from tests.deployment_checks.conftest import Account, Examine

NAMES: Final = ("profiles.read", "profiles.write", "profiles.erase")
MACHINE: Final[Mapping[str, Any]] = {
    "GenerateSecret": True,
    "ExplicitAuthFlows": ["ALLOW_REFRESH_TOKEN_AUTH"],
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["client_credentials"],
    "AllowedOAuthScopes": ["profiles/profiles.read"],
}
OF_USERS: Final[Mapping[str, Any]] = {
    **MACHINE,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid"],
}


def _server(account: Account, pool_id: str, identifier: str, *names: str) -> None:
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in names]
    account.cognito.create_resource_server(
        UserPoolId=pool_id, Identifier=identifier, Name=identifier, Scopes=scopes
    )


@pytest.fixture(name="pool")
def _pool(account: Account) -> str:
    """Create a user pool with a domain and two resource servers."""
    pool_id = account.pool()
    account.cognito.create_user_pool_domain(Domain=f"d{uuid.uuid4().hex}", UserPoolId=pool_id)
    _server(account, pool_id, "profiles", *NAMES)
    _server(account, pool_id, "other", "x")
    return pool_id


def _settings(pool_id: str, users: str, clients: str, server: str = "profiles") -> Any:  # noqa: ANN401 -- of sections
    return {
        "aws.cognito": {"user-pool-id": pool_id, "client-id": users},
        "services": {"clients": clients, "resource-server": server},
    }


async def test_right_services_are_ok(account: Account, pool: str, doctor: Examine) -> None:
    """Machine clients with a scope of the resource server are right."""
    users = account.app_client(pool)["ClientId"]
    machines = " ".join(account.app_client(pool, **MACHINE)["ClientId"] for _ in range(2))

    results = await doctor(_settings(pool, users, machines))

    assert {result.status for result in results.values()} == {Status.OK}
    assert results["service clients"].detail == f"{machines}: machine clients of the pool"
    assert results["resource server"].detail == f"profiles: {' '.join(NAMES)}"
    assert "token endpoint" not in results


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        (OF_USERS, "does not allow the client credentials grant"),
        ({"AllowedOAuthFlowsUserPoolClient": False}, "does not allow the client credentials grant"),
        ({"AllowedOAuthScopes": ["other/x"]}, "has no scope of the resource server"),
        (None, "has no app client absent"),
    ],
)
async def test_wrong_client_is_named(
    account: Account, pool: str, doctor: Examine, changes: Mapping[str, Any] | None, detail: str
) -> None:
    """A client that cannot get a token of the resource server is wrong."""
    users = account.app_client(pool)["ClientId"]
    client = "absent"
    if changes is not None:
        client = account.app_client(pool, **{**MACHINE, **changes})["ClientId"]

    result = (await doctor(_settings(pool, users, client)))["service clients"]

    assert result.status is Status.WRONG
    assert client in result.detail
    assert detail in result.detail


@pytest.mark.parametrize(
    ("server", "detail"),
    [
        ("absent", "has no resource server absent"),
        ("other", "lacks profiles.read profiles.write profiles.erase"),
    ],
)
async def test_wrong_resource_server_is_named(
    account: Account, pool: str, doctor: Examine, server: str, detail: str
) -> None:
    """The resource server must exist with the three scopes."""
    users = account.app_client(pool)["ClientId"]
    machine = account.app_client(pool, **MACHINE)["ClientId"]

    result = (await doctor(_settings(pool, users, machine, server)))["resource server"]

    assert result.status is Status.WRONG
    assert detail in result.detail
    assert "setup --resource-server" in result.advice


async def test_pool_without_a_domain_has_no_token_endpoint(
    account: Account, doctor: Examine
) -> None:
    """That services get no tokens at a domain is said; they may get them otherwise."""
    pool = account.pool()
    _server(account, pool, "profiles", *NAMES)
    users = account.app_client(pool)["ClientId"]
    machine = account.app_client(pool, **MACHINE)["ClientId"]

    result = (await doctor(_settings(pool, users, machine)))["token endpoint"]

    assert (result.status, result.optional) == (Status.UNKNOWN, True)
    assert result.advice == "python -m service setup --resource-server --domain PREFIX"
