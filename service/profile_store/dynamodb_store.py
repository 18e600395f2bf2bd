"""The ProfileStore port on DynamoDB; uses only the operations that the role allows."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.aws.failure_advice import AwsResource
from service.domain.errors import AccountClosed, ProfileChanged
from service.domain.profiles import Fields, Latest, Profile, until_unchanged
from service.domain.values.json_values import merged
from service.domain.values.timestamps import Clock, timestamp
from service.observability.loop_lag import LoopLag
from service.observability.upstream_calls import DYNAMODB, UpstreamTelemetry
from service.profile_store import items, tombstones, transactions
from service.profile_store.batch_reader import BatchReader
from service.profile_store.claimed_profiles import ColdReader, ManyProfilesReader
from service.profile_store.erasure import Erasure
from service.profile_store.history_queries import HistoryQueries
from service.profile_store.history_reader import DynamoDBProfileHistory
from service.profile_store.history_writer import HistoryWriter
from service.profile_store.items import LatestItems, StoredProfile
from service.profile_store.own_data.activity_head import ActivityRefusal
from service.profile_store.partitions import PartitionReads
from service.profile_store.queries import TableReads
from service.profile_store.sort_key_cache import SortKeyCache
from service.profile_store.write_ids import new_write_id, prepend_id
from service.profile_store.writes import TableWrites

if TYPE_CHECKING:
    from service.aws.dynamodb.client import DynamoDBClient
    from service.config.settings import DynamoDBConfig
    from service.profile_store.items import Item
    from service.profile_store.past_states import Retention

TICK = timedelta(milliseconds=1)  # the resolution of a sort key


class DynamoDBProfileStore:
    """
    The ProfileStore port on an open *client*, which the caller closes.

    With *retention*, the states that updates replace are kept in the history. *lag* is that of the loop.

    A profile is created by a transaction that Puts the claim and the profile. The claim stays as long
    as the profile lives, so that a delayed process cannot create a second profile.
    """

    def __init__(  # noqa: PLR0913 -- what the store is made of
        self,
        client: DynamoDBClient,
        *,
        config: DynamoDBConfig,
        clock: Clock,
        region: str = "",
        calls: UpstreamTelemetry,
        retention: Retention | None = None,
        lag: LoopLag | None = None,
    ) -> None:
        self._table = config.user_profile_table
        self._consistent_read = config.consistent_read
        self._clock = clock
        self._reads = TableReads(
            client, table=self._table, consistent_read=self._consistent_read, region=region
        )
        resource = AwsResource(DYNAMODB, region, table=self._table)
        self.history: DynamoDBProfileHistory | None = None  # of past states, None without retention
        self._history: HistoryWriter | None = None
        if retention is not None:
            queries = HistoryQueries(
                client, table=self._table, resource=resource, retention=retention, clock=clock
            )
            self.history = DynamoDBProfileHistory(queries)
            self._history = HistoryWriter(
                client, table=self._table, resource=resource, retention=retention, queries=queries
            )
        read_items = functools.partial(self._items, consistent=True)
        self._writes = TableWrites(
            client, table=self._table, resource=resource, read_items=read_items
        )
        self._erasure = Erasure(
            self._writes,
            PartitionReads(client, table=self._table, resource=resource),
            table=self._table,
            clock=clock,
            read_items=read_items,
            history=self._history,
            activity=ActivityRefusal(client, self._table, resource),
        )
        # A profile whose sort key is not here is queried.
        self._sort_keys = SortKeyCache(config.sort_key_cache_size)
        self._read = self._reads.by_key
        self._cold: ColdReader | None = None
        if config.batched_reads:
            lag = lag or LoopLag()
            batches = BatchReader(
                self._reads.by_keys,
                max_calls=config.batched_reads,
                observe=calls.metrics.observe_batch,
                lag=lag,
            )
            self._read = calls.trace(DYNAMODB, "batched_read", batches.read)
            if config.sort_key_cache_size:
                query = functools.partial(self._items, consistent=self._consistent_read)
                self._cold = ColdReader(
                    self._read, query, lag=lag, cache_sort_key=self._sort_keys.put
                )
        self._many = ManyProfilesReader(
            self._reads,
            sort_key_of=self._sort_keys.get,
            cache_sort_key=self._sort_keys.put,
            find=self._query_profile,
        )

    async def check(self) -> None:
        """Make one cheap call that proves access to the table."""
        await self._reads.check()

    async def find(self, user_id: str) -> StoredProfile | None:
        """Return the live profile, or None, with the configured consistency."""
        created_at = self._sort_keys.get(user_id)
        if created_at is None and self._cold is not None:
            return await self._cold.find(user_id)
        profile = None if created_at is None else await self._by_key(user_id, created_at)
        return profile or await self._query_profile(user_id)

    async def find_latest(self, user_id: str) -> StoredProfile | None:
        """Return the live profile, or None, by a strongly consistent read."""
        return items.live_profile(await self._items(user_id, consistent=True))

    async def read_latest(self, user_id: str) -> LatestItems:
        """Return the live profile, or None, with all items of the user, by a strongly consistent read."""
        present = await self._items(user_id, consistent=True)
        return LatestItems(items.live_profile(present), present)

    async def read_for_update(self, user_id: str) -> Latest:
        """Return the profile at its cached sort key, by a shared call, or what `read_latest` returns."""
        # A shared call has the configured consistency.
        created_at = self._sort_keys.get(user_id) if self._consistent_read else None
        profile = None if created_at is None else await self._by_key(user_id, created_at)
        return await self.read_latest(user_id) if profile is None else Latest(profile)

    async def find_many(self, user_ids: Collection[str]) -> Mapping[str, StoredProfile]:
        """Return the live profiles of up to 100 users by user id, with the configured consistency."""
        return await self._many.find(user_ids)

    async def create(
        self, user_id: str, fields: Fields, latest: Latest | None = None
    ) -> StoredProfile:
        """
        Create the profile of a user for whom *latest*, or `find_latest`, found none.

        Most users never had a profile, so without *latest* the first attempt assumes that there is no
        claim. Where another one is stored, a second attempt uses what the table holds.
        """
        now = self._clock()
        try:
            return await self._create(user_id, now, fields, present=_items_of(latest))
        except ProfileChanged:
            present = await self._items(user_id, consistent=True)
        return await self._create(user_id, now, fields, present=present)

    async def update(self, seen: Profile, changes: Fields) -> StoredProfile:
        """Set the fields in *changes* and remove those that are None; other fields are unchanged."""
        now = self._clock()
        known_ids = items.known_write_ids(seen)
        written = StoredProfile(
            user_id=seen.user_id,
            created_at=seen.created_at,
            updated_at=timestamp(now),
            version=seen.version + 1,
            fields=merged(seen.fields, changes),
            write_ids=prepend_id(new_write_id(), known_ids, written_at=seen.updated_at, now=now),
        )
        if self._history is None:
            updated = await self._writes.update(seen, changes, written)
        else:
            async with self._history.recorded(seen, changes, written, now) as recorded:
                updated = await self._writes.update(seen, changes, recorded)
        self._sort_keys.put(seen.user_id, seen.created_at)
        return updated

    async def delete(self, seen: Profile, latest: Latest | None = None) -> None:
        """Delete the profile, other live items of the user, and the user's other partitions."""
        await self._erasure.delete(seen, _items_of(latest))
        self._sort_keys.discard(seen.user_id)

    async def close(self, user_id: str) -> None:
        """Delete all data of the user and block the claim against creation."""
        await until_unchanged(functools.partial(self._erasure.close, user_id))
        self._sort_keys.discard(user_id)

    async def erase_remains(self, user_id: str) -> None:
        """Erase what an unfinished deletion has left in the other partitions."""
        await self._erasure.erase_remains(user_id)

    async def _items(self, user_id: str, *, consistent: bool) -> list[Item]:
        """Return all items of a user, sorted by sort key, and cache the profile's sort key."""
        present = await self._reads.query_user_items(user_id, consistent=consistent)
        live = items.live_item(present)
        if live is None:
            self._sort_keys.discard(user_id)
        else:
            self._sort_keys.put(user_id, live[items.SORT_KEY]["S"])
        return present

    async def _by_key(self, user_id: str, created_at: str) -> StoredProfile | None:
        """Return the profile at a cached sort key, or None where that is outdated."""
        item = await self._read((user_id, created_at))
        # `createdAt` never changes and at most one profile is live: a live item is the profile.
        # The sort key of a claim is never cached.
        return None if item is None or items.is_deleted(item) else items.profile_of(item)

    async def _query_profile(self, user_id: str) -> StoredProfile | None:
        return items.live_profile(await self._items(user_id, consistent=self._consistent_read))

    async def _create(
        self, user_id: str, now: datetime, fields: Fields, *, present: list[Item]
    ) -> StoredProfile:
        """Put the profile and its claim, on condition that the stored claim is that among *present*."""
        claim = items.claim(present)
        if claim is not None and tombstones.is_blocked(claim, now):
            raise AccountClosed
        if items.live_item(present) is not None:
            raise ProfileChanged
        created_at, write_id = _free_sort_key(now, present), new_write_id()
        profile = StoredProfile(user_id, created_at, created_at, 1, fields, write_ids=write_id)
        if self._history is not None:
            profile = self._history.created(profile)
        writes = transactions.creation(self._table, profile, claim=claim)
        created = items.outcome(await self._writes.transact(user_id, write_id, writes), profile)
        self._sort_keys.put(user_id, created_at)
        return created


def _items_of(latest: Latest | None) -> list[Item]:
    """Return the items of the user in *latest*; none where it is not known."""
    return latest.items if isinstance(latest, LatestItems) else []


def _free_sort_key(now: datetime, present: list[Item]) -> str:
    """Return the timestamp *now*, or the first after it that no item of the user has as sort key."""
    taken = {item[items.SORT_KEY]["S"] for item in present}
    moment = now
    while timestamp(moment) in taken:
        moment += TICK
    return timestamp(moment)
