"""Verification of Cognito access tokens, and authentication by `Authorization: Bearer`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.authentication import jwt_parser
from service.authentication.jwks import Jwks
from service.authentication.verified_token_cache import VerifiedTokenCache
from service.domain.errors import NotAuthenticated, TokenInvalid
from service.domain.identity import Identity, RequestCredentials

ALGORITHM: Final = "RS256"


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
        cache: VerifiedTokenCache,
        clock: Callable[[], float],
        skew_s: float,
    ) -> None:
        self._expected = expected
        self._keys = keys
        self._cache = cache
        self._clock = clock
        self._skew_s = skew_s

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
        if "=" in access_token:  # only load balancers pad (RFC 7515, section 2)
            raise TokenInvalid
        token = jwt_parser.parse(access_token, algorithm=ALGORITHM)
        payload = token.payload
        subject = jwt_parser.subject(payload)
        if (
            jwt_parser.text(payload, "iss") not in self._expected.issuers
            or jwt_parser.text(payload, "client_id") not in self._expected.client_ids
            or payload.get("token_use") != "access"
            or subject in self._expected.client_ids
        ):
            raise TokenInvalid
        # A token of the client credentials grant has the app client as its sub, and no user.
        jwt_parser.text(payload, "username")
        expires_at = jwt_parser.required_moment(payload, "exp")
        jwt_parser.required_moment(payload, "iat")
        jwt_parser.check_begun(payload, now=now, skew_s=self._skew_s)
        if expires_at <= now:
            raise TokenInvalid
        identity = Identity(subject, self.name)
        key = await self._keys.key(jwt_parser.text(token.header, "kid"))
        token.verify(key, algorithm=ALGORITHM)
        self._cache.put(access_token, identity, expires_at=expires_at)
        return identity
