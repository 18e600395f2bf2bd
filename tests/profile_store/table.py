"""The table as another application sees it, and stores on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from service.aws.clients import Clients, open_clients
from service.config.settings import Config
from service.domain.values.timestamps import Clock
from service.observability.loop_lag import LoopLag
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import UpstreamTelemetry
from service.profile_store import items
from service.profile_store.attribute_values import Attribute
from service.profile_store.dynamodb_store import DynamoDBProfileStore
from service.profile_store.items import Item
from service.profile_store.past_states import Retention
from tests.support.configs import CREDENTIALS
from tests.support.lossy_proxy import LossyProxy, lossy_proxy

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient
    from types_aiobotocore_dynamodb.type_defs import WriteRequestTypeDef

# Of a leap day, and later than the machine's clock, by which DynamoDB Local purges what has expired.
NOON = datetime(2096, 2, 29, 12, tzinfo=UTC)
NOON_TEXT = "2096-02-29T12:00:00.000Z"
MAX_BATCH = 25  # of one BatchWriteItem: BatchWriteItemRequestMap in DynamoDB's service model


class SetClock:
    """A clock that is *ahead* of noon."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        """Return the clock's time."""
        return NOON + self.ahead


@dataclass(frozen=True, slots=True)
class Table:
    """Writes of another application, and deletions of DynamoDB's TTL."""

    client: DynamoDBClient
    name: str

    async def put(self, user_id: str, sort_key: str, **attributes: Attribute) -> None:
        """Put an item, replacing the one at its key."""
        item = {**attributes, **items.key(user_id, sort_key)}
        await self.client.put_item(TableName=self.name, Item=item)

    async def put_all(
        self, user_id: str, sort_keys: Sequence[str], **attributes: Attribute
    ) -> None:
        """Put items with the same attributes; this needs a right that the service does not have."""
        puts: list[WriteRequestTypeDef] = [
            {"PutRequest": {"Item": {**attributes, **items.key(user_id, key)}}} for key in sort_keys
        ]
        for start in range(0, len(puts), MAX_BATCH):
            batch = {self.name: puts[start : start + MAX_BATCH]}
            written = await self.client.batch_write_item(RequestItems=batch)
            assert written["UnprocessedItems"] == {}

    async def add(self, user_id: str, sort_key: str, name: str, value: str) -> None:
        """Add an attribute to an item, as an application does that ignores versions."""
        await self.client.update_item(
            TableName=self.name,
            Key=items.key(user_id, sort_key),
            UpdateExpression="SET #n = :v",
            ExpressionAttributeNames={"#n": name},
            ExpressionAttributeValues={":v": {"S": value}},
        )

    async def items(self, user_id: str) -> list[Item]:
        """Return all items of a user, by sort key."""
        answer = await self.client.query(
            TableName=self.name,
            KeyConditionExpression="userId = :userId",
            ExpressionAttributeValues={":userId": {"S": user_id}},
            ConsistentRead=True,
        )
        return [*answer["Items"]]

    async def remove(self, user_id: str, sort_key: str) -> None:
        """Remove an item for good, as DynamoDB does to one that expired."""
        await self.client.delete_item(TableName=self.name, Key=items.key(user_id, sort_key))


def idle_lag() -> LoopLag:
    """Return the lag of a loop that has time to spare, however busy the machine is."""
    return LoopLag(clock=lambda: 0.0)


async def busy_lag() -> LoopLag:
    """Return the lag of a loop that is behind: each look at its clock is a second later."""
    lag = LoopLag(clock=count().__next__)
    while not lag.is_behind:
        lag.sample()
        await asyncio.sleep(0)
    return lag


def store_on(
    clients: Clients,
    config: Config,
    clock: Clock = lambda: NOON,
    retention: Retention | None = None,
    lag: LoopLag | None = None,
) -> DynamoDBProfileStore:
    """Return a store; by default its clock is fixed at noon, and its loop has time to spare."""
    return DynamoDBProfileStore(
        clients.dynamodb,
        config=config.dynamodb,
        clock=clock,
        calls=UpstreamTelemetry(Metrics()),
        retention=retention,
        lag=lag or idle_lag(),
    )


@asynccontextmanager
async def store_behind_proxy(
    config: Config,
    clock: Clock = lambda: NOON,
    retention: Retention | None = None,
    lag: LoopLag | None = None,
) -> AsyncIterator[tuple[DynamoDBProfileStore, LossyProxy]]:
    """Open a store that reaches the table through a proxy; its defaults are those of `store_on`."""
    assert config.dynamodb.endpoint_url is not None
    async with lossy_proxy(config.dynamodb.endpoint_url) as proxy:
        through = replace(config, dynamodb=replace(config.dynamodb, endpoint_url=proxy.url))
        async with open_clients(through, CREDENTIALS) as clients:
            yield store_on(clients, through, clock, retention, lag), proxy
