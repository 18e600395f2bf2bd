"""Identity: who is asking, and the port of a source that can tell."""

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from typing import Protocol

MAX_SUB_CHARACTERS = (
    255  # OpenID Connect Core 1.0, section 2: `sub` is at most 255 ASCII characters
)


@dataclass(frozen=True, slots=True)
class RequestCredentials:
    """
    What a request shows of its sender: the peer's address and every copy of each identity header.

    *peer* is None where the transport has no address. A header that is absent is an empty tuple.
    """

    peer: IPv4Address | IPv6Address | None
    authorization: tuple[str, ...] = field(default=(), repr=False)
    oidc_identity: tuple[str, ...] = field(default=(), repr=False)
    oidc_data: tuple[str, ...] = field(default=(), repr=False)
    oidc_access_token: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Identity:
    """A user whose identity is accepted, and the *source* that accepted it."""

    sub: str
    source: str


class Authenticator(Protocol):
    """One way to prove identity."""

    @property
    def name(self) -> str:
        """The name by which `[identity] sources` lists it."""

    async def identify(self, evidence: RequestCredentials) -> Identity | None:
        """
        Return whom the evidence proves, or None where it holds nothing for this source.

        Raises NotAuthenticated where it holds something that proves nothing.
        """


class AccessTokenVerifier(Protocol):
    """Verifies access tokens without a call for each; a revoked one is valid here until it expires."""

    async def verify(self, access_token: str) -> Identity:
        """
        Return whom the token proves.

        Raises TokenInvalid, and UpstreamUnavailable where its key cannot be had.
        """


@dataclass(frozen=True, slots=True)
class AccessTokenVerifiers:
    """
    The verifiers of access tokens by the header that carries them.

    A load balancer may sign people in by an app client of its own, whose tokens it hands on.
    """

    authorization: AccessTokenVerifier
    load_balancer: AccessTokenVerifier


def is_subject(text: str) -> bool:
    """Tell whether *text* can be a `sub`: 1 to 255 visible ASCII characters."""
    return (
        0 < len(text) <= MAX_SUB_CHARACTERS
        and text.isascii()
        and text.isprintable()
        and " " not in text
    )
