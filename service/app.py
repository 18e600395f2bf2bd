"""The application: its parts, assembled from the configuration, and their lifetime."""

import functools
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version
from typing import Any, TypeAlias

import structlog
from aiohttp import web

from service import DISTRIBUTION
from service.api import cognito_guard, keys, routes, service_call
from service.api.activity.recording import note_stop, recording
from service.api.deadlines import Deadlines
from service.api.handlers import export, user_profiles
from service.api.middlewares.pipeline import Pipeline
from service.api.openapi import document
from service.api.openapi.json_schema import profile_document
from service.api.profile_json import ProfileRepresentation
from service.api.schemas.profiles import user_schema
from service.api.schemas.user_profiles import ProfilesBatchSchema
from service.authentication.sources import identity_adapters
from service.aws.clients import open_clients
from service.aws.domain_session import domain_session
from service.aws.session import Credentials
from service.cognito.adapters import identity_provider
from service.cognito.federation import CognitoFederation
from service.config.settings import Config, IdentityConfig, ServerConfig
from service.deployment_checks import start
from service.deployment_checks.profile_schema import profile_schema
from service.domain.activity import ActivityLog
from service.domain.identity import AccessTokenVerifiers, Authenticator
from service.domain.identity_provider import IdentityProvider
from service.domain.profile_history import ProfileHistory
from service.domain.profiles import ProfileStore
from service.domain.user_data import UserDataReader
from service.domain.values.timestamps import utc_now
from service.observability.log_limit import LogLimit
from service.observability.logs import BoundLogger
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import COGNITO, UpstreamTelemetry, untraced
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.own_data.activity_log import DynamoDBActivityLog
from service.profile_store.own_data.user_data import DynamoDBUserData
from service.profile_store.past_states import Retention
from service.rate_limiting.rate_limiter import RateLimiter
from service.rate_limiting.service_limits import ServiceLimits
from service.server.readiness import Check, HealthMonitor, StartChecks, no_start_checks
from service.tracing import optional


@dataclass(frozen=True, slots=True)
class Adapters:
    """
    The implementations of the ports.

    *profile_history* is None where past versions are not kept. *checks* are the readiness checks by name;
    *start_checks* must pass once.
    """

    identity_provider: IdentityProvider
    profile_store: ProfileStore
    user_data: UserDataReader
    activity_log: ActivityLog
    authenticators: tuple[Authenticator, ...]
    access_tokens: AccessTokenVerifiers
    checks: dict[str, Check]
    profile_history: ProfileHistory | None = None
    start_checks: StartChecks = no_start_checks


OpenAdapters: TypeAlias = Callable[
    [Config, UpstreamTelemetry], AbstractAsyncContextManager[Adapters]
]


@asynccontextmanager
async def aws_adapters(
    config: Config, calls: UpstreamTelemetry, credentials: Credentials | None = None
) -> AsyncIterator[Adapters]:
    """Open the adapters for Cognito and DynamoDB, and close them; *calls* records their calls."""
    async with (
        open_clients(config, credentials, calls) as clients,
        identity_adapters(config, calls, clients.keys) as identity,
        domain_session(config, clients.keys, calls) as domain,
    ):
        table: Any = {"config": config.dynamodb, "region": config.aws.region, "clock": utc_now}
        store = DynamoDBProfileStore(
            clients.dynamodb, **table, calls=calls, retention=_retention(config)
        )
        federation = None
        if domain is not None:
            federation = CognitoFederation(
                domain, config=config, token_pairs=identity.token_pairs, calls=calls
            )
        yield Adapters(
            identity_provider=identity_provider(
                clients.cognito,
                config=config.cognito,
                region=config.aws.region,
                trigger_messages=config.auth.trigger_messages,
                on_retry=functools.partial(calls.metrics.upstream_retried, COGNITO),
                on_masked=calls.metrics.refusal_masked,
                federation=federation,
            ),
            profile_store=store,
            profile_history=store.history,
            user_data=DynamoDBUserData(clients.dynamodb, **table),
            activity_log=DynamoDBActivityLog(clients.dynamodb, **table, days=config.activity.days),
            authenticators=identity.sources,
            access_tokens=identity.access_tokens,
            checks={"dynamodb": store.check},
            start_checks=functools.partial(
                start.failed_checks,
                config,
                clients.dynamodb.aioboto3,
                clients.cognito,
                clients.keys,
                identity.jwks,
            ),
        )


