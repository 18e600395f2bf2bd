"""The transactions that create and delete profiles."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, TypeAlias

from service.profile_store import expressions, items, partitions, tombstones
from service.profile_store.items import Item, StoredProfile
from service.profile_store.write_ids import new_write_id

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import TransactWriteItemTypeDef

    from service.profile_store.partitions import Chunk

    Writes: TypeAlias = list[TransactWriteItemTypeDef]

MAX_WRITES = 100  # of one transaction: TransactWriteItemList in DynamoDB's service model


def creation(table: str, profile: StoredProfile, *, claim: Item | None) -> Writes:
    """Return the writes of a profile and its claim, on condition that the stored claim is *claim*."""
    active = tombstones.active_claim(profile.user_id, profile.write_ids, profile.created_at)
    return [
        {"Put": expressions.put_claim(table, active, seen=None)}
        if claim is None
        else {"Update": expressions.take_claim(table, active, seen=claim)},
        {"Put": expressions.put_profile(table, profile)},
    ]


def deletion(  # noqa: PLR0913 -- what the user has, and how it is deleted
    table: str,
    user_id: str,
    present: list[Item],
    *,
    beside: list[Chunk],
    closing: bool,
    now: datetime,
) -> Iterator[tuple[str, Writes]]:
    """
    Yield the write id and the writes of each transaction that deletes all data among *present*.

    *beside* are the items of the other partitions. The last transaction includes the profile, so that
    until then the user can repeat the deletion, the claim, blocked if *closing*, otherwise released, and
    as many chunks of *beside* as it takes.
    """
    first, *others = _chunks(items.items_with_data(present), MAX_WRITES - 2)
    earlier, last = [*beside], list[Item]()
    while earlier and len(first) + len(last) + len(earlier[-1]) < MAX_WRITES:
        last += earlier.pop()
    for chunk in filter(None, earlier):
        yield new_write_id(), erasure(table, chunk, now, profile_erased=False)
    for chunk in others:
        write_id = new_write_id()
        yield write_id, _put_tombstones(table, chunk, write_id, now)
    write_id, claim = new_write_id(), items.claim(present)
    if closing:
        left = tombstones.blocked_claim(user_id, write_id, now)
    else:
        left = tombstones.released_claim(user_id, write_id, claim, now)
    yield (
        write_id,
        [
            {"Put": expressions.put_claim(table, left, seen=claim)},
            *_put_tombstones(table, first, write_id, now),
            *erasure(table, last, now, profile_erased=True),
        ],
    )


def erasure(table: str, chunk: Chunk, now: datetime, *, profile_erased: bool) -> Writes:
    """Return the writes that replace items of other partitions by tombstones, whatever they hold."""
    return [
        {
            "Put": {
                "TableName": table,
                "Item": partitions.tombstone(item, now, profile_erased=profile_erased),
            }
        }
        for item in chunk
    ]


def _put_tombstones(table: str, data: list[Item], write_id: str, now: datetime) -> Writes:
    return [
        {
            "Put": expressions.put_tombstone(
                table, tombstones.tombstone(item, write_id, now), seen=item
            )
        }
        for item in data
    ]


def _chunks(data: list[Item], size: int) -> Iterator[list[Item]]:
    """Yield *data* in lists of at most *size*; one empty list where there is no data."""
    for start in range(0, max(len(data), 1), size):
        yield data[start : start + size]
