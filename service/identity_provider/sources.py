"""Opens the sources of identity that the configuration names, in its order."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Final

from service.calls import KEY_SERVER, Calls
from service.config import Config, UpstreamsConfig
from service.domain.identity import IdentitySource
from service.identity_provider import access_token, addresses, load_balancer
from service.identity_provider.fetch_budget import FetchBudget
from service.identity_provider.key_server import KeyServer, key_server
from service.identity_provider.key_set import KeySet
from service.identity_provider.load_balancer_keys import LoadBalancerKeys
from service.identity_provider.token_memory import TokenMemory
from service.identity_provider.trusted_header import TrustedHeader
from service.metrics.metrics import Metrics
from service.upstreams.breaker import Breaker

# Ten seconds of strangers' key ids cost at most nine fetches; a new key waits 2.5 s at most for its own.
FETCHES_AT_ONCE: Final = 5
FETCH_EVERY_S: Final = 2.5
FETCHES_THAT_FAIL: Final = 3  # in a row, and the breaker opens


@asynccontextmanager
async def identity_sources(
    config: Config, calls: Calls | None = None
) -> AsyncIterator[tuple[IdentitySource, ...]]:
    """Open the sources; each that fetches keys, which *calls* notes, has connections of its own."""
    calls = calls or Calls(Metrics())
    async with AsyncExitStack() as stack:
        sources: list[IdentitySource] = []
        for name in config.identity.sources:
            if name == TrustedHeader.name:
                sources.append(TrustedHeader(trusted_proxies=config.identity.trusted_proxies))
                continue
            breaker = _breaker(f"{KEY_SERVER}_{name}", config.upstreams, calls)
            server = await stack.enter_async_context(key_server(breaker, calls))
            if name == load_balancer.LoadBalancer.name:
                keys = _load_balancer_keys(config, server)
                stack.push_async_callback(keys.close)
                sources.append(_load_balancer(config, keys))
            else:
                key_set = KeySet(server, url=addresses.key_set_url(config), clock=time.monotonic)
                stack.push_async_callback(key_set.close)
                sources.append(_access_token(config, key_set))
        yield tuple(sources)


def _breaker(name: str, config: UpstreamsConfig, calls: Calls) -> Breaker:
    """Return the breaker of a key server, which is asked too seldom to fail often in a row."""
    failures = min(config.breaker_failures, FETCHES_THAT_FAIL)
    return Breaker(name, replace(config, breaker_failures=failures), calls.metrics.breaker_state)


def _load_balancer_keys(config: Config, server: KeyServer) -> LoadBalancerKeys:
    given = config.identity.alb_key_url
    return LoadBalancerKeys(
        server,
        url_of=addresses.load_balancer_key_url
        if given is None
        else lambda _: f"{given.rstrip('/')}/",
        budget=FetchBudget(burst=FETCHES_AT_ONCE, refill_s=FETCH_EVERY_S, clock=time.monotonic),
        clock=time.monotonic,
    )


def _load_balancer(config: Config, keys: LoadBalancerKeys) -> IdentitySource:
    identity = config.identity
    return load_balancer.LoadBalancer(
        load_balancer.Expected(
            arns=frozenset(identity.alb_arn),
            client_id=identity.alb_client_id or config.cognito.client_id,
            issuers=frozenset(identity.alb_issuer) or addresses.issuers(config),
        ),
        keys=keys,
        memory=TokenMemory(capacity=identity.tokens_remembered),
        clock=time.time,
        skew_s=identity.clock_skew_s,
    )


def _access_token(config: Config, keys: KeySet) -> IdentitySource:
    return access_token.AccessToken(
        access_token.Expected(
            issuers=addresses.issuers(config), client_id=config.cognito.client_id
        ),
        keys=keys,
        memory=TokenMemory(capacity=config.identity.tokens_remembered),
        clock=time.time,
        skew_s=config.identity.clock_skew_s,
    )
