"""Creates the table, and waits until it is active; idempotent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import structlog
from botocore.exceptions import ConnectionError as NeverConnected
from botocore.exceptions import HTTPClientError

from service.profile_store import items
from service.startup_errors import TableUnusable

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import (
        AttributeDefinitionTypeDef,
        KeySchemaElementTypeDef,
        TableDescriptionTypeDef,
    )

Result = TypeVar("Result")

KEY_SCHEMA: tuple[KeySchemaElementTypeDef, ...] = (
    {"AttributeName": items.PARTITION_KEY, "KeyType": "HASH"},
    {"AttributeName": items.SORT_KEY, "KeyType": "RANGE"},
)
ATTRIBUTES: tuple[AttributeDefinitionTypeDef, ...] = (
    {"AttributeName": items.PARTITION_KEY, "AttributeType": "S"},
    {"AttributeName": items.SORT_KEY, "AttributeType": "S"},
)
STREAM_VIEW_TYPE: Final = "NEW_AND_OLD_IMAGES"  # events need both
POLL_S = 0.2
ACTIVE_WITHIN_S = 300  # creating a table takes seconds, but AWS guarantees no time


async def reachable(call: Callable[[], Awaitable[Result]], *, within_s: float) -> Result:
    """Return the result of *call*, repeated up to *within_s* seconds while it gets no response."""
    give_up = time.monotonic() + within_s
    while True:
        try:
            return await call()
        except (NeverConnected, HTTPClientError):
            if time.monotonic() >= give_up:
                raise
        await asyncio.sleep(POLL_S)


async def create_table(
    dynamodb: DynamoDBClient,
    name: str,
    *,
    stream: bool = False,
    active_within_s: float = ACTIVE_WITHIN_S,
) -> None:
    """
    Create the table of profiles unless it exists, and wait until it is active.

    Turns on time to live, and with *stream* the table's stream of new and old images. Raises
    TableUnusable.
    """
    try:
        await dynamodb.create_table(
            TableName=name,
            KeySchema=KEY_SCHEMA,
            AttributeDefinitions=ATTRIBUTES,
            BillingMode="PAY_PER_REQUEST",
        )
        structlog.get_logger().info("table_created", table=name)
    except dynamodb.exceptions.ResourceInUseException:
        structlog.get_logger().info("table_found", table=name)
    try:
        async with asyncio.timeout(active_within_s):
            table = await _active(dynamodb, name)
    except TimeoutError:
        raise TableUnusable(
            f"The table {name} is not active after {active_within_s} s. Run the command again."
        ) from None
    found = _keys(table["KeySchema"], table["AttributeDefinitions"])
    needed = _keys(KEY_SCHEMA, ATTRIBUTES)
    if found != needed:
        raise TableUnusable(
            f"The table {name} has the keys {found}; profiles need {needed}. Keys cannot be changed: "
            "choose another name with AWS_DYNAMODB_USER_PROFILE_TABLE."
        )
    await _expire(dynamodb, name)
    if stream:
        await _stream(dynamodb, table)


def _keys(
    schema: Sequence[KeySchemaElementTypeDef], attributes: Sequence[AttributeDefinitionTypeDef]
) -> str:
    """Return the keys of a table as text: name, kind and type of each."""
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in attributes}
    return " and ".join(
        f"{entry['AttributeName']} ({entry['KeyType']}, {types[entry['AttributeName']]})"
        for entry in schema
    )


async def _active(dynamodb: DynamoDBClient, name: str) -> TableDescriptionTypeDef:
    while True:
        table = (await dynamodb.describe_table(TableName=name))["Table"]
        if table["TableStatus"] in ("ACTIVE", "UPDATING"):
            return table
        await asyncio.sleep(POLL_S)


async def _expire(dynamodb: DynamoDBClient, name: str) -> None:
    """Turn on the time to live, which removes the tombstones of deleted profiles."""
    found = (await dynamodb.describe_time_to_live(TableName=name))["TimeToLiveDescription"]
    if found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"):
        if (
            found.get("AttributeName") != items.EXPIRES_AT
        ):  # a table has only one, which may be in use
            structlog.get_logger().warning(
                "ttl_attribute_mismatch", table=name, attribute=found.get("AttributeName")
            )
        return
    await dynamodb.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": items.EXPIRES_AT},
    )


async def _stream(dynamodb: DynamoDBClient, table: TableDescriptionTypeDef) -> None:
    """Turn on the stream; deploy/cloudformation/events.yaml takes its ARN, which is logged."""
    name = table["TableName"]
    present = table.get("StreamSpecification", {})
    if not present.get("StreamEnabled"):
        changed = await dynamodb.update_table(
            TableName=name,
            StreamSpecification={"StreamEnabled": True, "StreamViewType": STREAM_VIEW_TYPE},
        )
        table = changed["TableDescription"]
    elif present.get("StreamViewType") != STREAM_VIEW_TYPE:
        raise TableUnusable(
            f"The stream of the table {name} has {present.get('StreamViewType')}; events need "
            f"{STREAM_VIEW_TYPE}. Only a new stream can have other images: turn this one off if "
            "nothing reads it, and run the command again."
        )
    structlog.get_logger().info("table_stream", table=name, arn=table["LatestStreamArn"])
