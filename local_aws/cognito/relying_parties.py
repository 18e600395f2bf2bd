"""Relying parties of passkeys."""

from collections.abc import Mapping
from typing import Any

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.records import Passkey
from local_aws.cognito.state import Cognito
from local_aws.cognito.web_authn import RelyingParty

BOTH_FACTORS = "MULTI_FACTOR_WITH_USER_VERIFICATION"


def of_pool(cognito: Cognito, pool: Pool) -> RelyingParty | None:
    """Return the configured relying party, else the pool's domain; None without both."""
    set_up = cognito.pool_factors(pool).web_authn or {}
    name = set_up.get("RelyingPartyId")
    if name is None and pool.domain is not None:
        name = f"{pool.domain.domain}.auth.{pool.region}.amazoncognito.com"
    if name is None:
        return None
    verification = set_up.get("UserVerification", "preferred")
    return RelyingParty(name, "required" if satisfies_mfa(set_up) else verification)


def satisfies_mfa(web_authn: Mapping[str, Any] | None) -> bool:
    """Return whether, by this WebAuthnConfiguration, a passkey can be both factors of a sign-in."""
    return (web_authn or {}).get("FactorConfiguration") == BOTH_FACTORS


def usable_passkeys(cognito: Cognito, pool: Pool, user: User) -> list[Passkey]:
    """Return the user's passkeys for the pool's current relying party."""
    party = of_pool(cognito, pool)
    every = cognito.account(user).passkeys.values()
    return [one for one in every if party is not None and one.relying_party_id == party.id]
