"""
What the profile store adds to its writes where profiles have a history.

The state that an update replaces is put into the history before the update: it is a past state as soon as
the update is applied, and no update can be applied without it. An update that fails leaves the present
state in the history, which readers leave out.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from service.aws.errors import translated
from service.aws.failure_advice import AwsResource
from service.domain.errors import ProfileChanged, ProfileTooLarge
from service.domain.profiles import Fields, Profile
from service.domain.values.json_values import changed_names
from service.domain.values.timestamps import timestamp
from service.profile_store import items, partitions, past_states
from service.profile_store.errors import DYNAMODB_ERRORS, found_no_profile
from service.profile_store.history_queries import HistoryQueries
from service.profile_store.items import StoredProfile
from service.profile_store.past_states import PastState, Retention

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from datetime import datetime

    from service.aws.dynamodb.client import DynamoDBClient
    from service.profile_store.items import Item


class HistoryWriter:
    """Puts past states of profiles into *table*; *queries* reads those of a profile."""

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        table: str,
        resource: AwsResource,
        retention: Retention,
        queries: HistoryQueries,
    ) -> None:
        self._client = client
        self._table = table
        self._resource = resource
        self._retention = retention
        self._queries = queries

    def created(self, profile: StoredProfile) -> StoredProfile:
        """Return a new profile with what its creation sets."""
        return self._with_last_write(profile, changed_names({}, profile.fields))

    @asynccontextmanager
    async def recorded(
        self, seen: Profile, changes: Fields, written: StoredProfile, now: datetime
    ) -> AsyncIterator[StoredProfile]:
        """
        Put the state *seen*, and yield *written* with what the update by *changes* sets.

        If the update fails because the profile was deleted, the state is erased. Raises ProfileChanged
        where the profile was deleted before.
        """
        state = await self._state(seen, now)
        item = past_states.item_of(state, seen, now + self._retention.period)
        try:
            await self._put(item)
        except ProfileTooLarge:  # it has other attributes than the profile's item
            await self._put({name: item[name] for name in item if name != past_states.FIELDS})
        numbered = replace(written, version=state.version + 1)
        try:
            yield self._with_last_write(numbered, changed_names(seen.fields, changes))
        except ProfileChanged as failure:
            if found_no_profile(failure):
                await self._erase(item, now)
            raise

    def key(self, profile: Profile) -> Item:
        """Return the key under which the state of a profile with a version is put."""
        digest = past_states.digest_of(profile, self._retention.declared)
        sort_key = past_states.sort_key(profile.version, digest)
        return items.key(past_states.partition_of(profile), sort_key)

    async def _state(self, seen: Profile, now: datetime) -> PastState:
        digest = past_states.digest_of(seen, self._retention.declared)
        fields = past_states.kept(seen.fields, self._retention.declared)
        made = past_states.last_write_of(seen)
        return PastState(
            version=seen.version or await self._version_of_unnumbered(seen, digest),
            digest=digest,
            begins=seen.updated_at,
            ends=timestamp(now),
            changed=None if made is None else made.changed,
            by_other_application=not seen.version if made is None else made.digest != digest,
            fields=fields if past_states.is_unicode(fields) else None,
        )

    async def _version_of_unnumbered(self, seen: Profile, digest: str) -> int:
        """
        Return the version under which to store a state that another application has put.

        It follows all versions of the history, so that the next one is a new one.
        """
        newest = await self._queries.newest(seen)
        if newest is None:
            return 0
        return newest.version if newest.digest == digest else newest.version + 1

    async def _erase(self, item: Item, now: datetime) -> None:
        tombstone = partitions.tombstone(item, now, profile_erased=True)
        with translated(DYNAMODB_ERRORS, self._resource, "PutItem"):
            await self._client.put_item(TableName=self._table, Item=tombstone)

    async def _put(self, item: Item) -> None:
        """Put a past state, unless its profile has been deleted."""
        with translated(DYNAMODB_ERRORS, self._resource, "PutItem"):
            await self._client.put_item(
                TableName=self._table,
                Item=item,
                ConditionExpression="attribute_not_exists(#erased)",
                ExpressionAttributeNames={"#erased": partitions.PROFILE_ERASED},
            )

    def _with_last_write(self, written: StoredProfile, changed: Collection[str]) -> StoredProfile:
        digest = past_states.digest_of(written, self._retention.declared)
        return replace(written, last_write=past_states.last_write(written, digest, changed))
