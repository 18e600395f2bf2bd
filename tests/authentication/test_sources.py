"""The sources as the configuration opens them."""

import asyncio
import time

import pytest

from service.authentication.sources import MAX_FETCH_FAILURES, identity_adapters
from service.config.loader import Settings
from service.domain.errors import TokenInvalid, UpstreamUnavailable
from service.domain.identity import Identity
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from tests.authentication.trusting import refused
from tests.observability.metrics.samples import samples_of
from tests.support.access_token_signer import AccessTokenSigner, bearing
from tests.support.alb_token_signer import ARN, CLIENT, ISSUER, SUB, AlbTokenSigner, credentials
from tests.support.configs import KEY_CONNECTIONS, configured
from tests.support.scripted_key_server import ScriptedKeyServer, hanging, http, saying


def trusting(endpoint: ScriptedKeyServer) -> Settings:
    """Return settings for the endpoint's keys; its URL has no trailing slash."""
    return {
        "aws.cognito": {
            "user-pool-id": ISSUER.rpartition("/")[2],
            "client-id": CLIENT,
            "jwks-url": f"{endpoint.url}jwks.json",
        },
        "identity": {
            "sources": "bearer alb header",
            "alb-arn": ARN,
            "alb-client-id": CLIENT,
            "alb-key-url": endpoint.url.rstrip("/"),
        },
    }


def lasting(expires_in_s: int) -> dict[str, int]:
    """Return the claims of a token that was issued now and expires in so many seconds."""
    now = int(time.time())  # noqa: TID251 -- the sources read the machine's clock
    return {"iat": now, "exp": now + expires_in_s}


async def test_sources_come_in_the_order_of_the_configuration(endpoint: ScriptedKeyServer) -> None:
    """The authenticators have the configured order."""
    async with identity_adapters(
        configured(trusting(endpoint)), UpstreamTelemetry(Metrics()), KEY_CONNECTIONS
    ) as identity:
        assert [source.name for source in identity.sources] == ["bearer", "alb", "header"]


async def test_sources_believe_what_is_signed_now(
    endpoint: ScriptedKeyServer, balancer: AlbTokenSigner, pool: AccessTokenSigner
) -> None:
    """With the pool's issuers and client as defaults, both kinds of token work by the real clock."""
    good = lasting(60)
    async with identity_adapters(
        configured(trusting(endpoint)), UpstreamTelemetry(Metrics()), KEY_CONNECTIONS
    ) as identity:
        bearer, alb, _ = identity.sources
        assert await bearer.identify(bearing(pool.mint(good))) == Identity(SUB, "bearer")
        assert await alb.identify(credentials(balancer.mint(good, good))) == Identity(SUB, "alb")
        await refused(bearer, bearing(pool.mint(lasting(-1))))
        await refused(alb, credentials(balancer.mint(good, lasting(-1))))


async def test_load_balancer_has_settings_of_its_own(
    endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """Another client and another issuer may be set for it, which then are the only ones."""
    own: Settings = {
        "identity": {"alb-client-id": "other", "alb-issuer": "https://idp.example.com"}
    }
    header = {"client": "other", "iss": "https://idp.example.com", **lasting(60)}
    payload = {"iss": "https://idp.example.com", **lasting(60)}
    async with identity_adapters(
        configured(trusting(endpoint), own), UpstreamTelemetry(Metrics()), KEY_CONNECTIONS
    ) as identity:
        _, alb, _header = identity.sources
        assert await alb.identify(credentials(balancer.mint(header, payload))) is not None
        await refused(alb, credentials(balancer.mint({**header, "client": CLIENT}, payload)))
        await refused(alb, credentials(balancer.mint({**header, "iss": ISSUER}, lasting(60))))


async def test_keys_of_a_load_balancer_are_at_its_region_by_default(
    endpoint: ScriptedKeyServer,
) -> None:
    """Without a configured URL, opening the authenticators makes no request."""
    settings = trusting(endpoint)
    default: Settings = {"identity": {"sources": "alb", "alb-key-url": ""}}
    async with identity_adapters(
        configured(settings, default), UpstreamTelemetry(Metrics()), KEY_CONNECTIONS
    ) as identity:
        (alb,) = identity.sources
        assert alb.name == "alb"

    assert endpoint.asked == []


async def test_closing_ends_what_is_under_way(
    endpoint: ScriptedKeyServer, balancer: AlbTokenSigner, pool: AccessTokenSigner
) -> None:
    """When the service stops, no fetch outlives it, however long its server hangs."""
    endpoint.answers.clear()
    endpoint.otherwise = hanging
    good = lasting(60)
    before = asyncio.all_tasks()
    async with identity_adapters(
        configured(trusting(endpoint)), UpstreamTelemetry(Metrics()), KEY_CONNECTIONS
    ) as identity:
        bearer, alb, _ = identity.sources
        asking = {
            asyncio.create_task(bearer.identify(bearing(pool.mint(good)))),
            asyncio.create_task(alb.identify(credentials(balancer.mint(good, good)))),
        }
        await endpoint.was_asked(2)

    await asyncio.wait(asking)
    service_tasks = {
        task
        for task in asyncio.all_tasks() - before - asking
        if "_fetch" in repr(task.get_coro()) or "_refresh" in repr(task.get_coro())
    }
    assert service_tasks == set()
    assert all(task.cancelled() for task in asking)


async def test_unknown_key_of_a_pool_is_rejected(
    endpoint: ScriptedKeyServer, pool: AccessTokenSigner
) -> None:
    """A token signed by a key of another user pool is rejected."""
    stranger = AccessTokenSigner()
    async with identity_adapters(
        configured(trusting(endpoint)), UpstreamTelemetry(Metrics()), KEY_CONNECTIONS
    ) as identity:
        bearer, *_ = identity.sources
        with pytest.raises(TokenInvalid):
            await bearer.identify(bearing(stranger.mint(lasting(60))))
    assert pool.kid != stranger.kid


async def test_key_server_that_does_not_work_is_left_alone(
    endpoint: ScriptedKeyServer, balancer: AlbTokenSigner
) -> None:
    """Each key server has a breaker of its own, which opens after a few fetches that failed."""
    endpoint.answers.clear()
    endpoint.otherwise = saying(http(b"", 500))
    good = lasting(60)
    metrics = Metrics()
    config = configured(trusting(endpoint), {"upstreams": {"breaker-open-s": "60"}})
    async with identity_adapters(config, UpstreamTelemetry(metrics), KEY_CONNECTIONS) as identity:
        _, alb, _header = identity.sources
        for _attempt in range(MAX_FETCH_FAILURES + 1):
            with pytest.raises(UpstreamUnavailable):
                await alb.identify(credentials(balancer.mint(good, good)))

    assert len(endpoint.asked) == MAX_FETCH_FAILURES
    states = {name for name, value in samples_of(metrics).items() if "breaker" in name and value}
    assert states == {
        'upstream_breaker_state{state="open",upstream="key_server_alb"}',
        'upstream_breaker_state{state="closed",upstream="key_server_bearer"}',
    }
