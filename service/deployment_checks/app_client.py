"""The app client of the service: a sign-in that must fail, and its description."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from service.aws.failure_advice import advice_for, code_and_message, code_of, known_cause
from service.aws.failure_causes import CLIENT_SECRET
from service.cognito.user_pool_client import secret_hash
from service.deployment_checks import federation
from service.deployment_checks.app_client_probe import APP_CLIENT
from service.deployment_checks.permissions import NotFound, asked
from service.deployment_checks.results import CheckResult, NamedCheck
from service.observability.upstream_calls import COGNITO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config.settings import CognitoConfig, Config

SIGN_IN: Final = NamedCheck(2, "app client sign-in")
BEARER: Final = NamedCheck(2, "bearer app clients")
HIDE_USERS: Final = (
    "Set `Prevent user existence errors` of the app client to enabled, in the console: the AWS CLI's "
    "`update-user-pool-client` resets every option that is not repeated in the call."
)
GRACE_S: Final = 60  # Cognito's maximum
UNITS_S: Final = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
SUPERFLUOUS: Final = (
    "The app client has no secret: remove AWS_COGNITO_CLIENT_SECRET, or set AWS_COGNITO_CLIENT_ID to the "
    "app client that the secret is of."
)


async def check_sign_in(
    client: CognitoIdentityProviderClient, config: CognitoConfig
) -> CheckResult:
    """Return whether the app client signs users in by password; no user has the name that is tried."""
    username = f"~doctor-{secrets.token_hex(8)}"
    try:
        await _sign_in(client, config, username, config.client_secret)
    except ClientError as error:
        return await _judged(client, config, username, error)
    except BotoCoreError as error:
        detail = f"Cognito did not answer: {type(error).__name__}."
        return SIGN_IN.unknown(detail, advice_for(error))
    # A challenge for a user that does not exist: triggers may answer so.
    return SIGN_IN.ok(f"{config.client_id} takes user name and password")


async def _sign_in(
    client: CognitoIdentityProviderClient,
    config: CognitoConfig,
    username: str,
    secret: str | None,
) -> None:
    proof = (
        {} if secret is None else {"SECRET_HASH": secret_hash(config.client_id, secret, username)}
    )
    password = f"Wrong1!{secrets.token_hex(8)}"
    await client.initiate_auth(
        ClientId=config.client_id,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": username, "PASSWORD": password, **proof},
    )


async def _judged(
    client: CognitoIdentityProviderClient, config: CognitoConfig, username: str, error: ClientError
) -> CheckResult:
    cause = known_cause(error, COGNITO)
    if cause is not None:
        advice = cause.advice
        if cause.setting == CLIENT_SECRET and config.client_secret is not None:
            needs_none = await _needs_no_secret(client, config, username)
            advice = SUPERFLUOUS if needs_none else cause.advice
        return SIGN_IN.wrong(code_and_message(error), advice)
    if code_of(error) == "UserNotFoundException":
        return SIGN_IN.wrong(
            "The app client reveals which users exist: PreventUserExistenceErrors is not ENABLED.",
            HIDE_USERS,
        )
    if code_of(error) == "NotAuthorizedException":
        return SIGN_IN.ok(f"{config.client_id} takes user name and password")
    return SIGN_IN.unknown(code_and_message(error))


async def _needs_no_secret(
    client: CognitoIdentityProviderClient, config: CognitoConfig, username: str
) -> bool:
    """Return whether the same sign-in without the secret gets past the check of the secret."""
    try:
        await _sign_in(client, config, username, None)
    except ClientError as error:
        return known_cause(error, COGNITO) is None
    except BotoCoreError:
        return False
    return True


async def describe_client(
    client: CognitoIdentityProviderClient, config: Config
) -> list[CheckResult]:
    """Return how the app client differs from what the service needs; raises CannotCheck."""
    client_id = config.cognito.client_id
    described = await described_client(
        client, config, client_id, APP_CLIENT, "AWS_COGNITO_CLIENT_ID"
    )
    if isinstance(described, CheckResult):
        return [described, *await _describe_bearer_clients(client, config)]
    problems = [*_problems(described, config)]
    fits = APP_CLIENT.ok(f"{client_id} is an app client of {config.cognito.user_pool_id}")
    return [
        *([APP_CLIENT.wrong(*problem) for problem in problems] or [fits]),
        *await _describe_bearer_clients(client, config),
    ]


async def _describe_bearer_clients(
    client: CognitoIdentityProviderClient, config: Config
) -> list[CheckResult]:
    """Return whether `bearer-client-ids` lists app clients of the pool, that of logins included."""
    listed, own = config.identity.bearer_client_ids, config.cognito.client_id
    if not listed:
        return []
    found = [
        await described_client(client, config, client_id, BEARER, "IDENTITY_BEARER_CLIENT_IDS")
        for client_id in listed
        if client_id != own
    ]
    missing = [each for each in found if isinstance(each, CheckResult)]
    if missing:
        return missing
    if own not in listed:
        unlisted = f"{own} is not listed: tokens of a login by this API are refused."
        complete = " ".join((own, *listed))
        advice = f"Set IDENTITY_BEARER_CLIENT_IDS='{complete}', unless users log in elsewhere."
        return [BEARER.unknown(unlisted, advice, optional=True)]
    return [BEARER.ok(f"{' '.join(listed)}: app clients of the pool")]


async def described_client(
    client: CognitoIdentityProviderClient,
    config: Config,
    client_id: str,
    check: NamedCheck,
    variable: str,
) -> Mapping[str, Any] | CheckResult:
    """Return an app client of the pool, or that there is none; raises CannotCheck."""
    pool_id = config.cognito.user_pool_id
    try:
        answer = await asked(
            client.describe_user_pool_client(UserPoolId=pool_id, ClientId=client_id),
            check,
            right="cognito-idp:DescribeUserPoolClient",
        )
    except NotFound as error:
        return check.wrong(
            f"The user pool {pool_id} has no app client {client_id}: {error}",
            f"Correct {variable}. These are the app clients of this pool:\n"
            f"aws cognito-idp list-user-pool-clients --user-pool-id {pool_id} "
            f"--region {config.aws.region}",
        )
    described: Mapping[str, Any] = answer["UserPoolClient"]
    return described


def _problems(described: Mapping[str, Any], config: Config) -> Iterator[tuple[str, str]]:
    flows = described.get("ExplicitAuthFlows", [])
    for flow in config.auth_config.flows:
        if f"ALLOW_{flow}" not in flows and flow not in flows:
            yield (
                f"[auth-config] flows offers {flow}, which the app client does not allow.",
                f"Add ALLOW_{flow} to the app client's ExplicitAuthFlows, or correct AUTH_CONFIG_FLOWS.",
            )
    if not described.get("EnableTokenRevocation", False):
        yield (
            "Token revocation is off: signing out does not end a session.",
            "Switch on `Enable token revocation` of the app client.",
        )
    if described.get("PreventUserExistenceErrors") != "ENABLED":
        yield (
            "PreventUserExistenceErrors is not ENABLED: errors reveal which users exist.",
            HIDE_USERS,
        )
    yield from federation.client_problems(described, config)
    if config.auth.refresh_cookie != "false":
        yield from _cookie_problems(described, config)


def _cookie_problems(described: Mapping[str, Any], config: Config) -> Iterator[tuple[str, str]]:
    rotation = described.get("RefreshTokenRotation") or {}
    grace_s = rotation.get("RetryGracePeriodSeconds", 0)
    if rotation.get("Feature") == "ENABLED" and grace_s <= config.server.request_deadline_s:
        yield (
            f"Refresh tokens rotate with a grace period of {grace_s} s: two tabs log each other out.",
            f"Set the grace period of refresh token rotation to {GRACE_S} s, in the console.",
        )
    unit = (described.get("TokenValidityUnits") or {}).get("RefreshToken", "days")
    validity_s = described.get("RefreshTokenValidity", 30) * UNITS_S[unit]
    max_age_s = config.auth.refresh_cookie_max_age_s
    if validity_s != max_age_s:
        yield (
            f"Refresh tokens are valid for {validity_s} s, their cookies for {max_age_s} s.",
            f"Set AUTH_REFRESH_COOKIE_MAX_AGE_S={validity_s}.",
        )
