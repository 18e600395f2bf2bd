"""
Passkeys that are both factors of a sign-in, because the authenticator verifies the user.

What the service model leaves open is as measured on AWS in 2026 by two applications: the name in
UserMFASettingList, that another second factor must be enabled in the same call, and that a user with a
second factor is refused the sign-in by passkey unless this one is enabled too.
"""

from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito import relying_parties
from local_aws.cognito.errors import InvalidParameterException
from local_aws.cognito.sign_in import second_factors
from local_aws.cognito.state import Call, Cognito

NAME = "WEB_AUTHN_MFA"  # in UserMFASettingList
MEMBER = "WebAuthnMfaSettings"  # of SetUserMFAPreference


def enabled(cognito: Cognito, pool: Pool, user: User) -> bool:
    """Return whether a passkey of the user is both factors."""
    return cognito.account(user).passkey_mfa_enabled and _is_possible(cognito, pool, user)


def _is_possible(cognito: Cognito, pool: Pool, user: User) -> bool:
    both_factors = relying_parties.satisfies_mfa(cognito.pool_factors(pool).web_authn)
    return both_factors and bool(relying_parties.usable_passkeys(cognito, pool, user))


def check(call: Call, pool: Pool, user: User, wanted: dict[str, dict[str, bool]]) -> None:
    """Raise if the passkey's preference, or its absence, conflicts with those of the other factors."""
    cognito = call.cognito
    given = call.parameters.get(MEMBER)
    turned_on = given is not None and given.get("Enabled", False)
    others = {factor for factor, settings in wanted.items() if settings.get("Enabled")}
    if turned_on:
        if not relying_parties.satisfies_mfa(cognito.pool_factors(pool).web_authn):
            raise InvalidParameterException("WebAuthn MFA is not enabled for the user pool.")
        if not _is_possible(cognito, pool, user):
            raise InvalidParameterException(
                "User does not have applicable WebAuthn credentials to enable WebAuthn MFA."
            )
    stays_on = given is None and cognito.account(user).passkey_mfa_enabled
    if stays_on:
        others |= set(second_factors.enabled_by(cognito, user)) - wanted.keys()
    if (turned_on or stays_on) and not others:
        raise InvalidParameterException("WebAuthn MFA requires enabling an additional MFA setting.")


def switch(call: Call, user: User) -> None:
    """Set the passkey's preference, if the call has it."""
    given: dict[str, Any] | None = call.parameters.get(MEMBER)
    if given is not None:
        call.cognito.account(user).passkey_mfa_enabled = given.get("Enabled", False)
