"""Requests are served one at a time: conditional writes and transactions are atomic."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError
from types_aiobotocore_dynamodb import DynamoDBClient

from tests.local_aws.support import PASSWORD, Harness

CALLERS = 50


@pytest.fixture(autouse=True)
def _restless_threads() -> Iterator[None]:
    """Switch threads as often as possible, to provoke races."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@pytest.fixture
async def table(dynamodb: DynamoDBClient) -> AsyncIterator[str]:
    """Create a table of its own for a test."""
    name = f"table-{uuid.uuid4().hex}"
    await dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield name
    await dynamodb.delete_table(TableName=name)


async def _outcomes(calls: Sequence[Awaitable[Any]]) -> list[str]:
    results = await asyncio.gather(*calls, return_exceptions=True)
    outcomes = []
    for result in results:
        if isinstance(result, ClientError):
            outcomes.append(result.response["Error"]["Code"])
        else:
            assert not isinstance(result, BaseException), result
            outcomes.append("done")
    return sorted(outcomes)


async def test_one_conditional_put_wins(dynamodb: DynamoDBClient, table: str) -> None:
    """Of fifty concurrent creations of one item, exactly one succeeds."""
    puts = [
        dynamodb.put_item(
            TableName=table,
            Item={"id": {"S": "one"}, "by": {"N": str(number)}},
            ConditionExpression="attribute_not_exists(id)",
        )
        for number in range(CALLERS)
    ]
    expected = ["ConditionalCheckFailedException"] * (CALLERS - 1) + ["done"]
    assert await _outcomes(puts) == expected


async def test_one_transaction_wins(dynamodb: DynamoDBClient, table: str) -> None:
    """Of many concurrent transactions that claim and put, one succeeds; plain puts are kept."""
    claims: list[Awaitable[Any]] = [
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": table,
                        "Item": {"id": {"S": "claim"}},
                        "ConditionExpression": "attribute_not_exists(id)",
                    }
                },
                {"Put": {"TableName": table, "Item": {"id": {"S": f"profile-{number}"}}}},
            ]
        )
        for number in range(CALLERS)
    ]
    plain: list[Awaitable[Any]] = [
        dynamodb.put_item(TableName=table, Item={"id": {"S": f"plain-{number}"}})
        for number in range(CALLERS)
    ]
    outcomes = await _outcomes([call for pair in zip(claims, plain, strict=True) for call in pair])
    expected = ["TransactionCanceledException"] * (CALLERS - 1) + ["done"] * (CALLERS + 1)
    assert outcomes == expected
    kept = (await dynamodb.scan(TableName=table))["Items"]
    assert len(kept) == 1 + 1 + CALLERS


async def test_every_increment_counts(dynamodb: DynamoDBClient, table: str) -> None:
    """Acknowledged increments are not lost."""
    adds = [
        dynamodb.update_item(
            TableName=table,
            Key={"id": {"S": "counter"}},
            UpdateExpression="ADD hits :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        for _ in range(CALLERS)
    ]
    assert await _outcomes(adds) == ["done"] * CALLERS
    counter = await dynamodb.get_item(TableName=table, Key={"id": {"S": "counter"}})
    assert counter["Item"]["hits"] == {"N": str(CALLERS)}


async def test_one_sign_up_wins(harness: Harness) -> None:
    """Of many concurrent sign-ups with one name, one succeeds."""
    username = f"user-{uuid.uuid4().hex}"
    spellings = [username, username.upper()] * (CALLERS // 2)
    sign_ups = [
        harness.cognito.sign_up(
            ClientId=harness.apps["public"].client_id, Username=name, Password=PASSWORD
        )
        for name in spellings
    ]
    expected = ["UsernameExistsException"] * (CALLERS - 1) + ["done"]
    assert await _outcomes(sign_ups) == expected
