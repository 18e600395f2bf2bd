"""The domain and the app client of federated sign-in are compared with the settings."""

import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from service.config.loader import Settings
from service.deployment_checks.federation import domain_results
from service.deployment_checks.results import Status
from tests.deployment_checks.conftest import Account, Examine
from tests.support.configs import configured

URIS = ["https://a.example/in", "my.app://in"]
ALLOWED: Mapping[str, Any] = {
    "AllowedOAuthFlowsUserPoolClient": True,
    "AllowedOAuthFlows": ["code"],
    "AllowedOAuthScopes": ["openid", "email", "profile", "aws.cognito.signin.user.admin"],
    "CallbackURLs": URIS,
    "LogoutURLs": URIS,
    "SupportedIdentityProviders": ["COGNITO", "Google"],
}


def _federation(domain: str = "login.example.com") -> Settings:
    return {
        "federation": {"domain": domain, "redirect-uris": " ".join(URIS), "providers": "Google"}
    }


@pytest.fixture(scope="module", name="domain_pool")
def _domain_pool(account: Account) -> str:
    """Create a user pool with a domain."""
    pool_id = account.pool()
    account.cognito.create_user_pool_domain(Domain=f"d{uuid.uuid4().hex}", UserPoolId=pool_id)
    return pool_id


async def test_right_domain_and_client_are_ok(
    account: Account, domain_pool: str, doctor: Examine
) -> None:
    """A client that allows everything in the settings is right, and so is a pool with a domain."""
    client_id = account.app_client(domain_pool, **ALLOWED)["ClientId"]
    ids = {"aws.cognito": {"user-pool-id": domain_pool, "client-id": client_id}}

    results = await doctor(ids, _federation())

    assert {result.status for result in results.values()} == {Status.OK}
    assert results["user pool domain"].detail == "login.example.com"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"AllowedOAuthFlows": ["implicit"]}, "does not allow the authorization code grant"),
        ({"AllowedOAuthFlowsUserPoolClient": False}, "does not allow the authorization code grant"),
        ({"AllowedOAuthScopes": ["openid", "email", "profile"]}, "signin.user.admin in Allowed"),
        ({"CallbackURLs": URIS[:1]}, "my.app://in in CallbackURLs"),
        ({"LogoutURLs": URIS[1:]}, "https://a.example/in in LogoutURLs"),
        ({"SupportedIdentityProviders": ["COGNITO"]}, "Google in SupportedIdentityProviders"),
    ],
)
async def test_what_the_client_does_not_allow_is_wrong(
    account: Account,
    domain_pool: str,
    doctor: Examine,
    changes: Mapping[str, Any],
    detail: str,
) -> None:
    """Each option of the app client that lacks a configured value is named."""
    client_id = account.app_client(domain_pool, **{**ALLOWED, **changes})["ClientId"]
    ids = {"aws.cognito": {"user-pool-id": domain_pool, "client-id": client_id}}

    result = (await doctor(ids, _federation()))["app client"]

    assert result.status is Status.WRONG
    assert detail in result.detail
    assert "Login pages" in result.advice


async def test_client_without_a_provider_has_no_page(
    account: Account, domain_pool: str, doctor: Examine
) -> None:
    """Without a choice of providers, at least one must be supported."""
    client_id = account.app_client(domain_pool, **{**ALLOWED, "SupportedIdentityProviders": []})
    ids = {"aws.cognito": {"user-pool-id": domain_pool, "client-id": client_id["ClientId"]}}

    result = (await doctor(ids, _federation(), {"federation": {"providers": ""}}))["app client"]

    assert "no identity provider" in result.detail


async def test_pool_without_a_domain_is_wrong(doctor: Examine) -> None:
    """The command that creates a domain has the id of the pool."""
    result = (await doctor(_federation()))["user pool domain"]

    assert result.status is Status.WRONG
    assert "create-user-pool-domain" in result.advice


@pytest.mark.parametrize(
    ("domain", "status"),
    [
        ("own.auth.us-east-1.amazoncognito.com", Status.OK),
        ("own.auth-fips.us-gov-west-1.amazoncognito.com", Status.OK),
        ("login.example.com", Status.OK),
        ("other.auth.us-east-1.amazoncognito.com", Status.WRONG),
        ("own.example.com", Status.WRONG),
    ],
)
def test_domain_of_another_pool_is_wrong(domain: str, status: Status) -> None:
    """The configured domain is the prefix domain or the custom domain of the pool."""
    pool = {"Domain": "own", "CustomDomain": "login.example.com"}

    (result,) = domain_results(pool, configured(_federation(domain)))

    assert result.status is status
