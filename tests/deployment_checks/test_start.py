"""A service is ready when it has the keys that tokens are verified with."""

from collections.abc import AsyncIterator

import pytest

from service.authentication.sources import identity_adapters
from service.aws.clients import open_clients
from service.config.loader import Settings
from service.deployment_checks import start
from service.domain.identity import Identity
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from tests.authentication.test_sources import lasting, trusting
from tests.authentication.trusting import json_key_set
from tests.support.access_token_signer import AccessTokenSigner, bearing
from tests.support.alb_token_signer import SUB
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.scripted_aws import answer, scripted_server
from tests.support.scripted_key_server import ScriptedKeyServer, http, key_endpoint, ok, saying

POOL = AccessTokenSigner()
FAILING = saying(http(b"", 500))


@pytest.fixture(name="endpoint")
async def _endpoint() -> AsyncIterator[ScriptedKeyServer]:
    """Serve the pool's keys; the keys of load balancers are unknown there."""
    async with key_endpoint() as endpoint:
        endpoint.answers["jwks.json"] = ok(json_key_set(POOL.jwk))
        yield endpoint


async def _failed(endpoint: ScriptedKeyServer, sources: str) -> set[str]:
    """Return the names of the failed checks; then a token of the pool is valid if its keys are there."""
    own: Settings = {"identity": {"sources": sources}}
    async with scripted_server(answer({})) as aws:
        upstreams: Settings = {
            "aws.dynamodb": {"endpoint-url": aws.url},
            "aws.cognito": {
                "endpoint-url": aws.url,
                "connect-timeout-s": "20",
                "read-timeout-s": "20",
            },
        }
        config = configured(trusting(endpoint), own, upstreams, BREAKER_OFF)
        telemetry = UpstreamTelemetry(Metrics())
        async with (
            open_clients(config, CREDENTIALS, telemetry) as clients,
            identity_adapters(config, telemetry, clients.keys) as identity,
        ):
            failed = await start.failed_checks(
                config, clients.dynamodb.aioboto3, clients.cognito, clients.keys, identity.jwks
            )
            names = {check.name for check in failed}
            if "user pool keys" not in names:
                endpoint.answers.clear()
                bearer = next(each for each in identity.sources if each.name == "bearer")
                token = POOL.mint(lasting(60))
                assert await bearer.identify(bearing(token)) == Identity(SUB, "bearer")
            return names


async def test_ready_service_fetches_no_keys_for_its_first_token(
    endpoint: ScriptedKeyServer,
) -> None:
    """The check of the start leaves the keys with the service, whatever becomes of the network."""
    assert await _failed(endpoint, "bearer") == set()
    assert endpoint.asked == ["jwks.json"]


async def test_service_without_the_keys_of_its_pool_is_not_ready(
    endpoint: ScriptedKeyServer,
) -> None:
    """A service that cannot fetch keys would accept no token."""
    endpoint.answers["jwks.json"] = FAILING

    assert await _failed(endpoint, "bearer") == {"user pool keys"}


async def test_service_without_the_keys_of_its_load_balancer_is_not_ready(
    endpoint: ScriptedKeyServer,
) -> None:
    """With the source alb, the key server of load balancers must answer, if only "unknown key"."""
    assert await _failed(endpoint, "alb bearer") == set()

    endpoint.answers["jwks.json"] = ok(json_key_set(POOL.jwk))
    endpoint.otherwise = FAILING
    assert await _failed(endpoint, "alb bearer") == {"load balancer keys"}
