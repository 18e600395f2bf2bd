"""The clients of Cognito and DynamoDB, with their timeouts, retries and circuit breakers."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiobotocore.config import AioConfig

from service.aws.dynamodb.client import DynamoDBClient
from service.aws.dynamodb.transports import FastTransport, botocore_transport
from service.aws.http_session import DynamoDBResponse, GuardedSession
from service.aws.key_connections import KeyConnections, key_connections
from service.aws.retries import Retries
from service.aws.session import Credentials, open_session
from service.circuit_breaker import Breaker
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import COGNITO, DYNAMODB, UpstreamTelemetry

if TYPE_CHECKING:
    import aioboto3
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient

    from service.config.settings import CognitoConfig, Config, DynamoDBConfig

DYNAMODB_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class Clients:
    """The open clients, and how public keys are fetched."""

    cognito: CognitoIdentityProviderClient
    dynamodb: DynamoDBClient
    keys: KeyConnections


@asynccontextmanager
async def open_clients(
    config: Config,
    credentials: Credentials | None = None,
    telemetry: UpstreamTelemetry | None = None,
) -> AsyncIterator[Clients]:
    """
    Open the clients, and close them.

    Without *credentials*, botocore's credential chain is used. Calls to Cognito are sent once, because
    most are not idempotent; calls to DynamoDB are retried.
    """
    telemetry = telemetry or UpstreamTelemetry(Metrics())
    async with (
        open_session(config.aws.region, credentials) as session,
        cognito_client(session, config, telemetry) as cognito,
        dynamodb_client(session, config, telemetry) as dynamodb,
    ):
        yield Clients(cognito, dynamodb, await key_connections(cognito, config.cognito))


@asynccontextmanager
async def cognito_client(
    session: aioboto3.Session, config: Config, telemetry: UpstreamTelemetry
) -> AsyncIterator[CognitoIdentityProviderClient]:
    """Open a client of Cognito, and close it; its calls are recorded in *telemetry*."""
    options = _options(config, config.cognito, attempts=1)
    options["http_session_cls"] = functools.partial(
        GuardedSession, breaker=_breaker(COGNITO, config, telemetry)
    )
    async with session.client(
        "cognito-idp", endpoint_url=config.cognito.endpoint_url, config=AioConfig(**options)
    ) as client:
        yield telemetry.instrument(client, COGNITO)


@asynccontextmanager
async def dynamodb_client(
    session: aioboto3.Session, config: Config, telemetry: UpstreamTelemetry
) -> AsyncIterator[DynamoDBClient]:
    """Open a client of DynamoDB, and close it; its calls are recorded in *telemetry*."""
    breaker = _breaker(DYNAMODB, config, telemetry)
    http_sessions: list[GuardedSession] = []

    def open_http_session(**options: Any) -> GuardedSession:  # noqa: ANN401 -- aiobotocore's
        opened = GuardedSession(breaker=breaker, response_class=DynamoDBResponse, **options)
        http_sessions.append(opened)
        return opened

    options = {
        **_options(config, config.dynamodb, attempts=DYNAMODB_ATTEMPTS),
        "parameter_validation": False,  # the profile store makes valid requests
        "endpoint_discovery_enabled": False,  # FastTransport does not follow it
        "http_session_cls": open_http_session,
    }
    retries = Retries(
        attempts=DYNAMODB_ATTEMPTS,
        on_retry=functools.partial(telemetry.metrics.upstream_retried, DYNAMODB),
    )
    async with session.client(
        "dynamodb", endpoint_url=config.dynamodb.endpoint_url, config=AioConfig(**options)
    ) as client:
        retries.attach(client)
        transport = botocore_transport(client)
        if config.dynamodb.transport == "fast":
            transport = FastTransport(
                client,
                http=http_sessions[0],
                credentials=await session.get_credentials(),  # type: ignore[misc]  # a coroutine in aioboto3
                retries=retries,
            )
        yield DynamoDBClient(client, transport, telemetry)


def _breaker(upstream: str, config: Config, telemetry: UpstreamTelemetry) -> Breaker:
    return Breaker(upstream, config.upstreams, telemetry.metrics.breaker_state)


def _options(
    config: Config, service: CognitoConfig | DynamoDBConfig, *, attempts: int
) -> dict[str, Any]:
    """Return the arguments of AioConfig that both services share."""
    return {
        "connect_timeout": service.connect_timeout_s,
        "read_timeout": service.read_timeout_s,
        "max_pool_connections": config.server.max_in_flight,
        "retries": {"mode": "standard", "total_max_attempts": attempts},
        "user_agent": "user-profile-service",  # botocore would build one twice a call
    }
