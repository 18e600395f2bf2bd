"""
Identity by the token that an Application Load Balancer signs, `x-amzn-oidc-data`.

All load balancers of a region, everybody's, sign with keys of one key server, and the token names no
audience. A valid signature alone proves nothing: the token must also say that it is from *this* load
balancer (`signer`), for this client and from this issuer. All of that is checked before a key is
fetched, and again where the payload repeats it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.authentication import jwt_parser
from service.authentication.alb_keys import AlbKeys
from service.authentication.jwt_parser import Token
from service.authentication.verified_token_cache import VerifiedTokenCache
from service.domain.errors import NotAuthenticated, TokenInvalid
from service.domain.identity import Identity, RequestCredentials

ALGORITHM: Final = "ES256"
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: one of the *arns*, the client's id, one of the *issuers*."""

    arns: frozenset[str]
    client_id: str
    issuers: frozenset[str]


class LoadBalancer:
    """The Authenticator that verifies the load balancer's token; *skew_s* is for future times only."""

    name = "alb"

    def __init__(
        self,
        expected: Expected,
        *,
        keys: AlbKeys,
        memory: VerifiedTokenCache,
        clock: Callable[[], float],
        skew_s: float,
    ) -> None:
        self._expected = expected
        self._keys = keys
        self._memory = memory
        self._clock = clock
        self._skew_s = skew_s

    async def identify(self, evidence: RequestCredentials) -> Identity | None:
        """
        Return whom the token proves, None without one.

        Raises NotAuthenticated, UpstreamUnavailable.
        """
        if not evidence.oidc_data:
            return None
        if len(evidence.oidc_data) > 1 or len(evidence.oidc_identity) != 1:
            raise NotAuthenticated
        try:
            identity = await self._verified(evidence.oidc_data[0])
        except TokenInvalid:
            raise NotAuthenticated from None
        if identity.sub != evidence.oidc_identity[0]:
            raise NotAuthenticated
        return identity

    async def _verified(self, data: str) -> Identity:
        known = self._memory.recall(data, now=self._clock())
        if known is not None:
            return known
        parsed = jwt_parser.parse(data, algorithm=ALGORITHM)
        signer, kid = self._checked(parsed)
        expires_at = self._expiry(parsed)
        identity = Identity(jwt_parser.subject(parsed.payload), self.name)
        parsed.verify(await self._keys.key(signer, kid), algorithm=ALGORITHM)
        self._memory.remember(data, identity, expires_at=expires_at)
        return identity

    def _checked(self, parsed: Token) -> tuple[str, str]:
        """Return the load balancer and the id of its key; raises TokenInvalid where anything is off."""
        header, expected = parsed.header, self._expected
        signer, kid, issuer = (jwt_parser.text(header, name) for name in ("signer", "kid", "iss"))
        if signer not in expected.arns or not _UUID.fullmatch(kid):
            raise TokenInvalid
        if header.get("client") != expected.client_id or issuer not in expected.issuers:
            raise TokenInvalid
        for name in ("signer", "client", "iss"):
            if parsed.payload.get(name, header[name]) != header[name]:
                raise TokenInvalid
        return signer, kid

    def _expiry(self, parsed: Token) -> float:
        """Return the earliest expiry that the token names; raises TokenInvalid."""
        now = self._clock()
        moments = [jwt_parser.moment(part, "exp") for part in (parsed.header, parsed.payload)]
        named = [moment for moment in moments if moment is not None]
        if not named or min(named) <= now:
            raise TokenInvalid
        for part in (parsed.header, parsed.payload):
            jwt_parser.check_begun(part, now=now, skew_s=self._skew_s)
        return min(named)
