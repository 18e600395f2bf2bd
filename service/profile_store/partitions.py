"""
The partitions beside a user's own, and the erasure of what they hold.

The user's own partition holds the profile and the claim alone: earlier versions of this service take any
other item there for a profile. Further items of a user stand in a partition of each kind, under sort keys
that sort before `~`; an item from `~` on holds no data and is not erased.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from service.domain.identity import PARTITION_SUFFIXES
from service.profile_store import items
from service.profile_store.queries import query_pages
from service.profile_store.tombstones import deletion_marks

if TYPE_CHECKING:
    from datetime import datetime

    from service.aws.dynamodb.client import DynamoDBClient
    from service.aws.failure_advice import AwsResource
    from service.profile_store.items import Item

    Chunk: TypeAlias = list[Item]

ACTIVITY, HISTORY = ERASED = PARTITION_SUFFIXES  # all are erased, whether or not the feature is on

PROFILE_CREATED_AT: Final = "profileCreatedAt"  # of an item that belongs to one profile of the user
PROFILE_ERASED: Final = "profileErased"  # of a tombstone: that profile does not exist any more
AFTER_DATA: Final = "~"
CHUNK_SIZE: Final = 90  # fits into one transaction with the profile and its claim


def partition_key(user_id: str, partition: str) -> str:
    """Return the partition key of a user's items of one kind."""
    return user_id + partition


def data_of(table: str, user_id: str, partition: str) -> dict[str, Any]:
    """Return a strongly consistent Query of a user's items of one kind, those from `~` on left out."""
    return {
        "TableName": table,
        "KeyConditionExpression": "#userId = :partition AND #sortKey < :end",
        "ExpressionAttributeNames": {"#userId": items.PARTITION_KEY, "#sortKey": items.SORT_KEY},
        "ExpressionAttributeValues": {
            ":partition": {"S": partition_key(user_id, partition)},
            ":end": {"S": AFTER_DATA},
        },
        "ConsistentRead": True,
    }


def tombstone(item: Item, now: datetime, *, profile_erased: bool) -> Item:
    """Return what remains of an item: its key, when it was erased, and the TTL."""
    final = {PROFILE_ERASED: {"BOOL": True}} if profile_erased else {}
    return {
        items.PARTITION_KEY: item[items.PARTITION_KEY],
        items.SORT_KEY: item[items.SORT_KEY],
        **deletion_marks(now),
        **final,
    }


class PartitionReads:
    """The reads of the partitions in *table* that erasure needs."""

    def __init__(self, client: DynamoDBClient, *, table: str, resource: AwsResource) -> None:
        self._client = client
        self._table = table
        self._resource = resource

    async def items_with_data(self, user_id: str, *, profile: str | None = None) -> list[Chunk]:
        """
        Return the items of a user that are not erased, their keys alone, by a strongly consistent read.

        A chunk has 1 to CHUNK_SIZE items of together at most 1 MB, which one transaction can replace.
        With *profile*, the `createdAt` of a profile, the items of the user's other profiles are left out.
        """
        chunks: list[Chunk] = []
        for partition in ERASED:
            query = data_of(self._table, user_id, partition)
            query["ExpressionAttributeNames"] |= {
                "#deletedAt": items.DELETED_AT,
                "#profile": PROFILE_CREATED_AT,
            }
            pages = query_pages(
                self._client,
                self._resource,
                **query,
                FilterExpression="attribute_not_exists(#deletedAt)",
                ProjectionExpression="#userId, #sortKey, #profile",
            )
            async for page in pages:
                found = [item for item in page if _may_belong_to(profile, item)]
                chunks += (found[n : n + CHUNK_SIZE] for n in range(0, len(found), CHUNK_SIZE))
        return chunks


def _may_belong_to(profile: str | None, item: Item) -> bool:
    """Return whether the item belongs to the profile, or to no profile alone."""
    return profile is None or item.get(PROFILE_CREATED_AT, {"S": profile}).get("S") == profile
