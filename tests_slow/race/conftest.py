"""Processes of the service on the suite's table, with a sound way to DynamoDB and with a losing one."""

import os
import random
import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from service.aws.clients import Clients, open_clients
from service.config.settings import Config
from tests.profile_store.table import Table
from tests.support.configs import CREDENTIALS
from tests_slow.linearizability.cluster import Cluster, cluster
from tests_slow.linearizability.network import LOST_REPLIES, NO_FAULTS
from tests_slow.race.calls import Scale

AT_LENGTH = Scale(users=48, users_at_once=8, writers=12, increments=10, read_timeout_s=2)
# moto serves one call at a time, some in a tenth of a second.
SHORT = Scale(users=2, users_at_once=2, writers=3, increments=2, read_timeout_s=10)


@pytest.fixture(scope="session")
def scale() -> Scale:
    """Return how much is done: all on DynamoDB Local, less without it."""
    return AT_LENGTH if "TEST_DYNAMODB_URL" in os.environ else SHORT


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[NO_FAULTS, LOST_REPLIES],
    ids=["all replies come", "replies are lost"],
)
async def processes(
    request: pytest.FixtureRequest,
    config: Config,
    tmp_path_factory: pytest.TempPathFactory,
    scale: Scale,
) -> AsyncIterator[Cluster]:
    """Run three processes, which take seconds to start: for all tests of a module."""
    folder = tmp_path_factory.mktemp("processes")
    rng = random.Random(7)  # noqa: S311 -- chooses faults
    rates, read_timeout_s = request.param, scale.read_timeout_s
    async with cluster(config, folder, rng, rates, read_timeout_s=read_timeout_s) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_table(operators: Config) -> AsyncIterator[Table]:
    """Open the table to an operator, who may also scan it, for all tests of a module."""
    async with open_clients(operators, CREDENTIALS) as clients:
        yield Table(clients.dynamodb.aioboto3, operators.dynamodb.user_profile_table)


@pytest.fixture
def table(clients: Clients, config: Config) -> Table:
    """Return the table."""
    return Table(clients.dynamodb.aioboto3, config.dynamodb.user_profile_table)


@pytest.fixture
def user_id() -> str:
    """Return a user of this test alone."""
    return str(uuid.uuid4())
