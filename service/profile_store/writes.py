"""The writes of profiles, and whether they were applied where the reply does not say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from service.aws.errors import required, translated
from service.domain.errors import ServiceError, UpstreamFault, UpstreamUnavailable
from service.domain.profiles import Fields, Profile
from service.profile_store import expressions, items
from service.profile_store.errors import (
    AMBIGUOUS_ERRORS,
    DYNAMODB_ERRORS,
    conflicting_item,
    is_certain,
    may_still_apply,
)
from service.profile_store.items import StoredProfile

if TYPE_CHECKING:
    from service.aws.dynamodb.client import DynamoDBClient
    from service.aws.failure_advice import AwsResource
    from service.profile_store.items import Item
    from service.profile_store.transactions import Writes

    ReadItems: TypeAlias = Callable[[str], Awaitable[list[Item]]]


class TableWrites:
    """
    The writes to *table*.

    *read_items* returns the items of a user's own partition by a strongly consistent read.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        table: str,
        resource: AwsResource,
        read_items: ReadItems,
    ) -> None:
        self._client = client
        self._table = table
        self._resource = resource
        self._read_items = read_items

    async def update(self, seen: Profile, changes: Fields, written: StoredProfile) -> StoredProfile:
        """Apply *changes*, on condition that the profile is as *seen*, by the newest id of *written*."""
        write_id = written.write_ids.split()[0]
        try:
            with translated(DYNAMODB_ERRORS, self._resource, "UpdateItem"):
                response = await self._client.update_item(
                    TableName=self._table,
                    Key=items.key(seen.user_id, seen.created_at),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **expressions.update(seen, changes, written=written),
                )
            attributes: Item = required(response, "Attributes")
            if not items.is_in_partition(attributes, seen.user_id):
                raise UpstreamFault
            return items.profile_of(attributes)
        except AMBIGUOUS_ERRORS as failure:
            present = conflicting_item(failure)
            found = [present] if present else await self._found_after(failure, seen.user_id)
            if items.has_write(found, write_id):
                return items.outcome(found, written)
            overrun = not is_certain(failure) and items.write_ids_overrun(found, seen)
            if overrun or may_still_apply(failure):  # the outcome is unknown
                raise UpstreamUnavailable from failure
            raise

    async def transact(self, user_id: str, write_id: str, writes: Writes) -> list[Item]:
        """
        Apply all of *writes* or none.

        Returns the user's items where they were read to establish the outcome, otherwise none.
        """
        try:
            with translated(DYNAMODB_ERRORS, self._resource, "TransactWriteItems"):
                await self._client.transact_write_items(
                    TransactItems=writes, ClientRequestToken=write_id
                )
        except AMBIGUOUS_ERRORS as failure:
            found = await self._found_after(failure, user_id)
            if items.has_write(found, write_id):
                return found
            if may_still_apply(failure):  # the outcome is unknown
                raise UpstreamUnavailable from failure
            raise
        return []

    async def _found_after(self, failure: ServiceError, user_id: str) -> list[Item]:
        """
        Return the user's items where *failure* leaves the outcome open, otherwise none.

        Raises *failure* where they cannot be read.
        """
        if is_certain(failure):
            return []
        try:
            return await self._read_items(user_id)
        except ServiceError:
            raise failure from failure.__cause__