def create_app(
    config: Config, adapters: OpenAdapters = aws_adapters, *, plain_localhost: bool = False
) -> web.Application:
    """
    Return the application, which opens its adapters on startup and closes them on cleanup.

    With *plain_localhost*, the refresh cookie also works over plain HTTP, on the names of this machine.
    Raises SchemaUnusable and TracingUnusable.
    """
    schema = profile_schema(config.profile.schema)
    own_version = version(DISTRIBUTION)
    tracing = optional.tracing(config.tracing, version=own_version)
    app = web.Application(
        middlewares=[tracing.middleware] if tracing else [],
        client_max_size=config.server.max_body_bytes,
    )
    app[keys.CONFIG] = config
    app[keys.PLAIN_LOCALHOST] = plain_localhost
    app[keys.CLIENT_IDS] = config.client_ids
    hash_key = config.log.hash_key
    app[keys.ACCOUNT_HASH_KEY] = secrets.token_bytes(32) if hash_key is None else hash_key.encode()
    app[keys.METRICS] = metrics = Metrics()
    metrics.built_as(own_version)
    app[keys.SERVER_LOAD] = load = keys.ServerLoad(routes.dependencies())
    metrics.in_flight.set_function(lambda: load.in_flight)
    app[keys.DEADLINES] = Deadlines(config.server.request_deadline_s)
    app[keys.LOG] = BoundLogger()
    app[keys.REFUSED_PAGES] = LogLimit(time.monotonic)
    app[keys.PROFILE_REPRESENTATION] = ProfileRepresentation(user_schema(schema))
    app[keys.SERVICE_PROFILE_SCHEMA] = schema()
    app[cognito_guard.RATE_LIMITER] = RateLimiter(
        config.limits.per_process(config.server.workers), clock=time.monotonic, metrics=metrics
    )
    app[service_call.SERVICE_LIMITS] = ServiceLimits(
        config.services, clock=time.monotonic, metrics=metrics
    )
    app[export.RUNNING] = keys.Slots()
    app[user_profiles.BATCH_SCHEMA] = ProfilesBatchSchema(
        declared=app[keys.PROFILE_REPRESENTATION].declared
    )
    app[keys.PROFILE_JSON_SCHEMA] = profile_document(schema)
    app[keys.OPENAPI] = document.document(schema, version=own_version)
    app[keys.ACCESS] = routes.register(app)
    app.middlewares.append(Pipeline(app, is_traced=tracing is not None).middleware)

    async def opened(app: web.Application) -> AsyncIterator[None]:
        _warn_of_unverified(config.identity)
        if plain_localhost and config.auth.refresh_cookie != "false":
            structlog.get_logger().info(
                "refresh_cookie_without_secure", hosts="localhost 127.0.0.1 [::1]"
            )
        async with (
            _listener(metrics, config.server),
            tracing.opened() if tracing else nullcontext(untraced) as span,
            adapters(config, UpstreamTelemetry(metrics, span)) as behind,
        ):
            app[keys.IDENTITY_PROVIDER] = behind.identity_provider
            app[keys.PROFILE_STORE] = behind.profile_store
            app[keys.PROFILE_HISTORY] = behind.profile_history
            app[keys.USER_DATA] = behind.user_data
            app[keys.ACTIVITY_LOG] = behind.activity_log
            app[keys.AUTHENTICATORS] = behind.authenticators
            app[keys.ACCESS_TOKENS] = behind.access_tokens
            async with HealthMonitor(
                behind.checks,
                interval_s=config.server.readiness_interval_s,
                start_checks=behind.start_checks,
            ) as watch:
                app[keys.READINESS] = watch.readiness
                async with recording(app, behind.activity_log):
                    yield

    app.on_shutdown.append(note_stop)
    app.cleanup_ctx.append(opened)
    return app


def _retention(config: Config) -> Retention | None:
    """Return what the history keeps of profiles; None where it is off."""
    if config.profile.history_days == 0:
        return None
    representation = ProfileRepresentation(profile_schema(config.profile.schema)())
    return Retention(representation.declared, timedelta(days=config.profile.history_days))


@asynccontextmanager
async def _listener(metrics: Metrics, server: ServerConfig) -> AsyncIterator[None]:
    """Serve *metrics* on `[server] metrics-port`, unless it is 0."""
    if server.metrics_port == 0:
        yield
        return
    from service.server import metrics_endpoint  # noqa: PLC0415 -- loads a library that is not needed without metrics

    ports = range(server.metrics_port, server.metrics_port + server.workers)
    async with metrics_endpoint.listening(metrics, server, ports):
        yield


def _warn_of_unverified(identity: IdentityConfig) -> None:
    """Log a warning if other machines may name the user without proof."""
    remote = [str(network) for network in identity.header_peers if not network.is_loopback]
    if "header" in identity.sources and remote:
        structlog.get_logger().warning(
            "identity_unverified", header="x-amzn-oidc-identity", believed_from=remote
        )
