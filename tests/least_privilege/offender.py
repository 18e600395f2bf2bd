"""Tests that break the policy and take it well; no part of the suite, but what it proves the guard on."""

from contextlib import suppress

from botocore.exceptions import ClientError

from service.aws.clients import Clients
from service.config.settings import Config
from service.profile_store import items

KEY = items.key("alice", "2020")


async def test_deletes(clients: Clients, config: Config) -> None:
    """Ask for what the role may not do, and take the refusal well."""
    with suppress(ClientError):
        await clients.dynamodb.delete_item(TableName=config.dynamodb.user_profile_table, Key=KEY)


async def test_scans(clients: Clients, config: Config) -> None:
    """Read everybody's profile."""
    with suppress(ClientError):
        await clients.dynamodb.scan(TableName=config.dynamodb.user_profile_table)


async def test_reads_another_table(clients: Clients) -> None:
    """Use an allowed action on what belongs to somebody else."""
    with suppress(ClientError):
        await clients.dynamodb.get_item(TableName="payroll", Key=KEY)


async def test_reads_its_own(clients: Clients, config: Config) -> None:
    """Do what the role may."""
    await clients.dynamodb.get_item(TableName=config.dynamodb.user_profile_table, Key=KEY)
