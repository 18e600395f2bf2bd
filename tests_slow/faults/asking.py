"""One call of each upstream of AWS, by each of its transports."""

import asyncio

import pytest

from service import aws
from service.aws import translated
from service.config_file import Settings
from tests.stage import CREDENTIALS, NEVER_OPEN, configured

KEY = {"userId": {"S": "alice"}, "createdAt": {"S": "2026"}}
CALLS = pytest.mark.parametrize(
    ("upstream", "transport"), [("cognito", "fast"), ("dynamodb", "fast"), ("dynamodb", "botocore")]
)


async def ask(url: str, upstream: str, transport: str, **settings: str) -> None:
    """Ask the upstream at *url*, with more *settings* of either; raises the domain's errors."""
    there = {"endpoint-url": url, **settings}
    both: Settings = {"aws.cognito": there, "aws.dynamodb": {**there, "transport": transport}}
    async with (
        asyncio.timeout(20),
        aws.clients(configured(both, NEVER_OPEN), CREDENTIALS) as clients,
    ):
        with translated({}):
            if upstream == "cognito":
                await clients.cognito.list_user_pools(MaxResults=1)
            else:
                await clients.dynamodb.get_item(TableName="t", Key=KEY)
