"""The erasure of a user's data: the profile, and the items of the other partitions."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from service.domain.errors import ProfileChanged
from service.domain.profiles import CLOSURE_PERIOD, Profile, until_unchanged
from service.domain.values.timestamps import Clock
from service.profile_store import items, transactions
from service.profile_store.partitions import CHUNK_SIZE
from service.profile_store.write_ids import new_write_id

if TYPE_CHECKING:
    from service.profile_store.history_writer import HistoryWriter
    from service.profile_store.items import Item
    from service.profile_store.own_data.activity_head import ActivityRefusal
    from service.profile_store.partitions import Chunk, PartitionReads
    from service.profile_store.transactions import Writes
    from service.profile_store.writes import ReadItems, TableWrites


class Erasure:
    """
    Erases by *writes* what *partitions* finds, and the profile.

    *read_items* returns the items of the user's own partition by a strongly consistent read. All methods
    raise ProfileChanged where concurrent writes continue.

    The other partitions are erased before the profile, so that the user can repeat a deletion that did
    not end, and their last items in the transaction that deletes the profile. If that takes more than one
    transaction, they are read before the user's own partition: what belongs to another profile than the
    live one then belongs to a deleted one.
    They are read again at the end: a process that read the profile before may have put an item since.
    Events of activity, which processes keep in queues, are refused by *activity* from the beginning.
    """

    def __init__(  # noqa: PLR0913 -- what it is made of
        self,
        writes: TableWrites,
        partitions: PartitionReads,
        *,
        table: str,
        clock: Clock,
        read_items: ReadItems,
        history: HistoryWriter | None,
        activity: ActivityRefusal,
    ) -> None:
        self._partitions = partitions
        self._table = table
        self._clock = clock
        self._read_items = read_items
        self._writes = writes
        self._history = history
        self._activity = activity

    async def delete(self, seen: Profile, present: list[Item]) -> None:
        """
        Delete the profile *seen*; raises ProfileChanged where it is no longer as seen.

        *present* are the items that were read together with *seen*, if they are known.
        """
        await self._activity.refuse(seen.user_id, self._clock())
        beside = await self._partitions.items_with_data(seen.user_id)
        # One transaction fails as a whole where the profile is no longer the one that *present* has.
        if not present or len(present) + sum(map(len, beside)) > CHUNK_SIZE:
            present = await self._read_items(seen.user_id)
        live = items.live_item(present)
        if live is None or not items.is_unchanged(live, seen):
            raise ProfileChanged
        await self._delete(seen.user_id, present, beside, closing=False)
        late = await self._partitions.items_with_data(seen.user_id, profile=seen.created_at)
        await self._erase(seen.user_id, late)

    async def close(self, user_id: str) -> None:
        """Delete all data of the user and block the claim against creation."""
        await self._activity.refuse(user_id, self._clock() + CLOSURE_PERIOD)
        beside = await self._partitions.items_with_data(user_id)
        present = await self._read_items(user_id)
        await self._delete(user_id, present, beside, closing=True)
        await self._erase(user_id, await self._partitions.items_with_data(user_id))

    async def erase_remains(self, user_id: str) -> None:
        """Erase the other partitions of a user without a profile."""
        await self._activity.refuse(user_id, self._clock())
        beside = await self._partitions.items_with_data(user_id)
        if beside and items.live_item(await self._read_items(user_id)) is None:
            await self._erase(user_id, beside)

    async def _delete(
        self, user_id: str, present: list[Item], beside: list[Chunk], *, closing: bool
    ) -> None:
        profile = items.live_profile(present)
        if profile is not None and self._history is not None:
            # A process that has read the profile as it is now cannot put it after this transaction.
            key = self._history.key(profile)
            beside = [
                *([item for item in chunk if not _has_key(item, key)] for chunk in beside),
                [key],
            ]
        for write_id, writes in transactions.deletion(
            self._table, user_id, present, beside=beside, closing=closing, now=self._clock()
        ):
            await self._writes.transact(user_id, write_id, writes)

    async def _erase(self, user_id: str, beside: list[Chunk]) -> None:
        """Replace items of profiles that do not exist any more."""
        for chunk in beside:
            writes = transactions.erasure(self._table, chunk, self._clock(), profile_erased=True)
            await until_unchanged(functools.partial(self._transact_once, user_id, writes))

    async def _transact_once(self, user_id: str, writes: Writes) -> None:
        await self._writes.transact(user_id, new_write_id(), writes)


def _has_key(item: Item, key: Item) -> bool:
    return all(item[name] == key[name] for name in key)
