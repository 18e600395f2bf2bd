"""The reads of the table: all items of a user by Query, single items by key."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from service.aws.errors import required, translated
from service.aws.failure_advice import AwsResource
from service.domain.errors import UpstreamFault
from service.observability.upstream_calls import DYNAMODB
from service.profile_store import items
from service.profile_store.errors import DYNAMODB_ERRORS

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import KeysAndAttributesTypeDef

    from service.aws.dynamodb.client import DynamoDBClient
    from service.profile_store.items import Item

Key: TypeAlias = tuple[str, str]  # partition key, sort key

READINESS_KEY: Key = ("~readiness", "~")  # not a possible `sub`; the item need not exist


@dataclass(frozen=True, slots=True)
class KeyReadResult:
    """The result of a read by keys: the items found, and the keys that were not read."""

    found: Mapping[Key, Item]
    unprocessed: Collection[Key] = ()


async def query_pages(
    client: DynamoDBClient,
    resource: AwsResource,
    **request: Any,  # noqa: ANN401 -- botocore's
) -> AsyncGenerator[list[Item]]:
    """
    Yield the items of a Query of the partition `:partition`, page by page.

    A `Limit` is that of the first page.
    """
    partition = request["ExpressionAttributeValues"][":partition"]["S"]
    while True:
        with translated(DYNAMODB_ERRORS, resource, "Query"):
            page = await client.query(**request)
        yield items_of(page, partition)
        if "LastEvaluatedKey" not in page:
            return
        request.pop("Limit", None)
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def items_of(page: Mapping[str, Any], partition: str) -> list[Item]:
    """Return the items of a page of a Query; raises UpstreamFault for one that is not of *partition*."""
    found: list[Item] = required(page, "Items")
    for item in found:
        if not items.is_in_partition(item, partition):
            raise UpstreamFault
    return found


class TableReads:
    """The reads of *table*; reads by key are strongly consistent if *consistent_read*."""

    def __init__(
        self, client: DynamoDBClient, *, table: str, consistent_read: bool, region: str = ""
    ) -> None:
        self._client = client
        self._table = table
        self._resource = AwsResource(DYNAMODB, region, table=table)
        self._consistent_read = consistent_read

    async def check(self) -> None:
        """Make one cheap call that proves access to the table."""
        await self._item(READINESS_KEY, consistent=False)

    async def query_user_items(self, user_id: str, *, consistent: bool) -> list[Item]:
        """Return all items of a user, sorted by sort key."""
        found: list[Item] = []
        start: dict[str, Any] = {}
        while True:
            with translated(DYNAMODB_ERRORS, self._resource, "Query"):
                page = await self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="#userId = :userId",
                    ExpressionAttributeNames={"#userId": items.PARTITION_KEY},
                    ExpressionAttributeValues={":userId": {"S": user_id}},
                    ConsistentRead=consistent,
                    **start,
                )
            found += items_of(page, user_id)
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    async def by_key(self, key: Key) -> Item | None:
        """Return the item at *key*, or None."""
        item = await self._item(key, consistent=self._consistent_read)
        return item if item is not None and _key_of(item) == key else None

    async def by_keys(self, keys: Sequence[Key]) -> KeyReadResult:
        """Return the items at 1 to 100 distinct *keys*."""
        if len(keys) == 1:
            item = await self.by_key(keys[0])
            return KeyReadResult({} if item is None else {keys[0]: item})
        request: KeysAndAttributesTypeDef = {
            "Keys": [
                {items.PARTITION_KEY: {"S": user_id}, items.SORT_KEY: {"S": sort_key}}
                for user_id, sort_key in keys
            ],
            "ConsistentRead": self._consistent_read,
        }
        with translated(DYNAMODB_ERRORS, self._resource, "BatchGetItem"):
            response = await self._client.batch_get_item(RequestItems={self._table: request})
        found: list[Item] = required(response, "Responses").get(self._table, [])
        left: Mapping[str, Any] = response.get("UnprocessedKeys", {}).get(self._table, {})
        unprocessed = {_key_of(key) for key in left.get("Keys", ())}
        return KeyReadResult({_key_of(item): item for item in found}, unprocessed)

    async def _item(self, key: Key, *, consistent: bool) -> Item | None:
        with translated(DYNAMODB_ERRORS, self._resource, "GetItem"):
            response = await self._client.get_item(
                TableName=self._table, Key=items.key(*key), ConsistentRead=consistent
            )
        return response.get("Item")


def _key_of(item: Item) -> Key:
    """Return the full key of an item; two empty strings where it is not made of strings."""
    try:
        return item[items.PARTITION_KEY]["S"], item[items.SORT_KEY]["S"]
    except KeyError:
        return "", ""
