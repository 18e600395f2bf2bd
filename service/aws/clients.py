"""The clients of Cognito and DynamoDB, with their timeouts, retries and circuit breakers."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import aioboto3
from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.loaders import Loader, create_loader

from service.aws import retries
from service.aws.credentials import CredentialProvider
from service.aws.dynamodb import parsing
from service.aws.dynamodb.client import FastTransport
from service.aws.dynamodb.shortcut import Shortcut
from service.aws.http_session import BoundedItems, GuardedSession
from service.circuit_breaker import Breaker
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import COGNITO, DYNAMODB, UpstreamTelemetry

if TYPE_CHECKING:
    from types_aiobotocore_cognito_idp import CognitoIdentityProviderClient
    from types_aiobotocore_dynamodb import DynamoDBClient

    from service.config.settings import CognitoConfig, Config, DynamoDBConfig

DYNAMODB_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials given by hand, as for a local AWS; otherwise botocore finds its own."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Clients:
    """The open clients, one a service."""

    cognito: CognitoIdentityProviderClient
    dynamodb: DynamoDBClient


@asynccontextmanager
async def open_clients(
    config: Config, credentials: Credentials | None = None, calls: UpstreamTelemetry | None = None
) -> AsyncIterator[Clients]:
    """
    Open the clients of one session, and close them; *calls* notes what they are used for.

    Cognito's calls are sent once: most are not idempotent, and its limits are per user. DynamoDB's
    are tried several times: every write carries what tells its own repetition from another's write.
    """
    calls = calls or UpstreamTelemetry(Metrics())
    told = calls.metrics.breaker_state
    on_retry = functools.partial(calls.metrics.upstream_retried, DYNAMODB)
    async with (
        _session(config, credentials) as session,
        cognito_client(session, config, Breaker(COGNITO, config.upstreams, told)) as cognito,
        dynamodb_client(
            session, config, Breaker(DYNAMODB, config.upstreams, told), on_retry
        ) as dynamodb,
    ):
        yield Clients(calls.watched(cognito, COGNITO), calls.watched(dynamodb, DYNAMODB))


@asynccontextmanager
async def _session(
    config: Config, credentials: Credentials | None
) -> AsyncIterator[aioboto3.Session]:
    """Open a session with these credentials, or with those that botocore finds, and close it."""
    region = config.aws.region
    botocores = AioSession()
    botocores.register_component("data_loader", model_loader(botocores))
    renewing = CredentialProvider(botocores, region)
    botocores.register_component("credential_provider", renewing)
    session = aioboto3.Session(
        aws_access_key_id=credentials.access_key_id if credentials else None,
        aws_secret_access_key=credentials.secret_access_key if credentials else None,
        region_name=region,
        botocore_session=botocores,
    )
    try:
        yield session
    finally:
        await renewing.close()


def model_loader(session: AioSession) -> Loader:
    """
    Return what reads botocore's models of the AWS services, from where *session* is configured to look.

    All sessions that look in the same places have the same one, and it keeps what it has read: parsing
    the models of Cognito and DynamoDB is half of the time that opening the clients takes.
    """
    return _model_loader(session.get_config_variable("data_path"))


@functools.cache
def _model_loader(data_path: str | None) -> Loader:
    return create_loader(data_path)


@asynccontextmanager
async def cognito_client(
    session: aioboto3.Session, config: Config, breaker: Breaker
) -> AsyncIterator[CognitoIdentityProviderClient]:
    """Open the client of Cognito, and close it."""
    options = _limits(config, config.cognito, attempts=1)
    options["http_session_cls"] = functools.partial(GuardedSession, breaker=breaker)
    async with session.client(
        "cognito-idp", endpoint_url=config.cognito.endpoint_url, config=AioConfig(**options)
    ) as client:
        yield client


@asynccontextmanager
async def dynamodb_client(
    session: aioboto3.Session,
    config: Config,
    breaker: Breaker,
    on_retry: Callable[[], None] = retries.ignore_retry,
) -> AsyncIterator[DynamoDBClient]:
    """Open the client of DynamoDB with the transport that is configured, and close it."""
    options = {
        **_limits(config, config.dynamodb, attempts=DYNAMODB_ATTEMPTS),
        "parameter_validation": False,  # storage/ makes every request in full
        "endpoint_discovery_enabled": False,  # it would send where the fast transport does not
    }
    fast = FastTransport(breaker) if config.dynamodb.transport == "fast" else None
    options["http_session_cls"] = (
        functools.partial(GuardedSession, breaker=breaker, answers=BoundedItems)
        if fast is None
        else fast.http_session
    )
    async with session.client(
        "dynamodb", endpoint_url=config.dynamodb.endpoint_url, config=AioConfig(**options)
    ) as client:
        retries.attach(client, attempts=DYNAMODB_ATTEMPTS, on_retry=on_retry)
        if fast is None:
            parsing.attach(client)
            yield client
        else:
            fast.attach(client)
            yield cast("DynamoDBClient", Shortcut(client, fast))


def _limits(
    config: Config, service: CognitoConfig | DynamoDBConfig, *, attempts: int
) -> dict[str, Any]:
    """Return what AioConfig takes of a service's limits."""
    return {
        "connect_timeout": service.connect_timeout_s,
        "read_timeout": service.read_timeout_s,
        "max_pool_connections": config.server.max_in_flight,
        "retries": {"mode": "standard", "total_max_attempts": attempts},
        "user_agent": "user-profile-service",  # a fixed one saves building it twice a call
    }
