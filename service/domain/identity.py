"""Identity: the credentials of a request, the accepted caller, and the ports of authentication."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from typing import Final, Protocol

MAX_SUB_CHARACTERS = 255  # of ASCII (OpenID Connect Core 1.0, section 2)
# After a `sub`, the partition keys of other data about the user.
PARTITION_SUFFIXES = ("~activity", "~history")
_USER_ID = re.compile(rf"[!-}}]{{1,{MAX_SUB_CHARACTERS}}}")


@dataclass(slots=True)
class RequestCredentials:
    """
    The credentials of a request: the peer's address and every value of each identity header.

    *peer* is None where the transport has no address. A header that is absent is an empty tuple.
    """

    # Final instead of frozen, which costs a request as much as its authentication.
    peer: Final[IPv4Address | IPv6Address | None]
    authorization: Final[tuple[str, ...]] = field(default=(), repr=False)
    oidc_identity: Final[tuple[str, ...]] = field(default=(), repr=False)
    oidc_data: Final[tuple[str, ...]] = field(default=(), repr=False)
    oidc_access_token: Final[tuple[str, ...]] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated user, and the name of the authenticator that accepted it."""

    sub: str
    source: str


class Authenticator(Protocol):
    """One method of authentication."""

    @property
    def name(self) -> str:
        """The name in `[identity] sources`."""

    async def identify(self, credentials: RequestCredentials) -> Identity | None:
        """
        Return the authenticated user, or None where there are no credentials for this method.

        Raises NotAuthenticated where the credentials are not valid.
        """


class AccessTokenVerifier(Protocol):
    """Verifies access tokens locally; a revoked token is accepted until it expires."""

    async def verify(self, access_token: str) -> Identity:
        """
        Return the token's user.

        Raises TokenInvalid, and UpstreamUnavailable where the signing key cannot be fetched.
        """


class ServiceScope(StrEnum):
    """The scopes of the resource server, each for one kind of call by other services."""

    READ = "profiles.read"
    WRITE = "profiles.write"
    ERASE = "profiles.erase"


@dataclass(frozen=True, slots=True)
class ServiceCaller:
    """An authenticated service: its app client, and those of its token's scopes that are known here."""

    client_id: str
    scopes: frozenset[ServiceScope]


class ServiceTokenVerifier(Protocol):
    """Verifies access tokens of the client credentials grant locally."""

    async def verify(self, access_token: str) -> ServiceCaller:
        """
        Return the token's service.

        Raises TokenInvalid, also for the token of a user, and UpstreamUnavailable where the signing key
        cannot be fetched.
        """


@dataclass(frozen=True, slots=True)
class AccessTokenVerifiers:
    """
    The access token verifiers: of users, by the header that carries the token, and of services.

    A load balancer may use an app client of its own, and forwards that client's tokens.
    """

    authorization: AccessTokenVerifier
    load_balancer: AccessTokenVerifier
    services: ServiceTokenVerifier


def is_subject(text: str) -> bool:
    """
    Return whether *text* is a valid `sub`: 1 to 255 visible ASCII characters.

    One with a suffix of PARTITION_SUFFIXES would be the partition key of another user's data.
    """
    return (
        0 < len(text) <= MAX_SUB_CHARACTERS
        and text.isascii()
        and text.isprintable()
        and " " not in text
        and not text.endswith(PARTITION_SUFFIXES)
    )


def is_user_id(text: str) -> bool:
    """Return whether services may name a user so: a `sub` without `~`, as all of Cognito's are."""
    return _USER_ID.fullmatch(text) is not None
