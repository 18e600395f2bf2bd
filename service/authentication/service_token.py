"""Verification of the access tokens of other services: Cognito's client credentials grant."""

from collections.abc import Callable

from service.authentication import jwt_parser
from service.authentication.jwt_parser import Claims
from service.authentication.pool_tokens import PoolTokens
from service.authentication.verified_token_cache import VerifiedTokenCache
from service.config.settings import ServicesConfig
from service.domain.identity import ServiceCaller, ServiceScope


class ServiceTokens:
    """The ServiceTokenVerifier for the clients of `[services]`."""

    def __init__(
        self,
        services: ServicesConfig,
        *,
        tokens: PoolTokens,
        cache: VerifiedTokenCache[ServiceCaller],
        clock: Callable[[], float],
    ) -> None:
        self._client_ids = frozenset(services.clients)
        self._scopes = {services.scope_of_token(scope): scope for scope in ServiceScope}
        self._tokens = tokens
        self._cache = cache
        self._clock = clock

    async def verify(self, access_token: str) -> ServiceCaller:
        """Return the token's service; raises TokenInvalid, UpstreamUnavailable."""
        known = self._cache.get(access_token, now=self._clock())
        if known is not None:
            return known
        claims = await self._tokens.claims(access_token, self._accepts)
        granted = self._scopes.keys() & claims.get("scope", "").split(" ")
        caller = ServiceCaller(
            claims["client_id"], frozenset(self._scopes[each] for each in granted)
        )
        self._cache.put(access_token, caller, expires_at=claims["exp"])
        return caller

    def _accepts(self, claims: Claims) -> bool:
        """
        Return whether the claims are those of an accepted app client itself.

        A user's token has a user name, and the user as its sub.
        """
        client_id = jwt_parser.text(claims, "client_id")
        return (
            client_id in self._client_ids
            and claims.get("token_use") == "access"
            and claims.get("sub") == client_id
            and "username" not in claims
        )
