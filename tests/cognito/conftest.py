"""A scripted Cognito, opened once a module, and the adapter in front of it."""

import random
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Final, TypeAlias

import pytest
import pytest_asyncio

from service.aws.clients import Clients, open_clients
from service.cognito.adapters import identity_provider
from service.config.settings import CognitoConfig
from service.domain.identity_provider import IdentityProvider
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured
from tests.support.scripted_cognito import ScriptedCognito, scripted_cognito

CLIENT_ID: Final = "anAppClient"
PAUSES_ALMOST_NONE: Final = 8_038  # a seed: the pause before a second try is drawn from `random`

# The app client's secret, and whether addresses are sent -> the ports.
Providing: TypeAlias = Callable[[str | None, bool], IdentityProvider]


@pytest_asyncio.fixture(name="server", scope="module", loop_scope="module")
async def _server() -> AsyncIterator[ScriptedCognito]:
    async with scripted_cognito() as serving:
        yield serving


@pytest_asyncio.fixture(name="client", scope="module", loop_scope="module")
async def _client(server: ScriptedCognito) -> AsyncIterator[Clients]:
    """Open the clients once a module: it takes longer than all calls of some."""
    settings = {"endpoint-url": server.url, "read-timeout-s": "20", "connect-timeout-s": "20"}
    config = configured({"aws.cognito": settings}, BREAKER_OFF)
    async with open_clients(config, CREDENTIALS) as clients:
        yield clients


@pytest.fixture(name="cognito")
def _cognito(server: ScriptedCognito) -> Iterator[ScriptedCognito]:
    """Return the server as if it were new; a request that breaks the model fails the test."""
    server.reset()
    yield server
    server.check()


@pytest.fixture(name="app_client")
def _app_client() -> CognitoConfig:
    """Return the settings of an app client without a secret."""
    return replace(configured().cognito, client_id=CLIENT_ID, client_secret=None)


@pytest.fixture(name="providing")
def _providing(client: Clients, app_client: CognitoConfig) -> Providing:
    def provided(secret: str | None, sends_address: bool) -> IdentityProvider:  # noqa: FBT001 -- a table's column
        config = replace(app_client, client_secret=secret, send_client_address=sends_address)
        return identity_provider(client.cognito, config=config)

    return provided


@pytest.fixture(name="provider")
def _provider(providing: Providing) -> IdentityProvider:
    """Return the ports of an app client without a secret."""
    return providing(None, False)  # noqa: FBT003 -- likewise


@pytest.fixture(autouse=True)
def _short_pauses() -> Iterator[None]:
    state = random.getstate()
    random.seed(PAUSES_ALMOST_NONE)
    yield
    random.setstate(state)
