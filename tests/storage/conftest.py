"""A user of each test alone, the table, and a store on it."""

import uuid

import pytest

from service import aws
from service.config import Config
from service.storage.dynamodb import DynamoDBProfileStore
from tests.storage.table import Table, store_on


@pytest.fixture
def user_id() -> str:
    """Return a user of this test alone."""
    return str(uuid.uuid4())


@pytest.fixture
def store(clients: aws.Clients, config: Config) -> DynamoDBProfileStore:
    """Return a store whose clock stands at noon."""
    return store_on(clients, config)


@pytest.fixture
def table(clients: aws.Clients, config: Config) -> Table:
    """Return the table."""
    return Table(clients.dynamodb, config.dynamodb.user_profile_table)
