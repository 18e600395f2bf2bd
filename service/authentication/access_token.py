"""Cognito access tokens: their verification, and identity by `Authorization: Bearer`."""

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
    """What a token must say: one of the *issuers* and one of the *client_ids*, exactly."""

    issuers: frozenset[str]
    client_ids: frozenset[str]


class AccessToken:
    """The AccessTokenVerifier, and an Authenticator; *skew_s* is for times in the future only."""

    name = "bearer"

    def __init__(
        self,
        expected: Expected,
        *,
        keys: Jwks,
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
        Return whom the token proves, None without an Authorization header.

        Raises NotAuthenticated for another scheme, TokenInvalid, UpstreamUnavailable.
        """
        if not evidence.authorization:
            return None
        scheme, _, text = evidence.authorization[0].partition(" ")
        if scheme.lower() != "bearer" or len(evidence.authorization) > 1:
            raise NotAuthenticated
        return await self.verify(text)

    async def verify(self, access_token: str) -> Identity:
        """Return whom the token proves; raises TokenInvalid, UpstreamUnavailable."""
        now = self._clock()
        known = self._memory.recall(access_token, now=now)
        if known is not None:
            return known
        if "=" in access_token:  # only load balancers pad (RFC 7515, section 2)
            raise TokenInvalid
        parsed = jwt_parser.parse(access_token, algorithm=ALGORITHM)
        payload = parsed.payload
        if (
            jwt_parser.text(payload, "iss") not in self._expected.issuers
            or jwt_parser.text(payload, "client_id") not in self._expected.client_ids
            or payload.get("token_use") != "access"
        ):
            raise TokenInvalid
        expires_at = jwt_parser.required_moment(payload, "exp")
        jwt_parser.required_moment(payload, "iat")
        jwt_parser.check_begun(payload, now=now, skew_s=self._skew_s)
        if expires_at <= now:
            raise TokenInvalid
        identity = Identity(jwt_parser.subject(payload), self.name)
        key = await self._keys.key(jwt_parser.text(parsed.header, "kid"))
        parsed.verify(key, algorithm=ALGORITHM)
        self._memory.remember(access_token, identity, expires_at=expires_at)
        return identity
