"""The ProfileStore port on DynamoDB; uses only the operations that the role allows."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cachetools import LRUCache

from service.aws.errors import required, translated
from service.aws.failure_advice import AwsResource
from service.domain.errors import AccountClosed, ProfileChanged, ServiceError, UpstreamUnavailable
from service.domain.profiles import Fields, Profile, merged, until_unchanged
from service.domain.timestamps import Clock, timestamp
from service.observability.upstream_calls import DYNAMODB, UpstreamTelemetry
from service.profile_store import expressions, items, tombstones, transactions
from service.profile_store.batch_reader import BatchReader
from service.profile_store.erasure import Erasure
from service.profile_store.errors import (
    AMBIGUOUS_ERRORS,
    DYNAMODB_ERRORS,
    conflicting_item,
    is_certain,
    may_still_apply,
)
from service.profile_store.items import StoredProfile
from service.profile_store.many_profiles import ManyProfilesReader
from service.profile_store.partitions import PartitionReads
from service.profile_store.queries import TableReads
from service.profile_store.write_ids import new_write_id, prepend_id

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import TransactWriteItemTypeDef

    from service.aws.dynamodb.client import DynamoDBClient
    from service.config.settings import DynamoDBConfig
    from service.profile_store.items import Item

TICK = timedelta(milliseconds=1)  # the resolution of a sort key


class DynamoDBProfileStore:
    """
    The ProfileStore port on an open *client*, which the caller closes.

    A profile is created by a transaction that Puts the claim and the profile. The claim stays as long
    as the profile lives, so that a delayed process cannot create a second profile.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        config: DynamoDBConfig,
        clock: Clock,
        region: str = "",
        calls: UpstreamTelemetry,
    ) -> None:
        self._client = client
        self._table = config.user_profile_table
        self._consistent_read = config.consistent_read
        self._clock = clock
        self._resource = AwsResource(DYNAMODB, region, table=self._table)
        self._reads = TableReads(
            client, table=self._table, consistent_read=self._consistent_read, region=region
        )
        self._erasure = Erasure(
            PartitionReads(client, table=self._table, resource=self._resource),
            table=self._table,
            clock=clock,
            read_items=functools.partial(self._items, consistent=True),
            transact=self._transact,
        )
        # User id -> sort key; an entry takes about 310 bytes. A profile that is not there is queried.
        self._sort_keys: LRUCache[str, str] = LRUCache(config.sort_key_cache_size)
        self._read = self._reads.by_key
        if config.batched_reads:
            batches = BatchReader(
                self._reads.by_keys,
                max_calls=config.batched_reads,
                observe=calls.metrics.observe_batch,
            )
            self._read = calls.trace(DYNAMODB, "batched_read", batches.read)
        self._many = ManyProfilesReader(
            self._reads,
            sort_key_of=self._sort_keys.get,
            cache_sort_key=self._cache_sort_key,
            find=self.find,
        )

    async def check(self) -> None:
        """Make one cheap call that proves access to the table."""
        await self._reads.check()

    async def find(self, user_id: str) -> StoredProfile | None:
        """Return the live profile, or None, with the configured consistency."""
        created_at = self._sort_keys.get(user_id)
        if created_at is not None:
            item = await self._read((user_id, created_at))
            # `createdAt` never changes and at most one profile is live: a live item is the profile.
            if item is not None and items.is_live(item):
                return items.profile_of(item)
        return items.live_profile(await self._items(user_id, consistent=self._consistent_read))

    async def find_latest(self, user_id: str) -> StoredProfile | None:
        """Return the live profile, or None, by a strongly consistent read."""
        return items.live_profile(await self._items(user_id, consistent=True))

    async def find_many(self, user_ids: Collection[str]) -> Mapping[str, StoredProfile]:
        """Return the live profiles of up to 100 users by user id, with the configured consistency."""
        return await self._many.find(user_ids)

    async def create(self, user_id: str, fields: Fields) -> StoredProfile:
        """
        Create the profile of a user for whom `find_latest` found none.

        Most users never had a profile, so the first attempt assumes that there is no claim; where
        there is one, a second attempt uses what the table holds.
        """
        now = self._clock()
        try:
            return await self._create(user_id, timestamp(now), fields, claim=None)
        except ProfileChanged:
            present = await self._items(user_id, consistent=True)
        claim = items.claim(present)
        if claim is not None and tombstones.is_blocked(claim, now):
            raise AccountClosed
        if items.live_item(present) is not None:
            raise ProfileChanged
        return await self._create(user_id, _free_sort_key(now, present), fields, claim=claim)

    async def update(self, seen: Profile, changes: Fields) -> StoredProfile:
        """Set the fields in *changes* and remove those that are None; other fields are unchanged."""
        now = self._clock()
        write_id = new_write_id()
        known_ids = seen.write_ids if isinstance(seen, StoredProfile) else ""
        written = StoredProfile(
            user_id=seen.user_id,
            created_at=seen.created_at,
            updated_at=timestamp(now),
            version=seen.version + 1,
            fields=merged(seen.fields, changes),
            write_ids=prepend_id(write_id, known_ids, written_at=seen.updated_at, now=now),
        )
        try:
            with translated(DYNAMODB_ERRORS, self._resource, "UpdateItem"):
                response = await self._client.update_item(
                    TableName=self._table,
                    Key=items.key(seen.user_id, seen.created_at),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **expressions.update(seen.version, known_ids, changes, written=written),
                )
            self._cache_sort_key(seen.user_id, seen.created_at)
            return items.profile_of(required(response, "Attributes"))
        except AMBIGUOUS_ERRORS as failure:
            present = conflicting_item(failure)
            found = [present] if present else await self._found_after(failure, seen.user_id)
            if items.has_write(found, write_id):
                return items.outcome(found, written)
            overrun = not is_certain(failure) and items.write_ids_overrun(found, seen)
            if overrun or may_still_apply(failure):  # the outcome is unknown
                raise UpstreamUnavailable from failure
            raise

    async def delete(self, seen: Profile) -> None:
        """Delete the profile, other live items of the user, and the user's other partitions."""
        await self._erasure.delete(seen)
        self._sort_keys.pop(seen.user_id, None)

    async def close(self, user_id: str) -> None:
        """Delete all data of the user and block the claim against creation."""
        await until_unchanged(functools.partial(self._erasure.close, user_id))
        self._sort_keys.pop(user_id, None)

    async def erase_remains(self, user_id: str) -> None:
        """Erase what an unfinished deletion has left in the other partitions."""
        await self._erasure.erase_remains(user_id)

    async def _items(self, user_id: str, *, consistent: bool) -> list[Item]:
        """Return all items of a user, sorted by sort key, and cache the profile's sort key."""
        present = await self._reads.query_user_items(user_id, consistent=consistent)
        live = items.live_item(present)
        if live is None:
            self._sort_keys.pop(user_id, None)
        else:
            self._cache_sort_key(user_id, live[items.SORT_KEY]["S"])
        return present

    def _cache_sort_key(self, user_id: str, created_at: str) -> None:
        if self._sort_keys.maxsize:
            self._sort_keys[user_id] = created_at

    async def _create(
        self, user_id: str, created_at: str, fields: Fields, *, claim: Item | None
    ) -> StoredProfile:
        """Put the profile and its claim, on condition that the stored claim is *claim*."""
        write_id = new_write_id()
        profile = StoredProfile(user_id, created_at, created_at, 1, fields, write_ids=write_id)
        writes = transactions.creation(self._table, profile, claim=claim)
        created = items.outcome(await self._transact(user_id, write_id, writes), profile)
        self._cache_sort_key(user_id, created_at)
        return created

    async def _transact(
        self, user_id: str, write_id: str, writes: list[TransactWriteItemTypeDef]
    ) -> list[Item]:
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
            return await self._items(user_id, consistent=True)
        except ServiceError:
            raise failure from failure.__cause__


def _free_sort_key(now: datetime, present: list[Item]) -> str:
    """Return the timestamp *now*, or the first after it that no item of the user has as sort key."""
    taken = {item[items.SORT_KEY]["S"] for item in present}
    moment = now
    while timestamp(moment) in taken:
        moment += TICK
    return timestamp(moment)
