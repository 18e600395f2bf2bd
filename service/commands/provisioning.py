"""Creates the user pool and the app client; idempotent."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import structlog

from service.startup_errors import AwsUnusable

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
    from types_aiobotocore_cognito_idp.literals import AuthFactorTypeType, ExplicitAuthFlowsTypeType
    from types_aiobotocore_cognito_idp.type_defs import (
        CreateUserPoolRequestTypeDef,
        SetUserPoolMfaConfigRequestTypeDef,
    )

    from service.commands.federation_setup import SignInPages


PASSWORDLESS: tuple[AuthFactorTypeType, ...] = ("PASSWORD", "EMAIL_OTP", "WEB_AUTHN")
FLOWS: tuple[ExplicitAuthFlowsTypeType, ...] = (
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
)
# Cognito does not allow this flow with rotation; the service calls GetTokensFromRefreshToken.
WITHOUT_ROTATION: ExplicitAuthFlowsTypeType = "ALLOW_REFRESH_TOKEN_AUTH"
ROTATION = {"Feature": "ENABLED", "RetryGracePeriodSeconds": 60}  # the longest that Cognito takes
PAGE_SIZE = 60  # Cognito's maximum
SESSIONS_PER_USER = 20  # Cognito's default


async def create_user_pool(
    cognito: CognitoIdentityProviderClient, name: str, *, passkeys_of: str | None = None
) -> str:
    """
    Return the id of the user pool *name*, which is created unless it exists.

    An existing pool is not changed. In a new one, users may add an authenticator app as a second factor.
    With *passkeys_of*, the domain of the sign-in pages, they may also sign in by a passkey, which can be
    both factors, or by a code that is sent by e-mail.
    """
    async for page in cognito.get_paginator("list_user_pools").paginate(
        PaginationConfig={"PageSize": PAGE_SIZE}
    ):
        for pool in page["UserPools"]:
            if pool["Name"] == name:
                structlog.get_logger().info("user_pool_found", user_pool_id=pool["Id"])
                return pool["Id"]
    pool_id = await _create_user_pool(cognito, name, passkeys_of)
    structlog.get_logger().info("user_pool_created", user_pool_id=pool_id)
    return pool_id


async def _create_user_pool(
    cognito: CognitoIdentityProviderClient, name: str, passkeys_of: str | None
) -> str:
    pool: CreateUserPoolRequestTypeDef = {
        "PoolName": name,
        "AutoVerifiedAttributes": ["email"],
        "UsernameConfiguration": {"CaseSensitive": False},
        # A new address takes effect when its code has been entered: a typo must not end recovery. Cognito
        # takes attributes that are verified automatically only.
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
        "AccountRecoverySetting": {
            "RecoveryMechanisms": [{"Priority": 1, "Name": "verified_email"}]
        },
    }
    if passkeys_of is not None:
        pool["Policies"] = {"SignInPolicy": {"AllowedFirstAuthFactors": PASSWORDLESS}}
    pool_id = (await cognito.create_user_pool(**pool))["UserPool"]["Id"]
    # In a separate call: CreateUserPool takes no MfaConfiguration without an SMS sender.
    factors: SetUserPoolMfaConfigRequestTypeDef = {
        "UserPoolId": pool_id,
        "MfaConfiguration": "OPTIONAL",
        "SoftwareTokenMfaConfiguration": {"Enabled": True},
    }
    if passkeys_of is not None:
        # Otherwise Cognito refuses the sign-in by passkey to users who have a second factor.
        both_factors: Any = {
            "RelyingPartyId": passkeys_of,
            "UserVerification": "required",
            "FactorConfiguration": "MULTI_FACTOR_WITH_USER_VERIFICATION",
        }
        factors["WebAuthnConfiguration"] = both_factors
    await cognito.set_user_pool_mfa_config(**factors)
    return pool_id


async def track_sessions(cognito: CognitoIdentityProviderClient, user_pool_id: str) -> None:
    """
    Let the user pool track sessions; its limit of sessions per user is kept.

    Raises AwsUnusable for a pool of the Lite plan.
    """
    client: Any = cognito  # newer operations than the stubs have: see MODEL_EXTRAS
    found = await client.get_user_pool_session_configuration(UserPoolId=user_pool_id)
    if found.get("UserSessionTracking") == "ENABLED":
        return
    limits = found.get("TokenSession") or {"MaxPerUser": SESSIONS_PER_USER}
    try:
        await client.set_user_pool_session_configuration(
            UserPoolId=user_pool_id, UserSessionTracking="ENABLED", TokenSession=limits
        )
    except cognito.exceptions.FeatureUnavailableInTierException:
        raise AwsUnusable(
            f"The user pool {user_pool_id} cannot track sessions in the Lite plan. "
            "Change its feature plan to Essentials or Plus."
        ) from None
    structlog.get_logger().info("session_tracking_enabled", user_pool_id=user_pool_id)


async def find_client(
    cognito: CognitoIdentityProviderClient, user_pool_id: str, name: str
) -> str | None:
    """Return the id of the pool's app client *name*, or None."""
    pages = cognito.get_paginator("list_user_pool_clients")
    async for page in pages.paginate(
        UserPoolId=user_pool_id, PaginationConfig={"PageSize": PAGE_SIZE}
    ):
        for client in page["UserPoolClients"]:
            if client["ClientName"] == name:
                return client["ClientId"]
    return None


