"""Whether the public keys that tokens are verified with can be fetched."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from service.authentication import aws_urls
from service.authentication.jwks import Jwks
from service.authentication.key_client import KeyClient, NoSuchKey, key_server
from service.circuit_breaker import Breaker
from service.config.settings import UpstreamsConfig
from service.deployment_checks.results import CheckResult, NamedCheck
from service.domain.errors import UpstreamUnavailable
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from service.aws.key_connections import KeyConnections
    from service.config.settings import Config

JWKS: Final = NamedCheck(2, "user pool keys")
ALB_KEYS: Final = NamedCheck(3, "load balancer keys")
WAY_OUT: Final = (
    "Let the service reach this address by HTTPS: NAT gateway, security group, DNS; behind a proxy set "
    "HTTPS_PROXY, and AWS_CA_BUNDLE if it opens TLS. Through a VPC endpoint of Cognito, a pool with a "
    "domain can't be reached."
)
WRONG_OR_NO_WAY_OUT: Final = f"If AWS_COGNITO_USER_POOL_ID and AWS_REGION are right: {WAY_OUT}"
NEVER_OPENS: Final = UpstreamsConfig(breaker_failures=0, breaker_open_s=1)
NO_KEY: Final = "00000000-0000-0000-0000-000000000000"


async def check_jwks(config: Config, jwks: Jwks) -> CheckResult:
    """Return whether the public keys of the user pool can be fetched; takes no rights."""
    try:
        number = await jwks.fetch()
    except NoSuchKey:
        return JWKS.wrong(
            f"There is no user pool {config.cognito.user_pool_id} in {config.aws.region}: {jwks.url}",
            "Correct AWS_COGNITO_USER_POOL_ID or AWS_REGION; the console of Cognito shows the id as "
            "`User pool ID`.",
        )
    except UpstreamUnavailable:
        return JWKS.unknown(f"No keys from {jwks.url}", WRONG_OR_NO_WAY_OUT)
    return JWKS.ok(f"{number} keys at {jwks.url}")


async def check_jwks_once(config: Config, connections: KeyConnections) -> CheckResult:
    """Return the result of `check_jwks` without a running service."""
    async with _key_server(connections) as server:
        url = aws_urls.jwks_url(config, connections.cognito_url)
        return await check_jwks(config, Jwks(server, url=url, clock=time.monotonic))


async def check_load_balancer_keys(
    config: Config, connections: KeyConnections
) -> CheckResult | None:
    """Return whether the keys of load balancers can be fetched, or None without the source alb."""
    if "alb" not in config.identity.sources:
        return None
    given = config.identity.alb_key_url
    url = aws_urls.alb_key_url(config.identity.alb_arn[0]) if given is None else given
    async with _key_server(connections) as server:
        return await _answers(server, f"{url.rstrip('/')}/{NO_KEY}")


def _key_server(connections: KeyConnections) -> AbstractAsyncContextManager[KeyClient]:
    breaker = Breaker("key_check", NEVER_OPENS)
    return key_server(breaker, UpstreamTelemetry(Metrics()), connections)


async def _answers(server: KeyClient, url: str) -> CheckResult:
    try:
        await server.fetch(url)
    except NoSuchKey:
        pass  # any answer will do: the id of a key is in tokens only
    except UpstreamUnavailable:
        return ALB_KEYS.unknown(f"No answer from {url}", WAY_OUT)
    return ALB_KEYS.ok(f"{url} answers")
