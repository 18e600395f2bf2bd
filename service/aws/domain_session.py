"""Connections to the domain of the user pool, made as those of Cognito's calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from service.aws.http_session import BoundedResponse, KeySession
from service.circuit_breaker import Breaker
from service.observability.upstream_calls import COGNITO_DOMAIN, UpstreamTelemetry

if TYPE_CHECKING:
    from service.aws.key_connections import KeyConnections
    from service.config.settings import Config


class TokenResponse(BoundedResponse):
    """A response of the token endpoint: three tokens have about 5 KB."""

    max_bytes = 131_072


class DomainSession(KeySession):
    """Connections to the token endpoint at *url*; no redirect is followed, a code is sent there alone."""

    follows_redirects = False

    def __init__(self, url: str, **options: Any) -> None:  # noqa: ANN401 -- of the base class
        super().__init__(**options)
        self.url = url


@asynccontextmanager
async def domain_session(
    config: Config, keys: KeyConnections, telemetry: UpstreamTelemetry
) -> AsyncIterator[DomainSession | None]:
    """
    Open connections to the configured domain, and close them; None without a domain.

    They have a breaker of their own, and otherwise are made as those to the key servers.
    """
    origin = config.federation.token_endpoint_origin
    if origin is None:
        yield None
        return
    async with DomainSession(
        origin,
        breaker=Breaker(COGNITO_DOMAIN, config.upstreams, telemetry.metrics.breaker_state),
        response_class=TokenResponse,
        timeout=keys.timeout,
        verify=keys.verify,
        max_pool_connections=config.server.max_in_flight,
    ) as session:
        yield session
