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
    """Return a store whose clock is fixed at noon."""
    return store_on(clients, config)


@pytest.fixture
def table(clients: Clients, config: Config) -> Table:
    """Return the table, for writes of another application."""
    return Table(clients.dynamodb.aioboto3, config.dynamodb.user_profile_table)


@pytest.fixture
async def ttl(operators: Config) -> AsyncIterator[Table]:
    """Open the table for the deletions of DynamoDB's TTL, which need no permission of the role."""
    async with open_clients(operators, CREDENTIALS) as clients:
        yield Table(clients.dynamodb.aioboto3, operators.dynamodb.user_profile_table)
