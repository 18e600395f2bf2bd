"""The AccessTokenVerifier port in memory."""

import jwt

from service.domain.errors import TokenInvalid
from service.domain.identity import AccessTokenVerifiers, Identity
from tests.support.fakes.user_pool import SIGNING_KEY


class MemoryAccessTokens:
    """Verifies the access tokens of every pool in memory: all sign with one key."""

    async def verify(self, access_token: str) -> Identity:
        """Return whom the token proves, revoked or not; raises TokenInvalid."""
        try:
            claims = jwt.decode(access_token, SIGNING_KEY, algorithms=["HS256"])
        except jwt.InvalidTokenError:
            raise TokenInvalid from None
        if claims["token_use"] != "access":  # noqa: S105 -- a use
            raise TokenInvalid
        return Identity(claims["sub"], "bearer")


def memory_access_tokens() -> AccessTokenVerifiers:
    """Return the verifier of either header."""
    return AccessTokenVerifiers(MemoryAccessTokens(), MemoryAccessTokens())
