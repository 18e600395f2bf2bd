"""The user pool's session tracking, compared with `[auth-config] sessions`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from service.aws.failure_advice import code_of
from service.deployment_checks.permissions import CannotCheck, NotFound, asked
from service.deployment_checks.results import CheckResult, NamedCheck

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config.settings import Config

SESSIONS: Final = NamedCheck(2, "session tracking")
OFF: Final = frozenset({"FeatureUnavailableInTierException", "OperationNotEnabledException"})


async def describe_sessions(
    client: CognitoIdentityProviderClient, config: Config
) -> list[CheckResult]:
    """Return whether the pool tracks sessions as configured; nothing for a pool that does not exist."""
    newer: Any = client  # the operation is newer than the stubs: see MODEL_EXTRAS
    try:
        found: Mapping[str, Any] = await asked(
            newer.get_user_pool_session_configuration(UserPoolId=config.cognito.user_pool_id),
            SESSIONS,
            right="cognito-idp:GetUserPoolSessionConfiguration",
        )
    except NotFound:  # the check of the pool reports it
        return []
    except CannotCheck as cannot:
        cause = cannot.__cause__
        if not isinstance(cause, ClientError) or code_of(cause) not in OFF:
            raise
        found = {}
    tracks = found.get("UserSessionTracking") == "ENABLED"
    offers = config.auth_config.sessions
    if tracks == offers:
        return [SESSIONS.ok("on" if tracks else "off")]
    if offers:
        return [
            SESSIONS.wrong(
                "[auth-config] sessions is true, but the pool does not track sessions.",
                "Let it, which needs the Essentials plan, or set AUTH_CONFIG_SESSIONS=false:\n"
                "python -m service setup --sessions",
            )
        ]
    return [
        SESSIONS.wrong(
            "The pool tracks sessions, but [auth-config] sessions is false.",
            "Set AUTH_CONFIG_SESSIONS=true.",
        )
    ]
