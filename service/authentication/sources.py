"""Opens the sources of identity that the configuration names, in its order, and the verifiers."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from service.authentication import access_token, alb_token, aws_urls
from service.authentication.access_token import AccessToken
from service.authentication.alb_keys import AlbKeys
from service.authentication.fetch_budget import FetchBudget
from service.authentication.jwks import Jwks
from service.authentication.key_client import KeyClient, key_server
from service.authentication.trusted_header import TrustedHeaderAuthenticator
from service.authentication.verified_token_cache import VerifiedTokenCache
from service.circuit_breaker import Breaker
from service.config.settings import Config, UpstreamsConfig
from service.domain.identity import AccessTokenVerifiers, Authenticator
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import KEY_SERVER, UpstreamTelemetry

# Ten seconds of strangers' key ids cost at most nine fetches; a new key waits 2.5 s at most for its own.
FETCHES_AT_ONCE: Final = 5
FETCH_EVERY_S: Final = 2.5
FETCHES_THAT_FAIL: Final = 3  # in a row, and the breaker opens


@dataclass(frozen=True, slots=True)
class IdentityAdapters:
    """The sources of identity that the configuration names, and what verifies access tokens."""

    sources: tuple[Authenticator, ...]
    access_tokens: AccessTokenVerifiers


@asynccontextmanager
async def identity_adapters(
    config: Config, calls: UpstreamTelemetry | None = None
) -> AsyncIterator[IdentityAdapters]:
    """Open all that fetches keys, which *calls* notes; each key server has connections of its own."""
    calls = calls or UpstreamTelemetry(Metrics())
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(_key_server(AccessToken.name, config, calls))
        jwks = Jwks(server, url=aws_urls.jwks_url(config), clock=time.monotonic)
        stack.push_async_callback(jwks.close)
        own = _access_token(config, jwks, frozenset({config.cognito.client_id}))
        sources: list[Authenticator] = []
        for name in config.identity.sources:
            if name == TrustedHeaderAuthenticator.name:
                peers = config.identity.header_peers
                sources.append(TrustedHeaderAuthenticator(header_peers=peers))
            elif name == AccessToken.name:
                sources.append(own)
            else:
                server = await stack.enter_async_context(_key_server(name, config, calls))
                keys = _load_balancer_keys(config, server)
                stack.push_async_callback(keys.close)
                sources.append(_load_balancer(config, keys))
        yield IdentityAdapters(
            tuple(sources), AccessTokenVerifiers(own, _handed_on(config, jwks, own))
        )


def _handed_on(config: Config, keys: Jwks, own: AccessToken) -> AccessToken:
    """Return the verifier of what a load balancer hands on: it may have an app client of its own."""
    client_id = config.cognito.client_id
    balancers = config.identity.alb_client_id or client_id
    if alb_token.LoadBalancer.name not in config.identity.sources or balancers == client_id:
        return own
    return _access_token(config, keys, frozenset({client_id, balancers}))


def _key_server(
    name: str, config: Config, calls: UpstreamTelemetry
) -> AbstractAsyncContextManager[KeyClient]:
    return key_server(_breaker(f"{KEY_SERVER}_{name}", config.upstreams, calls), calls)


def _breaker(name: str, config: UpstreamsConfig, calls: UpstreamTelemetry) -> Breaker:
    """Return the breaker of a key server, which is asked too seldom to fail often in a row."""
    failures = min(config.breaker_failures, FETCHES_THAT_FAIL)
    return Breaker(name, replace(config, breaker_failures=failures), calls.metrics.breaker_state)


def _load_balancer_keys(config: Config, server: KeyClient) -> AlbKeys:
    given = config.identity.alb_key_url
    return AlbKeys(
        server,
        url_of=aws_urls.alb_key_url if given is None else lambda _: f"{given.rstrip('/')}/",
        budget=FetchBudget(burst=FETCHES_AT_ONCE, refill_s=FETCH_EVERY_S, clock=time.monotonic),
        clock=time.monotonic,
    )


def _load_balancer(config: Config, keys: AlbKeys) -> Authenticator:
    identity = config.identity
    return alb_token.LoadBalancer(
        alb_token.Expected(
            arns=frozenset(identity.alb_arn),
            client_id=identity.alb_client_id or config.cognito.client_id,
            issuers=frozenset(identity.alb_issuer) or aws_urls.issuers(config),
        ),
        keys=keys,
        memory=VerifiedTokenCache(capacity=identity.verified_token_cache_size),
        clock=time.time,
        skew_s=identity.clock_skew_s,
    )


def _access_token(config: Config, keys: Jwks, client_ids: frozenset[str]) -> AccessToken:
    return AccessToken(
        access_token.Expected(issuers=aws_urls.issuers(config), client_ids=client_ids),
        keys=keys,
        memory=VerifiedTokenCache(capacity=config.identity.verified_token_cache_size),
        clock=time.time,
        skew_s=config.identity.clock_skew_s,
    )
