"""What a user pool and its app client are set up for; a pool in memory and one of Cognito take it."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Mfa: TypeAlias = Literal["OFF", "OPTIONAL", "ON"]


@dataclass(frozen=True, slots=True)
class PoolRules:
    """
    The rules of a pool; unless told otherwise it takes passwords and nothing else.

    *first_factors* are those that a sign-in by choice offers; empty where the client has no such
    sign-in. *relying_party* is the domain for which passkeys are made, None where there are none.
    """

    takes_sign_ups: bool = True
    usernames: tuple[str, ...] = ()  # the attributes that stand for the user name
    aliases: tuple[str, ...] = ()  # the attributes by which one can sign in, too
    first_factors: tuple[str, ...] = ()
    mfa: Mfa = "OFF"
    second_factors: tuple[str, ...] = ()  # out of service.domain.mfa.FACTORS
    relying_party: str | None = None
    passkeys_are_both_factors: bool = False  # and then must verify the user
    custom_challenge: bool = False  # a code that is sent, with three tries
    rotates_refresh_tokens: bool = False
    remembers_devices: Literal["never", "always", "on prompt"] = "never"
    tracks_sessions: bool = False
