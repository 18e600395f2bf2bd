"""Verification of the tokens that a user pool signs."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.authentication import jwt_parser
from service.authentication.jwks import Jwks
from service.authentication.jwt_parser import Claims
from service.domain.errors import AuthorizationCodeInvalid, TokenInvalid

ALGORITHM: Final = "RS256"


@dataclass(frozen=True, slots=True)
class PoolTokens:
    """The tokens of the pool with these *issuers*; *skew_s* applies to `iat` and `nbf` only."""

    issuers: frozenset[str]
    keys: Jwks
    clock: Callable[[], float]
    skew_s: float

    async def claims(self, text: str, accepts: Callable[[Claims], bool]) -> Claims:
        """
        Return the verified claims of a token that *accepts* allows; they have a `sub` and an `exp`.

        Everything else is checked before the key is fetched. Raises TokenInvalid, UpstreamUnavailable.
        """
        now = self.clock()
        if "=" in text:  # only load balancers pad (RFC 7515, section 2)
            raise TokenInvalid
        token = jwt_parser.parse(text, algorithm=ALGORITHM)
        payload = token.payload
        if jwt_parser.text(payload, "iss") not in self.issuers or not accepts(payload):
            raise TokenInvalid
        expires_at = jwt_parser.required_moment(payload, "exp")
        jwt_parser.required_moment(payload, "iat")
        jwt_parser.check_begun(payload, now=now, skew_s=self.skew_s)
        if expires_at <= now:
            raise TokenInvalid
        jwt_parser.subject(payload)
        key = await self.keys.key(jwt_parser.text(token.header, "kid"))
        token.verify(key, algorithm=ALGORITHM)
        return payload


@dataclass(frozen=True, slots=True)
class TokenPairs:
    """Verifies the id and access token of one sign-in by the app client *client_id*."""

    tokens: PoolTokens
    client_id: str

    async def user_id(self, id_token: str, access_token: str, *, nonce: str | None) -> str:
        """
        Return the `sub` of both tokens; *nonce* is checked if it is not None.

        Raises AuthorizationCodeInvalid for another sign-in's nonce, TokenInvalid, UpstreamUnavailable.
        """
        identity = await self.tokens.claims(id_token, self._is_id_token)
        access = await self.tokens.claims(access_token, self._is_access_token)
        if identity["sub"] != access["sub"]:
            raise TokenInvalid
        found = identity.get("nonce")
        if nonce is not None and not (
            isinstance(found, str) and hmac.compare_digest(found.encode(), nonce.encode())
        ):
            raise AuthorizationCodeInvalid
        return jwt_parser.subject(identity)

    def _is_id_token(self, claims: Claims) -> bool:
        audience = claims.get("aud")
        return claims.get("token_use") == "id" and audience in (self.client_id, [self.client_id])

    def _is_access_token(self, claims: Claims) -> bool:
        return claims.get("token_use") == "access" and claims.get("client_id") == self.client_id
