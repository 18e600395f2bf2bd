"""Verification of Cognito access tokens, and authentication by `Authorization: Bearer`."""

from collections.abc import Callable
from dataclasses import dataclass

from service.authentication import jwt_parser
from service.authentication.jwks import Jwks
from service.authentication.jwt_parser import Claims
from service.authentication.pool_tokens import PoolTokens
from service.authentication.verified_token_cache import VerifiedTokenCache
from service.domain.errors import NotAuthenticated
from service.domain.identity import Identity, RequestCredentials


@dataclass(frozen=True, slots=True)
class Expected:
    """The accepted issuers and client ids of a token."""

    issuers: frozenset[str]
    client_ids: frozenset[str]


class AccessTokenAuthenticator:
    """The AccessTokenVerifier and Authenticator; *skew_s* applies to `iat` and `nbf` only."""

    name = "bearer"

    def __init__(
        self,
        expected: Expected,
        *,
        keys: Jwks,
        cache: VerifiedTokenCache[Identity],
        clock: Callable[[], float],
        skew_s: float,
    ) -> None:
        self._client_ids = expected.client_ids
        self._tokens = PoolTokens(expected.issuers, keys, clock, skew_s)
        self._cache = cache
        self._clock = clock

    async def identify(self, credentials: RequestCredentials) -> Identity | None:
        """
        Return the token's user, or None without an Authorization header.

        Raises NotAuthenticated for another scheme, TokenInvalid, UpstreamUnavailable.
        """
        if not credentials.authorization:
            return None
        scheme, _, text = credentials.authorization[0].partition(" ")
        if scheme.lower() != "bearer" or len(credentials.authorization) > 1:
            raise NotAuthenticated
        return await self.verify(text)

    async def verify(self, access_token: str) -> Identity:
        """Return the token's user; raises TokenInvalid, UpstreamUnavailable."""
        now = self._clock()
        known = self._cache.get(access_token, now=now)
        if known is not None:
            return known
        claims = await self._tokens.claims(access_token, self._accepts)
        identity = Identity(claims["sub"], self.name)
        self._cache.put(access_token, identity, expires_at=claims["exp"])
        return identity

    def _accepts(self, claims: Claims) -> bool:
        """
        Return whether the claims are those of a user of an accepted app client.

        A token of the client credentials grant has the app client as its sub, and no user.
        """
        client_id = jwt_parser.text(claims, "client_id")
        jwt_parser.text(claims, "username")
        return (
            client_id in self._client_ids
            and claims.get("token_use") == "access"
            and claims.get("sub") not in self._client_ids
        )
