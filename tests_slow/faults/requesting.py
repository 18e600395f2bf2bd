"""One call of each AWS upstream, by each of its transports."""

import asyncio

import pytest

from service.aws.clients import open_clients
from service.aws.errors import translated
from service.config.loader import Settings
from tests.support.configs import BREAKER_OFF, CREDENTIALS, configured

KEY = {"userId": {"S": "alice"}, "createdAt": {"S": "2026"}}
CALLS = pytest.mark.parametrize(
    ("upstream", "transport"), [("cognito", "fast"), ("dynamodb", "fast"), ("dynamodb", "botocore")]
)


async def ask(url: str, upstream: str, transport: str, **settings: str) -> None:
    """Call the upstream at *url*, with additional *settings* of both; raises the domain's errors."""
    there = {"endpoint-url": url, **settings}
    both: Settings = {"aws.cognito": there, "aws.dynamodb": {**there, "transport": transport}}
    async with (
        asyncio.timeout(20),
        open_clients(configured(both, BREAKER_OFF), CREDENTIALS) as clients,
    ):
        with translated({}):
            if upstream == "cognito":
                await clients.cognito.list_user_pools(MaxResults=1)
            else:
                await clients.dynamodb.get_item(TableName="t", Key=KEY)
