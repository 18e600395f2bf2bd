"""Profiles in a DynamoDB table, by Query, UpdateItem and a transaction of Puts: what the role allows."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from service.aws import RETRY_AFTER_S, ErrorTable, required, translated
from service.domain.errors import (
    Misconfigured,
    ProfileChanged,
    ProfileTooLarge,
    ServiceError,
    UpstreamFault,
    UpstreamUnavailable,
)
from service.domain.profiles import Fields, Profile
from service.domain.timestamps import Clock, timestamp
from service.storage import expressions, items

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

    from service.config import DynamoDBConfig
    from service.storage.items import Item

READINESS_KEY = items.key("~readiness", "~")  # no `sub` looks so; the item need not exist
TICK = timedelta(milliseconds=1)  # the resolution of a sort key


def _not_valid(error: ClientError) -> ServiceError:
    """Mean ValidationException: an item over 400 KB, or a defect of ours, told apart by the message."""
    too_large = "size" in error.response["Error"].get("Message", "").lower()
    return ProfileTooLarge() if too_large else UpstreamFault()


def _transaction_cancelled(error: ClientError) -> ServiceError:
    """Mean a cancelled transaction by its reasons."""
    reasons = {reason.get("Code") for reason in error.response.get("CancellationReasons", ())}
    if reasons & {"ConditionalCheckFailed", "TransactionConflict"}:
        return ProfileChanged()
    if reasons & {"ProvisionedThroughputExceeded", "ThrottlingError"}:
        return UpstreamUnavailable(retry_after_s=RETRY_AFTER_S)
    if reasons & {"ItemCollectionSizeLimitExceeded", "ValidationError"}:
        return ProfileTooLarge()  # all else that DynamoDB validates is checked before
    return UpstreamFault()


DYNAMODB_ERRORS: ErrorTable = {
    "ConditionalCheckFailedException": ProfileChanged,
    "ProvisionedThroughputExceededException": UpstreamUnavailable,
    "ResourceNotFoundException": Misconfigured,  # there is no such table
    "TransactionCanceledException": _transaction_cancelled,
    "TransactionConflictException": ProfileChanged,
    "TransactionInProgressException": ProfileChanged,
    "ValidationException": _not_valid,
}


class DynamoDBProfileStore:
    """
    The ProfileStore port on DynamoDB; the *client* is open and stays its opener's.

    A user's first write of all is a transaction that Puts the claim and the profile. The claim stays as
    long as the profile lives, so no process, however late, creates another one beside it.
    """

    def __init__(self, client: DynamoDBClient, *, config: DynamoDBConfig, clock: Clock) -> None:
        self._client = client
        self._table = config.user_profile_table
        self._consistent_read = config.consistent_read
        self._clock = clock

    async def check(self) -> None:
        """Make one cheap call, which proves that the table can be reached and read."""
        with translated(DYNAMODB_ERRORS):
            await self._client.get_item(TableName=self._table, Key=READINESS_KEY)

    async def find(self, user_id: str) -> Profile | None:
        """Return the live profile, or None, by the configured consistency."""
        return items.live_profile(await self._items(user_id, consistent=self._consistent_read))

    async def find_latest(self, user_id: str) -> Profile | None:
        """Return the live profile, or None, by a consistent read."""
        return items.live_profile(await self._items(user_id, consistent=True))

    async def create(self, user_id: str, fields: Fields) -> Profile:
        """
        Create the profile of a user for whom `find_latest` found none.

        Most users never had a profile, so the first try takes it that there is no claim; where
        there is one, the second is made on what the table holds.
        """
        write_id = uuid.uuid4().hex
        created_at = timestamp(self._clock())
        try:
            return await self._claim(user_id, created_at, fields, write_id=write_id, claim=None)
        except ProfileChanged:
            present = await self._items(user_id, consistent=True)
        live = items.live_item(present)
        if live is not None:
            if items.written_by(live, write_id):  # the first try succeeded, its answer was lost
                return items.profile_of(live)
            raise ProfileChanged
        created_at = self._free_moment(present)
        claim = items.claim(present)
        return await self._claim(user_id, created_at, fields, write_id=write_id, claim=claim)

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """Set the fields in *changes*, remove those that are None there, leave all others."""
        write_id = uuid.uuid4().hex
        update = expressions.update(
            seen, changes, updated_at=timestamp(self._clock()), write_id=write_id
        )
        try:
            with translated(DYNAMODB_ERRORS):
                answer = await self._client.update_item(
                    TableName=self._table,
                    Key=items.key(seen.user_id, seen.created_at),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **update,
                )
        except ProfileChanged as changed:
            present = _item_that_failed_it(changed)
            if present is None or not items.written_by(present, write_id):
                raise
            return items.profile_of(present)  # a retry met its own first try
        return items.profile_of(required(answer, "Attributes"))

    async def _items(self, user_id: str, *, consistent: bool) -> list[Item]:
        """Return all items of a user, sorted by sort key."""
        found: list[Item] = []
        more: dict[str, Any] = {}
        while True:
            with translated(DYNAMODB_ERRORS):
                page = await self._client.query(
                    TableName=self._table,
                    KeyConditionExpression="#userId = :userId",
                    ExpressionAttributeNames={"#userId": items.PARTITION_KEY},
                    ExpressionAttributeValues={":userId": {"S": user_id}},
                    ConsistentRead=consistent,
                    **more,
                )
            found += required(page, "Items")
            if "LastEvaluatedKey" not in page:
                return found
            more = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    async def _claim(
        self, user_id: str, created_at: str, fields: Fields, *, write_id: str, claim: Item | None
    ) -> Profile:
        """Put the profile together with the claim, on condition that the claim is as *claim*."""
        profile = Profile(user_id, created_at, created_at, 1, fields)
        with translated(DYNAMODB_ERRORS):
            await self._client.transact_write_items(
                TransactItems=[
                    {"Put": expressions.put_claim(self._table, profile, write_id, seen=claim)},
                    {"Put": expressions.put_profile(self._table, profile, write_id)},
                ],
                ClientRequestToken=f"{write_id}-{0 if claim is None else 1}",
            )
        return profile

    def _free_moment(self, present: list[Item]) -> str:
        """Return the present moment, or the first after it at which none of the user's items stands."""
        taken = {item[items.SORT_KEY]["S"] for item in present}
        moment = self._clock()
        while timestamp(moment) in taken:
            moment += TICK
        return timestamp(moment)


def _item_that_failed_it(changed: ProfileChanged) -> Item | None:
    """Return the item as DynamoDB found it when the condition failed, where it told."""
    response: Mapping[str, Any] = getattr(changed.__cause__, "response", {})
    return response.get("Item")
