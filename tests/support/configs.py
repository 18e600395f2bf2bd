"""Configurations of the service for tests."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from service.app import Adapters, OpenAdapters
from service.aws.key_connections import KeyConnections
from service.aws.session import Credentials
from service.config import loader
from service.config.loader import Settings
from service.config.settings import Config
from service.observability.upstream_calls import UpstreamTelemetry

CREDENTIALS = Credentials("test", "test")
KEY_CONNECTIONS = KeyConnections("http://cognito.invalid", verify=True, timeout=(1, 1))
IDS: Settings = {
    "aws": {"region": "us-east-1"},
    "aws.cognito": {"user-pool-id": "us-east-1_none", "client-id": "none"},
}

# For tests in which an upstream fails repeatedly and the circuit breaker must stay closed.
BREAKER_OFF: Settings = {"upstreams": {"breaker-failures": "0"}}


def configured(*layers: Settings) -> Config:
    """Return the default configuration with *layers* over it, the last on top."""
    settings: dict[str, Mapping[str, str]] = {}
    for layer in (IDS, *layers):
        for section, entries in layer.items():
            settings[section] = {**settings.get(section, {}), **entries}
    return loader.load(None, {}, over=settings)


def opening(adapters: Adapters) -> OpenAdapters:
    """Return a function for create_app that yields *adapters*."""

    @asynccontextmanager
    async def opened(_: Config, __: UpstreamTelemetry) -> AsyncIterator[Adapters]:
        yield adapters

    return opened
