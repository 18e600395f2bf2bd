"""Relying parties of passkeys."""

from moto.cognitoidp.models import CognitoIdpUser as User
from moto.cognitoidp.models import CognitoIdpUserPool as Pool

from local_aws.cognito.state import Cognito, Passkey
from local_aws.cognito.web_authn import RelyingParty


def of_pool(cognito: Cognito, pool: Pool) -> RelyingParty | None:
    """Return the configured relying party, else the pool's domain; None without both."""
    set_up = cognito.pool_factors(pool).web_authn or {}
    name = set_up.get("RelyingPartyId")
    if name is None and pool.domain is not None:
        name = f"{pool.domain.domain}.auth.{pool.region}.amazoncognito.com"
    if name is None:
        return None
    return RelyingParty(name, set_up.get("UserVerification", "preferred"))


def usable_passkeys(cognito: Cognito, pool: Pool, user: User) -> list[Passkey]:
    """Return the user's passkeys for the pool's current relying party."""
    party = of_pool(cognito, pool)
    every = cognito.account(user).passkeys.values()
    return [one for one in every if party is not None and one.relying_party_id == party.id]
