"""
Reads of profiles by their claims: first the claims, then the items that these name.

A claim has a fixed sort key and holds the sort key of its profile, so the claims serve as an index. Only
a live item at that key is taken for the profile; the profile of any other user is read singly, by Query:
docs/decisions/0016-batched-reads.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from service.aws.errors import RETRY_AFTER_S
from service.domain.errors import UpstreamUnavailable
from service.domain.values.backoff import pause_s
from service.observability.loop_lag import SMOOTHING
from service.profile_store import items
from service.profile_store.batch_reader import FIRST_PAUSE_S, LONGEST_PAUSE_S

if TYPE_CHECKING:
    from service.observability.loop_lag import LoopLag
    from service.profile_store.items import Item, StoredProfile
    from service.profile_store.queries import Key, TableReads

CacheSortKey: TypeAlias = Callable[[str, str], None]  # of a user id
FindProfile: TypeAlias = Callable[[str], Awaitable["StoredProfile | None"]]
QueryItems: TypeAlias = Callable[[str], Awaitable["list[Item]"]]
ReadItem: TypeAlias = Callable[["Key"], Awaitable["Item | None"]]
ReadItems: TypeAlias = Callable[[Sequence["Key"]], Awaitable["Mapping[Key, Item]"]]

MAX_SINGLE_READS: Final = 16  # in flight at a time, of all reads of many profiles together
MAX_FUTILE_CALLS: Final = 10  # in a row that processed no key: about three seconds of pauses
MIN_CLAIMED: Final = 0.5  # of the users: a claim read in vain costs far less than another one saves


async def live_profiles(read: ReadItems, keys: Sequence[Key]) -> dict[str, StoredProfile]:
    """
    Return the live profiles at *keys* by user id, by one or two reads.

    The key of a claim stands for that of the profile which it names.
    """
    found = await read(keys)
    profiles: dict[str, StoredProfile] = {}
    named: list[Key] = []
    for key in keys:
        item = found.get(key)
        if item is None:
            continue
        user_id, sort_key = key
        if sort_key != items.CLAIM_SORT_KEY:
            if not items.is_deleted(item):
                profiles[user_id] = items.profile_of(item)
        elif (created_at := items.claimed_for(item)) is not None:
            named.append((user_id, created_at))
    return profiles | await live_profiles(read, named) if named else profiles


class ColdReader:
    """
    Reads the profiles of users whose sort key is not cached, and caches it by *cache_sort_key*.

    *read* reads an item in a call that it shares with others, *query* returns all items of a user. While
    the loop is behind, a profile is read by its claim: two shared calls cost less CPU than a Query.
    Otherwise a Query is a round trip less. Where claims are missing, as in a table older than this
    service, profiles are read by Query alone until the Queries find claims again.
    """

    def __init__(
        self, read: ReadItem, query: QueryItems, *, lag: LoopLag, cache_sort_key: CacheSortKey
    ) -> None:
        self._read = read
        self._query = query
        self._lag = lag
        self._cache_sort_key = cache_sort_key
        self._claimed = 1.0  # the average share of the users whose claim names the profile

    async def find(self, user_id: str) -> StoredProfile | None:
        """Return the live profile, or None."""
        self._lag.sample()
        if self._lag.is_behind and self._claimed > MIN_CLAIMED:
            found = await live_profiles(self._item_at, [(user_id, items.CLAIM_SORT_KEY)])
            if user_id in found:
                self._count(is_claimed=True)
                self._cache_sort_key(user_id, found[user_id].created_at)
                return found[user_id]
        present = await self._query(user_id)
        profile = items.live_profile(present)
        named = map(items.claimed_for, present)
        self._count(is_claimed=profile is not None and profile.created_at in named)
        return profile

    async def _item_at(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        (key,) = keys
        item = await self._read(key)
        return {} if item is None else {key: item}

    def _count(self, *, is_claimed: bool) -> None:
        self._claimed += SMOOTHING * (is_claimed - self._claimed)


class ManyProfilesReader:
    """
    Reads the profiles of up to 100 users at a time.

    *sort_key_of* returns the cached sort key of a user's profile, or None; *cache_sort_key* caches it.
    *find* reads the profile of one user by Query.
    """

    def __init__(
        self,
        reads: TableReads,
        *,
        sort_key_of: Callable[[str], str | None],
        cache_sort_key: CacheSortKey,
        find: FindProfile,
    ) -> None:
        self._reads = reads
        self._sort_key_of = sort_key_of
        self._cache_sort_key = cache_sort_key
        self._find = find
        self._slots = asyncio.Semaphore(MAX_SINGLE_READS)

    async def find(self, user_ids: Collection[str]) -> dict[str, StoredProfile]:
        """Return the live profiles by user id, all of them or an error."""
        keys = [(user, self._sort_key_of(user) or items.CLAIM_SORT_KEY) for user in user_ids]
        profiles = await live_profiles(self._items, keys)
        for user, sort_key in keys:
            if sort_key == items.CLAIM_SORT_KEY and user in profiles:
                self._cache_sort_key(user, profiles[user].created_at)
        others = await self._found_singly([user for user in user_ids if user not in profiles])
        return profiles | {profile.user_id: profile for profile in others if profile is not None}

    async def _items(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        """Return the items at up to 100 *keys*; raises UpstreamUnavailable if keys stay unprocessed."""
        found: dict[Key, Item] = {}
        left, futile_calls = keys, 0
        while left:
            result = await self._reads.by_keys(left)
            found.update(result.found)
            unprocessed = [key for key in left if key in result.unprocessed]
            futile_calls = futile_calls + 1 if len(unprocessed) == len(left) else 0
            if futile_calls == MAX_FUTILE_CALLS:
                raise UpstreamUnavailable(retry_after_s=RETRY_AFTER_S)
            left = unprocessed
            if left:
                await asyncio.sleep(
                    pause_s(futile_calls, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)
                )
        return found

    async def _found_singly(self, user_ids: Sequence[str]) -> list[StoredProfile | None]:
        """Return the profiles by single reads; the first error cancels the others."""

        async def find(user_id: str) -> StoredProfile | None:
            async with self._slots:
                return await self._find(user_id)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(find(user_id)) for user_id in user_ids]
        except ExceptionGroup as failures:
            first = failures.exceptions[0]
            raise first from first.__cause__
        return [task.result() for task in tasks]
