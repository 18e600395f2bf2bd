"""The DynamoDB client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from service.observability.upstream_calls import DYNAMODB, UpstreamTelemetry

if TYPE_CHECKING:
    from typing import Unpack

    from types_aiobotocore_dynamodb import DynamoDBClient as Aioboto3Client
    from types_aiobotocore_dynamodb import type_defs as types

Operation: TypeAlias = Literal[
    "BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"
]
Transport: TypeAlias = Callable[[Operation, Mapping[str, Any]], Awaitable[Any]]


class DynamoDBClient:
    """
    The operations of DynamoDB that the profile store uses, sent by *transport*, recorded in *telemetry*.

    They take and return what the methods of aioboto3's client do, and raise ClientError for an error
    response, BotoCoreError where there is no response, ResponseParserError for one that cannot be parsed,
    and UpstreamRefused. `aioboto3` is the client for all other operations; its calls are not recorded.
    """

    def __init__(
        self, aioboto3: Aioboto3Client, transport: Transport, telemetry: UpstreamTelemetry
    ) -> None:
        self.aioboto3 = aioboto3
        self._transport = transport
        self._telemetry = telemetry

    async def batch_get_item(
        self, **request: Unpack[types.BatchGetItemInputTypeDef]
    ) -> types.BatchGetItemOutputTypeDef:
        """Return the items at up to 100 keys."""
        response: types.BatchGetItemOutputTypeDef = await self._call("BatchGetItem", request)
        return response

    async def get_item(
        self, **request: Unpack[types.GetItemInputTypeDef]
    ) -> types.GetItemOutputTypeDef:
        """Return the item at one key."""
        response: types.GetItemOutputTypeDef = await self._call("GetItem", request)
        return response

    async def put_item(
        self, **request: Unpack[types.PutItemInputTypeDef]
    ) -> types.PutItemOutputTypeDef:
        """Create one item, or replace it as a whole."""
        response: types.PutItemOutputTypeDef = await self._call("PutItem", request)
        return response

    async def query(self, **request: Unpack[types.QueryInputTypeDef]) -> types.QueryOutputTypeDef:
        """Return a page of the items of one partition."""
        response: types.QueryOutputTypeDef = await self._call("Query", request)
        return response

    async def transact_write_items(
        self, **request: Unpack[types.TransactWriteItemsInputTypeDef]
    ) -> types.TransactWriteItemsOutputTypeDef:
        """Make up to 100 writes, all or none."""
        response: types.TransactWriteItemsOutputTypeDef = await self._call(
            "TransactWriteItems", request
        )
        return response

    async def update_item(
        self, **request: Unpack[types.UpdateItemInputTypeDef]
    ) -> types.UpdateItemOutputTypeDef:
        """Update or create one item."""
        response: types.UpdateItemOutputTypeDef = await self._call("UpdateItem", request)
        return response

    async def _call(self, operation: Operation, request: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- each method types it
        with self._telemetry.record(DYNAMODB, operation):
            return await self._transport(operation, request)
