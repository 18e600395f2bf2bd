"""What `setup` and `local` create for federated sign-in: the domain, and what the app client allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

COGNITO: Final = "COGNITO"  # the provider that is the pool itself
BALANCER_CLIENT: Final = "load-balancer"


@dataclass(frozen=True, slots=True)
class SignInPages:
    """Sign-in at the domain: what an app client allows."""

    redirect_uris: Sequence[str]
    scopes: Sequence[str]
    providers: Sequence[str] = (COGNITO,)

    def client_settings(self) -> dict[str, Any]:
        """Return the members of CreateUserPoolClient."""
        return {
            "AllowedOAuthFlowsUserPoolClient": True,
            "AllowedOAuthFlows": ["code"],
            "AllowedOAuthScopes": [*self.scopes],
            "CallbackURLs": [*self.redirect_uris],
            "LogoutURLs": [*self.redirect_uris],
            "SupportedIdentityProviders": [*self.providers],
        }


async def create_domain(
    cognito: CognitoIdentityProviderClient, user_pool_id: str, prefix: str
) -> str:
    """Return the prefix of the pool's domain, which is created unless the pool has one."""
    pool: Any = (await cognito.describe_user_pool(UserPoolId=user_pool_id))["UserPool"]
    found = pool.get("Domain")
    if found:
        structlog.get_logger().info("domain_found", domain=found)
        return str(found)
    await cognito.create_user_pool_domain(Domain=prefix, UserPoolId=user_pool_id)
    structlog.get_logger().info("domain_created", domain=prefix)
    return prefix


async def create_stand_ins(
    cognito: CognitoIdentityProviderClient, user_pool_id: str, providers: Sequence[str]
) -> None:
    """Create the missing providers of a local pool; the local domain shows a page for each."""
    listed: Any = await cognito.list_identity_providers(UserPoolId=user_pool_id, MaxResults=60)
    known = {COGNITO, *(provider["ProviderName"] for provider in listed["Providers"])}
    for name in providers:
        if name not in known:
            await cognito.create_identity_provider(
                UserPoolId=user_pool_id,
                ProviderName=name,
                ProviderType="OIDC",
                ProviderDetails={},
                AttributeMapping={"email": "email", "email_verified": "email_verified"},
            )


async def create_balancer_client(
    cognito: CognitoIdentityProviderClient,
    user_pool_id: str,
    callback_urls: Sequence[str],
    scopes: Sequence[str],
) -> tuple[str, str]:
    """
    Create the app client of a local load balancer; return its id and secret.

    It replaces that of an earlier start, whose addresses may be other ones.
    """
    listed: Any = await cognito.list_user_pool_clients(UserPoolId=user_pool_id, MaxResults=60)
    for client in listed["UserPoolClients"]:
        if client["ClientName"] == BALANCER_CLIENT:
            await cognito.delete_user_pool_client(
                UserPoolId=user_pool_id, ClientId=client["ClientId"]
            )
    pages = SignInPages(callback_urls, scopes)
    created: Any = await cognito.create_user_pool_client(
        UserPoolId=user_pool_id,
        ClientName=BALANCER_CLIENT,
        GenerateSecret=True,
        PreventUserExistenceErrors="ENABLED",
        **pages.client_settings(),
    )
    client = created["UserPoolClient"]
    return client["ClientId"], client["ClientSecret"]


def domain_url(prefix: str, region: str) -> str:
    """Return the URL of a domain with a prefix (developer guide, "Configuring a user pool domain")."""
    service = "auth-fips" if region.startswith("us-gov-") else "auth"
    return f"https://{prefix}.{service}.{region}.amazoncognito.com"
