"""
The items of the table, and the profile in them.

All items of a user share the partition key `userId`. The sort key of a profile is its time of creation.
The claim has a fixed sort key and guards creation: a condition sees only the item of its own full key, so
without the claim two processes could each create a profile.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from service.domain.profiles import Latest, Profile
from service.profile_store.attribute_values import Attribute, decimal_of, from_attribute

Item: TypeAlias = Mapping[str, Attribute]

PARTITION_KEY = "userId"
SORT_KEY = "createdAt"
CLAIM_SORT_KEY = "~claim"  # sorts after every timestamp

UPDATED_AT = "updatedAt"
VERSION = "version"
LAST_WRITE = "lastWrite"  # what the newest write changed (past_states.py); only with a history
WRITE_ID = "writeId"  # ids of the newest writes (write_ids.py)
CLAIMED_FOR = "claimedFor"  # of a claim: the sort key of its profile
CLOSED_AT = "closedAt"  # of a claim: the account is being deleted
DELETED_AT = "deletedAt"  # of a tombstone
EXPIRES_AT = "expiresAt"  # the table's TTL attribute, in seconds since 1970

TIMESTAMP_CHARACTERS = len("2026-11-23T03:14:15.926Z")
MAX_VERSION_DIGITS = 15  # a larger version was written by another application

OWN_ATTRIBUTES = frozenset(
    {PARTITION_KEY, SORT_KEY, UPDATED_AT, VERSION, WRITE_ID, LAST_WRITE, DELETED_AT, EXPIRES_AT}
)
TOMBSTONE_ATTRIBUTES = OWN_ATTRIBUTES - {UPDATED_AT, LAST_WRITE}
CLAIM_ATTRIBUTES = frozenset(
    {PARTITION_KEY, SORT_KEY, WRITE_ID, CLAIMED_FOR, CLOSED_AT, EXPIRES_AT}
)


@dataclass(slots=True)
class StoredProfile(Profile):
    """A profile with the ids of its newest writes, separated by blanks, and what the last one changed."""

    write_ids: Final[str] = field(default="", compare=False, repr=False)
    last_write: Final[Attribute | None] = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LatestItems(Latest):
    """A profile, and all items of its user that the same read returned, sorted by sort key."""

    items: list[Item] = field(compare=False, repr=False)


def key(user_id: str, sort_key: str) -> dict[str, Attribute]:
    """Return the full key of an item."""
    return {PARTITION_KEY: {"S": user_id}, SORT_KEY: {"S": sort_key}}


def is_in_partition(item: Item, partition: str) -> bool:
    """Return whether the item has that partition key, and a string as its sort key."""
    return item.get(PARTITION_KEY, {}).get("S") == partition and "S" in item.get(SORT_KEY, {})


def live_items(items: Iterable[Item]) -> list[Item]:
    """Return the live items among a user's items; other applications may have left several."""
    return [item for item in items if is_live(item)]


def live_item(items: Iterable[Item]) -> Item | None:
    """Return the item of the profile among a user's items: the first live one by sort key."""
    return next(filter(is_live, items), None)


def live_profile(items: Iterable[Item]) -> StoredProfile | None:
    """Return the profile in a user's items, which are sorted by sort key."""
    item = live_item(items)
    return None if item is None else profile_of(item)


def claim(items: Iterable[Item]) -> Item | None:
    """Return the claim among a user's items."""
    return next(filter(is_claim, items), None)


def is_live(item: Item) -> bool:
    """Return whether the item is a profile that is not deleted."""
    return not is_claim(item) and not is_deleted(item)


def items_with_data(items: Iterable[Item]) -> list[Item]:
    """Return the live profiles, then the items that other applications marked as deleted."""
    profiles = [item for item in items if not is_claim(item) and not is_tombstone(item)]
    return sorted(profiles, key=is_deleted)


def is_deleted(item: Item) -> bool:
    """Return whether the item is marked as deleted, by this service or another application."""
    return DELETED_AT in item and "S" in item[DELETED_AT]


def is_tombstone(item: Item) -> bool:
    """Return whether the item is a tombstone of this service, without other attributes."""
    return is_deleted(item) and item.keys() == TOMBSTONE_ATTRIBUTES


def is_claim(item: Item) -> bool:
    """Return whether the item is the claim."""
    return item[SORT_KEY].get("S") == CLAIM_SORT_KEY


def claimed_for(item: Item) -> str | None:
    """
    Return the sort key of the profile that a claim of this service holds.

    None for the claim of a deleted profile, and for an item of another application.
    """
    if not is_claim(item) or WRITE_ID not in item:
        return None
    sort_key: str = item.get(CLAIMED_FOR, {}).get("S", "")
    return sort_key if len(sort_key) == TIMESTAMP_CHARACTERS else None


def profile_of(item: Item) -> StoredProfile:
    """Return the profile in an item; without a version it has version 0."""
    return StoredProfile(  # positional arguments take a fifth less
        item[PARTITION_KEY]["S"],
        item[SORT_KEY]["S"],
        updated_at_of(item),
        version_of(item),
        {
            # Most attributes are strings: without a call this is measurably faster.
            name: attribute["S"] if "S" in attribute else from_attribute(attribute)
            for name, attribute in item.items()
            if name not in OWN_ATTRIBUTES
        },
        write_ids_of(item),
        item.get(LAST_WRITE),
    )


def updated_at_of(item: Item) -> str:
    """Return the item's `updatedAt`, or its time of creation where that is not a string."""
    updated_at: str = item.get(UPDATED_AT, {}).get("S", item[SORT_KEY]["S"])
    return updated_at


def version_of(item: Item) -> int:
    """Return the number of writes by this service; 0 where there was none, or it is not known."""
    text = item.get(VERSION, {}).get("N", "")
    counted = WRITE_ID in item and text.isdecimal() and len(text) <= MAX_VERSION_DIGITS
    return int(text) if counted else 0


def is_unchanged(item: Item, seen: Profile) -> bool:
    """Return whether the item is the profile *seen*, at the same version."""
    return item[SORT_KEY]["S"] == seen.created_at and version_of(item) == seen.version


def expires_at_s(item: Item, *, default: float = 0.0) -> float:
    """Return the item's TTL attribute, seconds since 1970; *default* where it has none."""
    text = item.get(EXPIRES_AT, {}).get("N")
    return default if text is None else float(decimal_of(text))


def write_ids_of(item: Item) -> str:
    """Return the ids of the item's newest writes, separated by blanks."""
    write_ids: str = item.get(WRITE_ID, {}).get("S", "")
    return write_ids


def known_write_ids(seen: Profile) -> str:
    """Return the ids of the newest writes of a profile as it was read."""
    return seen.write_ids if isinstance(seen, StoredProfile) else ""


def has_write(items: Iterable[Item], write_id: str) -> bool:
    """Return whether the write is among the newest of one of the items."""
    return any(write_id in write_ids_of(item).split() for item in items)


def write_ids_overrun(items: Iterable[Item], seen: Profile) -> bool:
    """Return whether more writes followed *seen* than the ids reach back."""
    return any(
        version_of(item) - seen.version > len(write_ids_of(item).split())
        for item in items
        if item[SORT_KEY]["S"] == seen.created_at
    )


def outcome(items: Iterable[Item], written: StoredProfile) -> StoredProfile:
    """Return the current state of the profile *written*; *written* itself where it was deleted."""
    for item in items:
        if item[SORT_KEY]["S"] == written.created_at and not is_deleted(item):
            return profile_of(item)
    return written
