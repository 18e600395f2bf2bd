"""What tests build their scene with: configurations, users, the mailbox of the local Cognito."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import aiohttp

from service.app import Adapters, OpenAdapters
from service.aws.clients import Credentials
from service.config import loader
from service.config.loader import Settings
from service.config.settings import Config
from service.observability.upstream_calls import UpstreamTelemetry

CREDENTIALS = Credentials("test", "test")
PASSWORD = "YourPass123!"  # noqa: S105 -- of users that live as long as a test
IDS: Settings = {
    "aws": {"region": "us-east-1"},
    "aws.cognito": {"user-pool-id": "us-east-1_none", "client-id": "none"},
}

# For tests that let one upstream fail again and again, and are about something else.
NEVER_OPEN: Settings = {"upstreams": {"breaker-failures": "0"}}


def configured(*layers: Settings) -> Config:
    """Return the default configuration with *layers* over it, the last on top."""
    settings: dict[str, Mapping[str, str]] = {}
    for layer in (IDS, *layers):
        for section, entries in layer.items():
            settings[section] = {**settings.get(section, {}), **entries}
    return loader.load(None, {}, over=settings)


def opening(adapters: Adapters) -> OpenAdapters:
    """Return what opens *adapters* for create_app, where they need no opening."""

    @asynccontextmanager
    async def opened(_: Config, __: UpstreamTelemetry) -> AsyncIterator[Adapters]:
        yield adapters

    return opened


def new_user() -> str:
    """Return a user name that no other test has."""
    return f"user-{uuid.uuid4().hex}@example.com"


class Mailbox:
    """The messages that the local Cognito has "sent"."""

    def __init__(self, session: aiohttp.ClientSession, cognito_url: str) -> None:
        self._session = session
        self._url = f"{cognito_url}/local-aws/outbox"

    async def codes(self, username: str) -> list[str]:
        """Return the codes that were sent to a user, the newest last."""
        async with self._session.get(self._url, params={"username": username}) as response:
            return [delivery["code"] for delivery in await response.json()]

    async def code(self, username: str) -> str:
        """Return the code that was sent last."""
        return (await self.codes(username))[-1]
