"""Tests that violate the policy and ignore the refusal. The guard's own tests run them."""

from contextlib import suppress

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.config.settings import Config
from service.profile_store import items

KEY = items.key("alice", "2020")


async def test_deletes(clients: Clients, config: Config) -> None:
    """Make a call that the role may not make, and ignore the refusal."""
    with suppress(ClientError):
        await clients.dynamodb.aioboto3.delete_item(
            TableName=config.dynamodb.user_profile_table, Key=KEY
        )


async def test_scans(clients: Clients, config: Config) -> None:
    """Read the profiles of all users."""
    with suppress(ClientError):
        await clients.dynamodb.aioboto3.scan(TableName=config.dynamodb.user_profile_table)


async def test_reads_another_table(clients: Clients) -> None:
    """Use an allowed action on another table."""
    with suppress(ClientError):
        await clients.dynamodb.get_item(TableName="payroll", Key=KEY)


async def test_reads_its_own(clients: Clients, config: Config) -> None:
    """Make an allowed call."""
    await clients.dynamodb.get_item(TableName=config.dynamodb.user_profile_table, Key=KEY)
