"""
Authentication by `x-amzn-oidc-data`, the token that an Application Load Balancer signs.

The load balancers of all AWS accounts in a region sign with keys of one key server, and the token has
no audience. A valid signature is therefore not sufficient: the token must also name a configured load
balancer (`signer`), client and issuer. These claims are checked before a key is fetched, also where the
payload repeats them.
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
    """The accepted load balancers, client id and issuers of a token."""

    arns: frozenset[str]
    client_id: str
    issuers: frozenset[str]


class AlbAuthenticator:
    """The Authenticator for the load balancer's token; *skew_s* applies to `iat` and `nbf` only."""

    name = "alb"

    def __init__(
        self,
        expected: Expected,
        *,
        keys: AlbKeys,
        cache: VerifiedTokenCache[Identity],
        clock: Callable[[], float],
        skew_s: float,
    ) -> None:
        self._expected = expected
        self._keys = keys
        self._cache = cache
        self._clock = clock
        self._skew_s = skew_s

    async def identify(self, credentials: RequestCredentials) -> Identity | None:
        """Return the token's user, or None without one; raises NotAuthenticated, UpstreamUnavailable."""
        if not credentials.oidc_data:
            return None
        if len(credentials.oidc_data) > 1 or len(credentials.oidc_identity) != 1:
            raise NotAuthenticated
        try:
            identity = await self._verified(credentials.oidc_data[0])
        except TokenInvalid:
            raise NotAuthenticated from None
        if identity.sub != credentials.oidc_identity[0]:
            raise NotAuthenticated
        return identity

    async def _verified(self, data: str) -> Identity:
        known = self._cache.get(data, now=self._clock())
        if known is not None:
            return known
        token = jwt_parser.parse(data, algorithm=ALGORITHM)
        signer, kid = self._checked_signer(token)
        expires_at = self._checked_expiry(token)
        identity = Identity(jwt_parser.subject(token.payload), self.name)
        token.verify(await self._keys.key(signer, kid), algorithm=ALGORITHM)
        self._cache.put(data, identity, expires_at=expires_at)
        return identity

    def _checked_signer(self, token: Token) -> tuple[str, str]:
        """Return the load balancer and its key id; raises TokenInvalid for unexpected claims."""
        header, expected = token.header, self._expected
        signer, kid, issuer = (jwt_parser.text(header, name) for name in ("signer", "kid", "iss"))
        if signer not in expected.arns or not _UUID.fullmatch(kid):
            raise TokenInvalid
        if header.get("client") != expected.client_id or issuer not in expected.issuers:
            raise TokenInvalid
        for name in ("signer", "client", "iss"):
            if token.payload.get(name, header[name]) != header[name]:
                raise TokenInvalid
        return signer, kid

    def _checked_expiry(self, token: Token) -> float:
        """Return the earliest `exp` of header and payload; raises TokenInvalid."""
        now = self._clock()
        moments = [jwt_parser.moment(part, "exp") for part in (token.header, token.payload)]
        named = [moment for moment in moments if moment is not None]
        if not named or min(named) <= now:
            raise TokenInvalid
        for part in (token.header, token.payload):
            jwt_parser.check_begun(part, now=now, skew_s=self._skew_s)
        return min(named)
