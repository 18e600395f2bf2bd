"""
The profiles of many users by two BatchGetItem: first their claims, then the items that these name.

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
from service.profile_store import items
from service.profile_store.batch_reader import FIRST_PAUSE_S, LONGEST_PAUSE_S

if TYPE_CHECKING:
    from service.profile_store.items import Item, StoredProfile
    from service.profile_store.queries import Key, TableReads

FindProfile: TypeAlias = Callable[[str], Awaitable["StoredProfile | None"]]

MAX_SINGLE_READS: Final = 16  # in flight at a time, of all reads of many profiles together
MAX_FUTILE_CALLS: Final = 10  # in a row that processed no key: about three seconds of pauses


class ManyProfilesReader:
    """
    Reads the profiles of up to 100 users at a time.

    *sort_key_of* returns the cached sort key of a user's profile, or None; *cache_sort_key* caches it.
    *find* reads the profile of one user.
    """

    def __init__(
        self,
        reads: TableReads,
        *,
        sort_key_of: Callable[[str], str | None],
        cache_sort_key: Callable[[str, str], None],
        find: FindProfile,
    ) -> None:
        self._reads = reads
        self._sort_key_of = sort_key_of
        self._cache_sort_key = cache_sort_key
        self._find = find
        self._slots = asyncio.Semaphore(MAX_SINGLE_READS)

    async def find(self, user_ids: Collection[str]) -> dict[str, StoredProfile]:
        """Return the live profiles by user id, all of them or an error."""
        keys = {user: (user, self._sort_key_of(user) or items.CLAIM_SORT_KEY) for user in user_ids}
        found = await self._items([*keys.values()])
        profiles: dict[str, StoredProfile] = {}
        named: list[Key] = []  # by claims
        for user, key in keys.items():
            item = found.get(key)
            if item is None:
                continue
            if items.is_live(item):
                profiles[user] = items.profile_of(item)
            elif (created_at := items.claimed_for(item)) is not None:
                named.append((user, created_at))
        found = await self._items(named)
        for key in named:
            item = found.get(key)
            if item is not None and items.is_live(item):
                profiles[key[0]] = items.profile_of(item)
                self._cache_sort_key(*key)
        others = await self._found_singly([user for user in keys if user not in profiles])
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
