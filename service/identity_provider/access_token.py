"""Identity by a Cognito access token, `Authorization: Bearer`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.domain.errors import NotAuthenticated, TokenInvalid
from service.domain.identity import Evidence, Identity
from service.identity_provider import token
from service.identity_provider.key_set import KeySet
from service.identity_provider.token_memory import TokenMemory

ALGORITHM: Final = "RS256"


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say: one of the *issuers*, exactly, and the client's id."""

    issuers: frozenset[str]
    client_id: str


class AccessToken:
    """The IdentitySource that verifies access tokens; *skew_s* is for times in the future only."""

    name = "bearer"

    def __init__(
        self,
        expected: Expected,
        *,
        keys: KeySet,
        memory: TokenMemory,
        clock: Callable[[], float],
        skew_s: float,
    ) -> None:
        self._expected = expected
        self._keys = keys
        self._memory = memory
        self._clock = clock
        self._skew_s = skew_s

    async def identify(self, evidence: Evidence) -> Identity | None:
        """
        Return whom the token proves, None without an Authorization header.

        Raises NotAuthenticated for another scheme, TokenInvalid, UpstreamUnavailable.
        """
        if not evidence.authorization:
            return None
        scheme, _, text = evidence.authorization[0].partition(" ")
        if scheme.lower() != "bearer" or len(evidence.authorization) > 1:
            raise NotAuthenticated
        return await self._verified(text)

    async def _verified(self, text: str) -> Identity:
        now = self._clock()
        known = self._memory.recall(text, now=now)
        if known is not None:
            return known
        if "=" in text:  # only load balancers pad (RFC 7515, section 2)
            raise TokenInvalid
        parsed = token.parse(text, algorithm=ALGORITHM)
        payload = parsed.payload
        if (
            token.text(payload, "iss") not in self._expected.issuers
            or payload.get("token_use") != "access"
            or payload.get("client_id") != self._expected.client_id
        ):
            raise TokenInvalid
        expires_at = token.required_moment(payload, "exp")
        token.required_moment(payload, "iat")
        token.check_begun(payload, now=now, skew_s=self._skew_s)
        if expires_at <= now:
            raise TokenInvalid
        identity = Identity(token.subject(payload), self.name)
        key = await self._keys.key(token.text(parsed.header, "kid"))
        parsed.verify(key, algorithm=ALGORITHM)
        self._memory.remember(text, identity, expires_at=expires_at)
        return identity
