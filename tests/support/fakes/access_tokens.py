"""The ports of access tokens in memory."""

import jwt

from service.domain.errors import TokenInvalid
from service.domain.identity import (
    AccessTokenVerifiers,
    Identity,
    ServiceCaller,
    ServiceScope,
)
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


class MemoryServiceTokens:
    """Verifies tokens of the form `service~<client id>~<scope>~<scope>`."""

    async def verify(self, access_token: str) -> ServiceCaller:
        """Return the service that the token names; raises TokenInvalid."""
        kind, _, rest = access_token.partition("~")
        client_id, _, scopes = rest.partition("~")
        if kind != "service":
            raise TokenInvalid
        return ServiceCaller(
            client_id, frozenset(map(ServiceScope, filter(None, scopes.split("~"))))
        )


def memory_access_tokens() -> AccessTokenVerifiers:
    """Return the verifiers."""
    return AccessTokenVerifiers(MemoryAccessTokens(), MemoryAccessTokens(), MemoryServiceTokens())
