"""What many tests share: the local AWS with a pool and a table, and the fakes."""

import asyncio
import gc
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest

from local_aws.outbox import Delivery
from local_aws.server import local_aws
from service.app import Adapters
from service.authentication.trusted_header import TrustedHeaderAuthenticator
from service.aws import retries
from service.aws.clients import Clients, open_clients
from service.cognito import user_pool_client
from service.commands import provisioning, table_setup
from service.config.loader import Settings
from service.config.settings import Config
from tests.moto_tables import drop_items, one_copy_in_each_transaction
from tests.support.accounts import Mailbox
from tests.support.configs import CREDENTIALS, configured
from tests.support.fakes.access_tokens import memory_access_tokens
from tests.support.fakes.activity import MemoryActivityLog
from tests.support.fakes.identity_provider import memory_identity_provider
from tests.support.fakes.profiles import MemoryProfileStore
from tests.support.fakes.user_data import MemoryUserData
from tests.support.fakes.user_pool import MemoryUserPool

if TYPE_CHECKING:  # pytest rewrites a plugin that nobody has imported yet
    from tests.least_privilege.plugin import Guarded

pytest_plugins = ["tests.least_privilege.plugin"]

# A busy machine takes as long to accept a connection as to answer.
PATIENT = {"connect-timeout-s": "20", "read-timeout-s": "20"}


def pytest_collection_finish() -> None:
    """
    Keep the garbage collector from looking at modules, botocore's models and collected tests.

    They stay until the end, and a full collection of them takes a second.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def _silently(_: Delivery) -> None:
    """Announce a code to nobody; tests read the outbox."""


@pytest.fixture(scope="session")
def cognito_url() -> Iterator[str]:
    """Where the strict local Cognito is: in this process, or where the environment says."""
    given = os.environ.get("TEST_COGNITO_URL")
    if given is not None:
        yield given
        return
    with local_aws(announce=_silently) as local, one_copy_in_each_transaction():
        yield local.endpoint_url


@pytest.fixture(scope="session")
def operator_url(cognito_url: str) -> str:
    """Where DynamoDB allows everything: DynamoDB Local where the environment says, else moto."""
    return os.environ.get("TEST_DYNAMODB_URL", cognito_url)


@pytest.fixture(scope="session")
def table_name() -> str:
    """Return the name of a table of this run alone."""
    return f"test-{uuid.uuid4().hex}"


@pytest.fixture(scope="session")
def config(cognito_url: str, operator_url: str, guarded: "Guarded", table_name: str) -> Config:
    """
    Return a configuration with a table, a pool and a client of this run alone.

    Its DynamoDB allows the service what its policy allows; DynamoDB Local knows no policies.
    """
    role_url = operator_url if "TEST_DYNAMODB_URL" in os.environ else guarded(table_name)
    pool = os.environ.get(
        "TEST_USER_POOL", table_name
    )  # that of the service which is tested, if it is one
    servers: Settings = {
        "aws.cognito": {"endpoint-url": cognito_url, **PATIENT},
        "aws.dynamodb": {"endpoint-url": role_url, "user-profile-table": table_name, **PATIENT},
    }
    operators = configured(servers, {"aws.dynamodb": {"endpoint-url": operator_url}})
    return configured(servers, {"aws.cognito": asyncio.run(_provision(operators, pool))})


async def _provision(config: Config, name: str) -> dict[str, str]:
    async with open_clients(config, CREDENTIALS) as clients:
        await table_setup.create_table(
            clients.dynamodb.aioboto3, config.dynamodb.user_profile_table
        )
        pool_id = await provisioning.create_user_pool(
            clients.cognito, name, passkeys_of="localhost"
        )
        await provisioning.track_sessions(clients.cognito, pool_id)
        client_id = await provisioning.create_client(clients.cognito, pool_id, name)
    return {"user-pool-id": pool_id, "client-id": client_id}


@pytest.fixture(autouse=True)
def _no_items_are_left(request: pytest.FixtureRequest, table_name: str) -> Iterator[None]:
    """
    Empty moto's table after each test: moto copies it whole for each transaction.

    DynamoDB Local keeps its items, for it does not.
    """
    yield
    if "config" in request.fixturenames and "TEST_DYNAMODB_URL" not in os.environ:
        drop_items(table_name)


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pause a millisecond at most before a retry, in clients that are opened from now on."""
    monkeypatch.setattr(retries, "LONGEST_PAUSE_S", 0.001)
    monkeypatch.setattr(user_pool_client, "LONGEST_PAUSE_S", 0.001)


@pytest.fixture
async def clients(config: Config) -> AsyncIterator[Clients]:
    """Open clients of the local AWS with the rights of the service."""
    async with open_clients(config, CREDENTIALS) as opened:
        yield opened


@pytest.fixture(scope="session")
def operators(config: Config, operator_url: str) -> Config:
    """Return the configuration of an operator, or of another program with rights of its own."""
    return replace(config, dynamodb=replace(config.dynamodb, endpoint_url=operator_url))


@pytest.fixture
async def mailbox(cognito_url: str) -> AsyncIterator[Mailbox]:
    """Open the mailbox of the local Cognito."""
    async with aiohttp.ClientSession() as session:
        yield Mailbox(session, cognito_url)


@pytest.fixture
def user_pool() -> MemoryUserPool:
    """Return the accounts in memory."""
    return MemoryUserPool()


@pytest.fixture
def memory(user_pool: MemoryUserPool) -> Adapters:
    """Return the fakes behind all ports."""
    peers = configured().identity.header_peers
    activity = MemoryActivityLog()
    profiles = MemoryProfileStore(activity=activity)
    return Adapters(
        identity_provider=memory_identity_provider(user_pool),
        profile_store=profiles,
        user_data=MemoryUserData(profiles),
        activity_log=activity,
        authenticators=(TrustedHeaderAuthenticator(header_peers=peers),),
        access_tokens=memory_access_tokens(),
        checks={},
    )