async def create_client(  # noqa: PLR0913 -- independent options
    cognito: CognitoIdentityProviderClient,
    user_pool_id: str,
    name: str,
    *,
    sign_in_pages: SignInPages | None = None,
    rotates: bool = False,
    srp: bool = False,
    updates: bool = False,
) -> str:
    """
    Return the id of the pool's app client *name*, which is created unless it exists.

    A new one lets users sign in on *sign_in_pages*. With *rotates*, each refresh returns a new refresh
    token, and the old one stays valid for a minute, so that two tabs can refresh at the same time. With
    *srp*, other programs may sign in by SRP, which the service does not use. An existing client is
    changed only with *updates*.
    """
    flows: list[ExplicitAuthFlowsTypeType] = [*FLOWS, "ALLOW_USER_AUTH"]
    rotation: dict[str, Any] = {}
    if rotates:
        flows.remove(WITHOUT_ROTATION)
        rotation["RefreshTokenRotation"] = ROTATION
    more: list[ExplicitAuthFlowsTypeType] = ["ALLOW_USER_SRP_AUTH"] if srp else []
    pages: dict[str, Any] = {} if sign_in_pages is None else sign_in_pages.client_settings()
    found = await find_client(cognito, user_pool_id, name)
    if found is not None:
        structlog.get_logger().info("client_found", client_id=found)
        if updates:
            await cognito.update_user_pool_client(
                UserPoolId=user_pool_id,
                ClientId=found,
                **_settings(name, [*flows, *more]),
                **pages,
                **rotation,
            )
        return found
    create = functools.partial(_create_client, cognito, user_pool_id)
    try:
        client_id = await create(**_settings(name, [*flows, *more]), **pages, **rotation)
    except cognito.exceptions.FeatureUnavailableInTierException:  # a pool of the Lite plan
        structlog.get_logger().warning("choice_of_factors_unavailable", user_pool_id=user_pool_id)
        client_id = await create(**_settings(name, [*FLOWS, *more]), **pages)
    structlog.get_logger().info("client_created", client_id=client_id)
    return client_id


def _settings(name: str, flows: Sequence[ExplicitAuthFlowsTypeType]) -> dict[str, Any]:
    return {
        "ClientName": name,
        "ExplicitAuthFlows": flows,
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
    }


async def _create_client(
    cognito: CognitoIdentityProviderClient,
    user_pool_id: str,
    **settings: Any,  # noqa: ANN401 -- of many types
) -> str:
    created = await cognito.create_user_pool_client(
        UserPoolId=user_pool_id, GenerateSecret=False, **settings
    )
    return created["UserPoolClient"]["ClientId"]
