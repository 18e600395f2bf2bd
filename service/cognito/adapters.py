"""All identity provider ports on one user pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.aws.retries import ignore_retry
from service.cognito.devices import CognitoDevices
from service.cognito.mfa import CognitoFactors
from service.cognito.own_account import CognitoOwnAccount
from service.cognito.passkeys import CognitoPasskeys
from service.cognito.passwords import CognitoPasswords
from service.cognito.refusals.user_existence_errors import OnMasked, ignore_masked
from service.cognito.registrations import CognitoRegistrations
from service.cognito.sessions import CognitoSessions
from service.cognito.user_pool_client import UserPoolClient
from service.cognito.user_sessions import CognitoUserSessions
from service.domain.identity_provider import IdentityProvider

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config.settings import CognitoConfig
    from service.domain.federation import FederatedSignIn


def identity_provider(  # noqa: PLR0913 -- those of UserPoolClient
    client: CognitoIdentityProviderClient,
    *,
    config: CognitoConfig,
    region: str = "",
    trigger_messages: bool = False,
    on_retry: Callable[[], None] = ignore_retry,
    on_masked: OnMasked = ignore_masked,
    federation: FederatedSignIn | None = None,
) -> IdentityProvider:
    """Return the ports on an open *client*, which the caller closes; see UserPoolClient."""
    user_pool = UserPoolClient(
        client,
        config=config,
        region=region,
        trigger_messages=trigger_messages,
        on_retry=on_retry,
        on_masked=on_masked,
    )
    sessions = CognitoSessions(user_pool, config)
    return IdentityProvider(
        registrations=CognitoRegistrations(user_pool, sessions),
        sessions=sessions,
        passwords=CognitoPasswords(user_pool),
        own_account=CognitoOwnAccount(user_pool),
        factors=CognitoFactors(user_pool),
        passkeys=CognitoPasskeys(user_pool),
        federation=federation,
        user_sessions=CognitoUserSessions(user_pool),
        devices=CognitoDevices(user_pool),
    )
