"""Profiles in a DynamoDB table, by reads, updates and transactions: what the role allows."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from service.aws.errors import required, translated
from service.domain.errors import AccountClosed, ProfileChanged, ServiceError, UpstreamUnavailable
from service.domain.profiles import Fields, Profile, merged, until_unchanged
from service.domain.timestamps import Clock, timestamp
from service.observability.metrics.catalogue import Metrics
from service.observability.upstream_calls import DYNAMODB, UpstreamTelemetry
from service.profile_store import expressions, items
from service.profile_store import tombstones as marks
from service.profile_store.batch_reader import BatchReader
from service.profile_store.errors import (
    AMBIGUOUS_ERRORS,
    DYNAMODB_ERRORS,
    is_certain,
    item_that_failed_it,
    may_still_apply,
)
from service.profile_store.queries import TableReads
from service.profile_store.sort_key_cache import SortKeyCache
from service.profile_store.write_ids import new_write_id, with_newest

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import TransactWriteItemTypeDef

    from service.aws.dynamodb.client import DynamoDBClient
    from service.config.settings import DynamoDBConfig
    from service.profile_store.items import Item

TICK = timedelta(milliseconds=1)  # the resolution of a sort key
MAX_WRITES = 100  # of one transaction: TransactWriteItemList in DynamoDB's service model


class DynamoDBProfileStore:
    """
    The ProfileStore port on DynamoDB; the *client* is open and stays its opener's.

    A user's first write of all is a transaction that Puts the claim and the profile. The claim stays as
    long as the profile lives, so no process, however late, creates another one beside it.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        config: DynamoDBConfig,
        clock: Clock,
        calls: UpstreamTelemetry | None = None,
    ) -> None:
        self._client = client
        self._table = config.user_profile_table
        self._consistent_read = config.consistent_read
        self._clock = clock
        self._reads = TableReads(client, table=self._table, consistent_read=self._consistent_read)
        self._places = SortKeyCache(config.sort_key_cache_size)
        self._read = self._reads.by_key
        if config.batched_reads:
            calls = calls or UpstreamTelemetry(Metrics())
            gathered = BatchReader(
                self._reads.by_keys,
                most=config.batched_reads,
                observe=calls.metrics.observe_gathered,
            )
            self._read = calls.traced(DYNAMODB, "gathered_read", gathered.read)

    async def check(self) -> None:
        """Make one cheap call, which proves that the table can be reached and read."""
        await self._reads.check()

    async def find(self, user_id: str) -> Profile | None:
        """Return the live profile, or None, by the configured consistency."""
        created_at = self._places.get(user_id)
        if created_at is not None:
            item = await self._read((user_id, created_at))
            # `createdAt` never changes and one profile lives at most: live there, it is the one.
            if item is not None and items.is_live(item):
                return items.profile_of(item)
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
        now = self._clock()
        try:
            return await self._create(user_id, timestamp(now), fields, claim=None)
        except ProfileChanged:
            present = await self._items(user_id, consistent=True)
        claim = items.claim(present)
        if claim is not None and marks.is_closed(claim, now):
            raise AccountClosed
        if items.live_item(present) is not None:
            raise ProfileChanged
        return await self._create(user_id, _free_moment(now, present), fields, claim=claim)

    async def update(self, seen: Profile, changes: Fields) -> Profile:
        """Set the fields in *changes*, remove those that are None there, leave all others."""
        now = self._clock()
        write_id = new_write_id()
        written = replace(
            seen,
            updated_at=timestamp(now),
            version=seen.version + 1,
            fields=merged(seen.fields, changes),
            writes=with_newest(write_id, seen.writes, written_at=seen.updated_at, now=now),
        )
        try:
            with translated(DYNAMODB_ERRORS):
                answer = await self._client.update_item(
                    TableName=self._table,
                    Key=items.key(seen.user_id, seen.created_at),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **expressions.update(
                        seen, changes, updated_at=written.updated_at, writes=written.writes
                    ),
                )
            self._places.learn(seen.user_id, seen.created_at)
            return items.profile_of(required(answer, "Attributes"))
        except AMBIGUOUS_ERRORS as failure:
            present = item_that_failed_it(failure)
            found = [present] if present else await self._found_after(failure, seen.user_id)
            if items.written_by(found, write_id):
                return items.outcome(found, written)
            if not is_certain(failure) and items.forgot_writes_on(found, seen):
                raise UpstreamUnavailable from failure  # nobody can tell any more
            if may_still_apply(failure):
                raise UpstreamUnavailable from failure  # nobody can tell yet
            raise

    async def delete(self, seen: Profile) -> None:
        """Erase the profile, and whatever other live items of the user another program left."""
        present = await self._items(seen.user_id, consistent=True)
        live = items.live_item(present)
        if live is None or not items.is_as(live, seen):
            raise ProfileChanged
        await self._erase(seen.user_id, present, closing=False)
        self._places.forget(seen.user_id)

    async def close(self, user_id: str) -> None:
        """Erase all of the user's live items, and mark the claim so that none can be created."""

        async def erase() -> None:
            present = await self._items(user_id, consistent=True)
            await self._erase(user_id, present, closing=True)

        await until_unchanged(erase)
        self._places.forget(user_id)

    async def _items(self, user_id: str, *, consistent: bool) -> list[Item]:
        """Return all items of a user, sorted by sort key, and learn from them where the profile is."""
        present = await self._reads.query_user_items(user_id, consistent=consistent)
        live = items.live_item(present)
        if live is None:
            self._places.forget(user_id)
        else:
            self._places.learn(user_id, live[items.SORT_KEY]["S"])
        return present

    async def _create(
        self, user_id: str, created_at: str, fields: Fields, *, claim: Item | None
    ) -> Profile:
        """Put the profile together with its claim, on condition that the claim is as *claim*."""
        write_id = new_write_id()
        profile = Profile(user_id, created_at, created_at, 1, fields, writes=write_id)
        held = marks.active_claim(user_id, write_id, created_at)
        writes: list[TransactWriteItemTypeDef] = [
            {"Put": expressions.put_claim(self._table, held, seen=None)}
            if claim is None
            else {"Update": expressions.take_claim(self._table, held, seen=claim)},
            {"Put": expressions.put_profile(self._table, profile)},
        ]
        created = items.outcome(await self._transact(user_id, write_id, writes), profile)
        self._places.learn(user_id, created_at)
        return created

    async def _erase(self, user_id: str, present: list[Item], *, closing: bool) -> None:
        """Put tombstones over all data among *present*, and the claim that goes with them."""
        now = self._clock()
        data, claim = items.items_with_data(present), items.claim(present)
        first, *others = _chunks(data, MAX_WRITES - 1)
        # The profile itself goes last: up to then the user still has it, and can delete it again.
        for chunk in others:
            write_id = new_write_id()
            await self._transact(user_id, write_id, self._tombstones(chunk, write_id, now))
        write_id = new_write_id()
        if closing:
            left = marks.blocked_claim(user_id, write_id, now)
        else:
            left = marks.released_claim(user_id, write_id, claim, now)
        put_claim = expressions.put_claim(self._table, left, seen=claim)
        tombstones = self._tombstones(first, write_id, now)
        await self._transact(user_id, write_id, [{"Put": put_claim}, *tombstones])

    def _tombstones(
        self, data: list[Item], write_id: str, now: datetime
    ) -> list[TransactWriteItemTypeDef]:
        put = functools.partial(expressions.put_tombstone, self._table)
        return [{"Put": put(marks.tombstone(item, write_id, now), seen=item)} for item in data]

    async def _transact(
        self, user_id: str, write_id: str, writes: list[TransactWriteItemTypeDef]
    ) -> list[Item]:
        """
        Make the *writes*, all or none of them.

        Returns the user's items where it took them to learn that the writes were made, else none.
        """
        try:
            with translated(DYNAMODB_ERRORS):
                await self._client.transact_write_items(
                    TransactItems=writes, ClientRequestToken=write_id
                )
        except AMBIGUOUS_ERRORS as failure:
            found = await self._found_after(failure, user_id)
            if items.written_by(found, write_id):
                return found
            if may_still_apply(failure):
                raise UpstreamUnavailable from failure  # nobody can tell yet
            raise
        return []

    async def _found_after(self, failure: ServiceError, user_id: str) -> list[Item]:
        """
        Return the user's items where *failure* leaves open whether the write was made, else none.

        Raises *failure* where they cannot be read either.
        """
        if is_certain(failure):
            return []
        try:
            return await self._items(user_id, consistent=True)
        except ServiceError:
            raise failure from failure.__cause__


def _free_moment(now: datetime, present: list[Item]) -> str:
    """Return the moment *now*, or the first after it at which none of the user's items stands."""
    taken = {item[items.SORT_KEY]["S"] for item in present}
    moment = now
    while timestamp(moment) in taken:
        moment += TICK
    return timestamp(moment)


def _chunks(data: list[Item], size: int) -> Iterator[list[Item]]:
    """Yield *data* in parts of at most *size*; one that is empty where there is nothing."""
    for start in range(0, max(len(data), 1), size):
        yield data[start : start + size]
