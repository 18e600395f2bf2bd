"""
What stands in the table: the items of one user, and how a profile is read out of them.

All items of a user share the partition key `userId`. A profile's sort key is the moment of its
creation. The claim stands under one fixed sort key and decides who creates the one live profile: a
condition sees only its own full key, so without it two processes could create one each.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from service.domain.profiles import Profile
from service.storage.attributes import Attribute, from_attribute

Item: TypeAlias = Mapping[str, Attribute]

PARTITION_KEY = "userId"
SORT_KEY = "createdAt"
CLAIM_SORT_KEY = "~claim"  # sorts after every timestamp

UPDATED_AT = "updatedAt"
VERSION = "version"
WRITE_ID = "writeId"  # of the last write: tells a repetition of it from somebody else's
CLAIMED_FOR = "claimedFor"  # the sort key of the profile that the claim let in
DELETED_AT = "deletedAt"  # stands on what is left of a deleted profile
EXPIRES_AT = "expiresAt"  # the table's TTL attribute, in seconds since 1970

OWN_ATTRIBUTES = frozenset(
    {PARTITION_KEY, SORT_KEY, UPDATED_AT, VERSION, WRITE_ID, DELETED_AT, EXPIRES_AT}
)


def key(user_id: str, sort_key: str) -> dict[str, Attribute]:
    """Return the full key of an item."""
    return {PARTITION_KEY: {"S": user_id}, SORT_KEY: {"S": sort_key}}


def live_item(items: Iterable[Item]) -> Item | None:
    """Return the profile's item out of a user's items, which come sorted: the earliest live one."""
    for item in items:
        if not is_claim(item) and not is_deleted(item):
            return item
    return None


def live_profile(items: Iterable[Item]) -> Profile | None:
    """Return the profile out of a user's items, which come sorted."""
    item = live_item(items)
    return None if item is None else profile_of(item)


def claim(items: Iterable[Item]) -> Item | None:
    """Return the claim out of a user's items."""
    return next(filter(is_claim, items), None)


def is_deleted(item: Item) -> bool:
    """Tell whether the item is what this service leaves of a deleted profile."""
    return "S" in item.get(DELETED_AT, {})


def is_claim(item: Item) -> bool:
    """Tell whether the item is the claim."""
    return item[SORT_KEY].get("S") == CLAIM_SORT_KEY


def profile_of(item: Item) -> Profile:
    """Return a profile item as the domain's value; one without a version has version 0."""
    created_at = item[SORT_KEY]["S"]
    return Profile(
        user_id=item[PARTITION_KEY]["S"],
        created_at=created_at,
        updated_at=item.get(UPDATED_AT, {}).get("S", created_at),
        version=version_of(item),
        fields={
            name: from_attribute(attribute)
            for name, attribute in item.items()
            if name not in OWN_ATTRIBUTES
        },
    )


def version_of(item: Item) -> int:
    """Return how often this service wrote the item; 0 where it never did."""
    text = item.get(VERSION, {}).get("N", "")
    return int(text) if WRITE_ID in item and text.isdecimal() else 0


def written_by(item: Item, write_id: str) -> bool:
    """Tell whether the item was last written by the write of that id."""
    return item.get(WRITE_ID) == {"S": write_id}
