"""
The head item of a user's activity: until when events are refused after an erasure.

A condition sees only the item of its own key, so events are written in one transaction with the head: one
that is queued or delayed in any process cannot be stored after the erasure.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final

from service.aws.errors import translated
from service.domain.errors import ProfileChanged
from service.domain.profiles import until_unchanged
from service.domain.values.timestamps import timestamp
from service.profile_store import items, tombstones
from service.profile_store.errors import DYNAMODB_ERRORS, is_condition_of_first_write
from service.profile_store.partitions import ACTIVITY, partition_key

if TYPE_CHECKING:
    from datetime import datetime

    from types_aiobotocore_dynamodb.type_defs import UpdateTypeDef

    from service.aws.dynamodb.client import DynamoDBClient
    from service.aws.failure_advice import AwsResource
    from service.profile_store.attribute_values import Attribute

HEAD_SORT_KEY: Final = "~head"
REFUSED_UNTIL: Final = "refusedUntil"  # a timestamp
_NAMES: Final = {"#until": REFUSED_UNTIL, "#expiresAt": items.EXPIRES_AT}


def accept(table: str, user_id: str, *, first: str, expires_at: Attribute) -> UpdateTypeDef:
    """
    Return the Update of the head that fails if an event at the timestamp *first* is refused.

    The head expires with its newest event; without one, after every event that it refuses.
    """
    return {
        "TableName": table,
        "Key": items.key(partition_key(user_id, ACTIVITY), HEAD_SORT_KEY),
        "UpdateExpression": "SET #expiresAt = :expiresAt",
        "ConditionExpression": "attribute_not_exists(#until) OR #until < :first",
        "ExpressionAttributeNames": _NAMES,
        "ExpressionAttributeValues": {":expiresAt": expires_at, ":first": {"S": first}},
    }


class ActivityRefusal:
    """
    Refuses events in *table*.

    Whether or not this process records activity, since another one may. An event is stored before that,
    and found by a consistent Query after it, or refused.
    """

    def __init__(self, client: DynamoDBClient, table: str, resource: AwsResource) -> None:
        self._client = client
        self._table = table
        self._resource = resource

    async def refuse(self, user_id: str, until: datetime) -> None:
        """
        Refuse the user's events until the time *until*, or longer where an earlier erasure did.

        Raises ProfileChanged where concurrent writes continue.
        """
        await until_unchanged(functools.partial(self._refuse_once, user_id, until))

    async def _refuse_once(self, user_id: str, until: datetime) -> None:
        try:
            with translated(DYNAMODB_ERRORS, self._resource, "UpdateItem"):
                await self._client.update_item(
                    TableName=self._table,
                    Key=items.key(partition_key(user_id, ACTIVITY), HEAD_SORT_KEY),
                    UpdateExpression="SET #until = :until, #expiresAt = :expiresAt",
                    ConditionExpression="attribute_not_exists(#until) OR #until < :until",
                    ExpressionAttributeNames=_NAMES,
                    ExpressionAttributeValues={
                        ":until": {"S": timestamp(until)},
                        ":expiresAt": tombstones.ttl(until + tombstones.TOMBSTONE_TTL),
                    },
                )
        except ProfileChanged as failure:
            if not is_condition_of_first_write(failure):  # a transaction was under way
                raise
