"""
The ActivityLog port on DynamoDB: a partition `<sub>~activity` of each user.

Each event is an item under `<timestamp>#<event id>`; activity_head.py has the item beside them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from service.aws.errors import translated
from service.aws.failure_advice import AwsResource
from service.domain.activity import ActivityErased, ActivityEvent, ActivityPage
from service.domain.errors import ProfileChanged, UpstreamFault
from service.domain.values.timestamps import Clock
from service.observability.upstream_calls import DYNAMODB
from service.profile_store import items, tombstones
from service.profile_store.errors import DYNAMODB_ERRORS, is_condition_of_first_write
from service.profile_store.own_data import activity_head
from service.profile_store.partitions import ACTIVITY, AFTER_DATA, partition_key
from service.profile_store.queries import items_of
from service.profile_store.write_ids import new_write_id

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from types_aiobotocore_dynamodb.type_defs import TransactWriteItemTypeDef

    from service.aws.dynamodb.client import DynamoDBClient
    from service.config.settings import DynamoDBConfig
    from service.profile_store.attribute_values import Attribute
    from service.profile_store.items import Item

EVENT: Final = "event"
TEXTS: Final = ("address", "device", "detail")
QUERY_LIMIT: Final = 1_000  # items that one Query reads, expired ones included


class DynamoDBActivityLog:
    """
    The ActivityLog port on an open *client*, which the caller closes.

    Events expire *days* days after they are stored.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        config: DynamoDBConfig,
        days: int,
        clock: Clock,
        region: str = "",
    ) -> None:
        self._client = client
        self._table = config.user_profile_table
        self._consistent_read = config.consistent_read
        self._days = days
        self._clock = clock
        self._resource = AwsResource(DYNAMODB, region, table=self._table)

    async def append(self, user_id: str, events: Sequence[ActivityEvent]) -> None:
        """Store 1 to MAX_APPENDED events with the head, on condition that it refuses none of them."""
        expires_at = tombstones.ttl(self._clock() + timedelta(days=self._days))
        first = min(event.at for event in events)
        head = activity_head.accept(self._table, user_id, first=first, expires_at=expires_at)
        writes: list[TransactWriteItemTypeDef] = [{"Update": head}]
        for event in events:
            item = _item_of(user_id, event, expires_at)
            writes.append({"Put": {"TableName": self._table, "Item": item}})
        try:
            with translated(DYNAMODB_ERRORS, self._resource, "TransactWriteItems"):
                await self._client.transact_write_items(
                    TransactItems=writes, ClientRequestToken=new_write_id()
                )
        except ProfileChanged as failure:
            if is_condition_of_first_write(failure):
                raise ActivityErased from failure
            raise

    async def page(self, user_id: str, *, limit: int, before: str | None = None) -> ActivityPage:
        """Return at most *limit* events, newest first, of those before the position *before*."""
        below: str | None = AFTER_DATA if before is None else _sort_key(before)
        found: list[ActivityEvent] = []
        items_read = limit + 1
        while below is not None and len(found) <= limit:
            page, below = await self._query(user_id, below, limit=items_read)
            found += self._live_events(page)
            items_read = QUERY_LIMIT
        more = len(found) > limit
        return ActivityPage(found[:limit], found[limit - 1].position if more else None)

    async def all(self, user_id: str) -> AsyncIterator[Sequence[ActivityEvent]]:
        """Yield all events, newest first, in lists."""
        below: str | None = AFTER_DATA
        while below is not None:
            page, below = await self._query(user_id, below, consistent=True)
            yield self._live_events(page)

    def _live_events(self, page: Sequence[Item]) -> list[ActivityEvent]:
        now_s = self._clock().timestamp()
        return [_event_of(item) for item in page if _is_live(item, now_s)]

    async def _query(
        self, user_id: str, below: str, *, consistent: bool | None = None, limit: int = QUERY_LIMIT
    ) -> tuple[list[Item], str | None]:
        """
        Return up to *limit* items before the sort key *below*, newest first.

        The second result is the sort key before which older items may follow, None where there are none.
        """
        partition = partition_key(user_id, ACTIVITY)
        with translated(DYNAMODB_ERRORS, self._resource, "Query"):
            page = await self._client.query(
                TableName=self._table,
                KeyConditionExpression="#userId = :userId AND #at < :below",
                ExpressionAttributeNames={
                    "#userId": items.PARTITION_KEY,
                    "#at": items.SORT_KEY,
                },
                ExpressionAttributeValues={
                    ":userId": {"S": partition},
                    ":below": {"S": below},
                },
                ScanIndexForward=False,
                ConsistentRead=self._consistent_read if consistent is None else consistent,
                Limit=limit,
            )
        found = items_of(page, partition)
        last: Item | None = page.get("LastEvaluatedKey")
        if last is None:
            return found, None
        if not items.is_in_partition(last, partition):
            raise UpstreamFault
        return found, last[items.SORT_KEY]["S"]


def _item_of(user_id: str, event: ActivityEvent, expires_at: Attribute) -> Item:
    texts = {"address": event.address, "device": event.device, "detail": event.detail}
    return {
        **items.key(partition_key(user_id, ACTIVITY), _sort_key(event.position)),
        EVENT: {"S": event.event},
        **{name: {"S": text} for name, text in texts.items() if text is not None},
        items.EXPIRES_AT: expires_at,
    }


def _sort_key(position: str) -> str:
    """Return the sort key of a position, `<timestamp>#<event id>`."""
    return "#".join(position.rsplit(".", 1))


def _is_live(item: Item, now_s: float) -> bool:
    """Return whether the item is an event that has not expired; DynamoDB deletes it days later."""
    return "S" in item.get(EVENT, {}) and items.expires_at_s(item) > now_s


def _event_of(item: Item) -> ActivityEvent:
    at, _, event_id = item[items.SORT_KEY]["S"].partition("#")
    texts = {name: item[name]["S"] for name in TEXTS if "S" in item.get(name, {})}
    return ActivityEvent(at, item[EVENT]["S"], event_id=event_id, **texts)
