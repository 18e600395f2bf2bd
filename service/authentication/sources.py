"""Opens the configured authenticators and the access token verifiers."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from service.authentication import access_token, alb_token, aws_urls
from service.authentication.access_token import AccessTokenAuthenticator
from service.authentication.alb_keys import AlbKeys, FetchBudget
from service.authentication.jwks import Jwks
from service.authentication.key_client import KeyClient, key_server
from service.authentication.pool_tokens import PoolTokens, TokenPairs
from service.authentication.service_token import ServiceTokens
from service.authentication.trusted_header import TrustedHeaderAuthenticator
from service.authentication.verified_token_cache import VerifiedTokenCache
from service.aws.key_connections import KeyConnections
from service.circuit_breaker import Breaker
from service.config.settings import Config, UpstreamsConfig
from service.domain.identity import AccessTokenVerifiers, Authenticator
from service.observability.upstream_calls import KEY_SERVER, UpstreamTelemetry

# Ten seconds of random key ids cause at most nine fetches; a new key waits for at most 2.5 s.
FETCH_BURST: Final = 5
FETCH_REFILL_S: Final = 2.5
MAX_FETCH_FAILURES: Final = 3  # in a row open the breaker


@dataclass(frozen=True, slots=True)
class IdentityAdapters:
    """The authenticators, in the configured order, the verifiers of the pool's tokens, and its keys."""

    sources: tuple[Authenticator, ...]
    access_tokens: AccessTokenVerifiers
    token_pairs: TokenPairs
    jwks: Jwks


@asynccontextmanager
async def identity_adapters(
    config: Config, calls: UpstreamTelemetry, connections: KeyConnections
) -> AsyncIterator[IdentityAdapters]:
    """Open the adapters; keys are fetched by *connections*, and *calls* records the fetches."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            _key_server(AccessTokenAuthenticator.name, config, calls, connections)
        )
        jwks = Jwks(
            server, url=aws_urls.jwks_url(config, connections.cognito_url), clock=time.monotonic
        )
        stack.push_async_callback(jwks.close)
        tokens = PoolTokens(aws_urls.issuers(config), jwks, time.time, config.identity.clock_skew_s)
        own = _access_token_authenticator(config, jwks, frozenset(config.bearer_client_ids))
        sources: list[Authenticator] = []
        for name in config.identity.sources:
            if name == TrustedHeaderAuthenticator.name:
                peers = config.identity.header_peers
                sources.append(TrustedHeaderAuthenticator(header_peers=peers))
            elif name == AccessTokenAuthenticator.name:
                sources.append(own)
            else:
                server = await stack.enter_async_context(
                    _key_server(name, config, calls, connections)
                )
                keys = _alb_keys(config, server)
                stack.push_async_callback(keys.close)
                sources.append(_alb_authenticator(config, keys))
        yield IdentityAdapters(
            tuple(sources),
            AccessTokenVerifiers(
                own, _forwarded(config, jwks, own), _service_tokens(config, tokens)
            ),
            TokenPairs(tokens, config.cognito.client_id),
            jwks,
        )


def _forwarded(
    config: Config, keys: Jwks, own: AccessTokenAuthenticator
) -> AccessTokenAuthenticator:
    """Return the verifier of tokens that a load balancer forwards: it may have its own app client."""
    client_ids, alb_client_id = config.bearer_client_ids, config.alb_client_id
    if (
        alb_token.AlbAuthenticator.name not in config.identity.sources
        or alb_client_id in client_ids
    ):
        return own
    return _access_token_authenticator(config, keys, frozenset({*client_ids, alb_client_id}))


def _key_server(
    name: str, config: Config, calls: UpstreamTelemetry, connections: KeyConnections
) -> AbstractAsyncContextManager[KeyClient]:
    return key_server(_breaker(f"{KEY_SERVER}_{name}", config.upstreams, calls), calls, connections)


def _breaker(name: str, config: UpstreamsConfig, calls: UpstreamTelemetry) -> Breaker:
    """Return the breaker of a key server; its fetches are too rare for the common threshold."""
    failures = min(config.breaker_failures, MAX_FETCH_FAILURES)
    return Breaker(name, replace(config, breaker_failures=failures), calls.metrics.breaker_state)


def _alb_keys(config: Config, server: KeyClient) -> AlbKeys:
    given = config.identity.alb_key_url
    return AlbKeys(
        server,
        url_of=aws_urls.alb_key_url if given is None else lambda _: f"{given.rstrip('/')}/",
        budget=FetchBudget(burst=FETCH_BURST, refill_s=FETCH_REFILL_S, clock=time.monotonic),
        clock=time.monotonic,
    )


def _alb_authenticator(config: Config, keys: AlbKeys) -> Authenticator:
    identity = config.identity
    return alb_token.AlbAuthenticator(
        alb_token.Expected(
            arns=frozenset(identity.alb_arn),
            client_id=config.alb_client_id,
            issuers=frozenset(identity.alb_issuer) or aws_urls.issuers(config),
        ),
        keys=keys,
        cache=VerifiedTokenCache(capacity=identity.verified_token_cache_size),
        clock=time.time,
        skew_s=identity.clock_skew_s,
    )


def _access_token_authenticator(
    config: Config, keys: Jwks, client_ids: frozenset[str]
) -> AccessTokenAuthenticator:
    return AccessTokenAuthenticator(
        access_token.Expected(issuers=aws_urls.issuers(config), client_ids=client_ids),
        keys=keys,
        cache=VerifiedTokenCache(capacity=config.identity.verified_token_cache_size),
        clock=time.time,
        skew_s=config.identity.clock_skew_s,
    )


def _service_tokens(config: Config, tokens: PoolTokens) -> ServiceTokens:
    size = config.identity.verified_token_cache_size
    return ServiceTokens(
        config.services, tokens=tokens, cache=VerifiedTokenCache(capacity=size), clock=time.time
    )
