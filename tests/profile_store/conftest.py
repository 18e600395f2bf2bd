"""A user of each test alone, the table, and a store on it."""

import uuid
from collections.abc import AsyncIterator

import pytest

from service.aws.clients import Clients, open_clients
from service.config.settings import Config
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from tests.profile_store.table import Table, store_on
from tests.support.configs import CREDENTIALS


@pytest.fixture
def user_id() -> str:
    """Return a user of this test alone."""
    return str(uuid.uuid4())


@pytest.fixture
def store(clients: Clients, config: Config) -> DynamoDBProfileStore:
    """Return a store whose clock stands at noon."""
    return store_on(clients, config)


@pytest.fixture
def table(clients: Clients, config: Config) -> Table:
    """Return the table, to put into it what another program would."""
    return Table(clients.dynamodb.aioboto3, config.dynamodb.user_profile_table)


@pytest.fixture
async def ttl(operators: Config) -> AsyncIterator[Table]:
    """Open the table for what DynamoDB's own TTL does, which needs permission of nobody."""
    async with open_clients(operators, CREDENTIALS) as clients:
        yield Table(clients.dynamodb.aioboto3, operators.dynamodb.user_profile_table)
