"""All ports of the accounts on one user pool."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.domain.identity_provider import IdentityProvider
from service.identity_provider.cognito.factors import CognitoFactors
from service.identity_provider.cognito.masked_refusals import OnMasked, ignore
from service.identity_provider.cognito.own_account import CognitoOwnAccount
from service.identity_provider.cognito.passkeys import CognitoPasskeys
from service.identity_provider.cognito.passwords import CognitoPasswords
from service.identity_provider.cognito.registrations import CognitoRegistrations
from service.identity_provider.cognito.sessions import CognitoSessions
from service.identity_provider.cognito.user_pool_client import UserPoolClient
from service.transport.retries import untold

if TYPE_CHECKING:
    from collections.abc import Callable

    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config import CognitoConfig


def identity_provider(
    client: CognitoIdentityProviderClient,
    *,
    config: CognitoConfig,
    on_retry: Callable[[], None] = untold,
    on_masked: OnMasked = ignore,
) -> IdentityProvider:
    """Return the ports on Cognito; *client* is open and stays its opener's."""
    user_pool = UserPoolClient(client, config=config, on_retry=on_retry, on_masked=on_masked)
    sessions = CognitoSessions(user_pool)
    return IdentityProvider(
        registrations=CognitoRegistrations(user_pool, sessions),
        sessions=sessions,
        passwords=CognitoPasswords(user_pool),
        own_account=CognitoOwnAccount(user_pool),
        factors=CognitoFactors(user_pool),
        passkeys=CognitoPasskeys(user_pool),
    )
