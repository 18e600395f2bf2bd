"""A key server on loopback, and the sources that trust it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from service.authentication.access_token import AccessTokenAuthenticator
from service.authentication.alb_keys import AlbKeys, FetchBudget
from service.authentication.alb_token import AlbAuthenticator
from service.authentication.jwks import Jwks
from service.authentication.key_client import KeyClient, key_server
from service.authentication.sources import FETCH_BURST, FETCH_REFILL_S
from service.circuit_breaker import Breaker
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from tests.authentication.trusting import access_token, json_key_set, load_balancer
from tests.support.access_token_signer import AccessTokenSigner
from tests.support.alb_token_signer import AlbTokenSigner
from tests.support.clock import Clock
from tests.support.configs import BREAKER_OFF, KEY_CONNECTIONS, configured
from tests.support.scripted_key_server import ScriptedKeyServer, key_endpoint, ok


@pytest.fixture(scope="session")
def balancer() -> AlbTokenSigner:
    """Return the load balancer that is trusted; a test that rotates its key makes its own."""
    return AlbTokenSigner()


@pytest.fixture(scope="session")
def pool() -> AccessTokenSigner:
    """Return the user pool that is trusted; a test that rotates its key makes its own."""
    return AccessTokenSigner()


@pytest.fixture
def clock() -> Clock:
    """Return the clock of everything here."""
    return Clock()


@pytest.fixture
async def endpoint(
    balancer: AlbTokenSigner, pool: AccessTokenSigner
) -> AsyncIterator[ScriptedKeyServer]:
    """Serve the keys of the load balancer and of the pool."""
    async with key_endpoint() as serving:
        serving.answers[balancer.kid] = ok(balancer.pem)
        serving.answers["jwks.json"] = ok(json_key_set(pool.jwk))
        yield serving


@pytest.fixture
async def server(endpoint: ScriptedKeyServer) -> AsyncIterator[KeyClient]:
    """Open the service's client; the endpoint outlives it."""
    assert endpoint.url
    breaker = Breaker("key_server", configured(BREAKER_OFF).upstreams)
    async with key_server(breaker, UpstreamTelemetry(Metrics()), KEY_CONNECTIONS) as opened:
        yield opened


@pytest.fixture
async def balancer_keys(
    server: KeyClient, endpoint: ScriptedKeyServer, clock: Clock
) -> AsyncIterator[AlbKeys]:
    """Return the keys of load balancers, with the budget of production."""
    budget = FetchBudget(burst=FETCH_BURST, refill_s=FETCH_REFILL_S, clock=clock)
    keys = AlbKeys(server, url_of=lambda _: endpoint.url, budget=budget, clock=clock)
    yield keys
    await keys.close()


@pytest.fixture
async def jwks(server: KeyClient, endpoint: ScriptedKeyServer, clock: Clock) -> AsyncIterator[Jwks]:
    """Return the keys of the pool."""
    keys = Jwks(server, url=f"{endpoint.url}jwks.json", clock=clock)
    yield keys
    await keys.close()


@pytest.fixture
def alb(balancer_keys: AlbKeys, clock: Clock) -> AlbAuthenticator:
    """Return the source that trusts the load balancer."""
    return load_balancer(balancer_keys, clock)


@pytest.fixture
def bearer(jwks: Jwks, clock: Clock) -> AccessTokenAuthenticator:
    """Return the source that trusts the pool."""
    return access_token(jwks, clock)


@pytest.fixture
async def loop_errors() -> AsyncIterator[list[dict[str, Any]]]:
    """Collect what the event loop reports, such as exceptions that were never retrieved."""
    loop = asyncio.get_running_loop()
    collected: list[dict[str, Any]] = []
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: collected.append(context))
    yield collected
    loop.set_exception_handler(before)


@pytest.fixture(autouse=True)
def silence(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Assert that each test logs nothing, at any level, except asyncio's debug lines."""
    caplog.set_level(logging.DEBUG)
    yield
    assert [r for r in caplog.records if r.name.split(".")[0] in {"service", "aiohttp"}] == []
