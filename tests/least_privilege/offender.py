"""Tests that break the policy and take it well; no part of the suite, but what it proves the guard on."""

from contextlib import suppress

from botocore.exceptions import ClientError

from service import aws
from service.config import Config
from service.storage import items

KEY = items.key("alice", "2020")


async def test_deletes(clients: aws.Clients, config: Config) -> None:
    """Ask for what the role may not do, and take the refusal well."""
    with suppress(ClientError):
        await clients.dynamodb.delete_item(TableName=config.dynamodb.user_profile_table, Key=KEY)


async def test_scans(clients: aws.Clients, config: Config) -> None:
    """Read everybody's profile."""
    with suppress(ClientError):
        await clients.dynamodb.scan(TableName=config.dynamodb.user_profile_table)


async def test_reads_another_table(clients: aws.Clients) -> None:
    """Use an allowed action on what belongs to somebody else."""
    with suppress(ClientError):
        await clients.dynamodb.get_item(TableName="payroll", Key=KEY)


async def test_reads_its_own(clients: aws.Clients, config: Config) -> None:
    """Do what the role may."""
    await clients.dynamodb.get_item(TableName=config.dynamodb.user_profile_table, Key=KEY)
