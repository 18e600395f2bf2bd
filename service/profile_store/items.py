"""
What stands in the table: the items of one user, and how a profile is read out of them.

All items of a user share the partition key `userId`. A profile's sort key is the moment of its
creation. The claim stands under one fixed sort key and decides who creates the one live profile: a
condition sees only its own full key, so without it two processes could create one each.
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from service.domain.profiles import Profile
from service.profile_store.attribute_values import Attribute, from_attribute

Item: TypeAlias = Mapping[str, Attribute]

PARTITION_KEY = "userId"
SORT_KEY = "createdAt"
CLAIM_SORT_KEY = "~claim"  # sorts after every timestamp

UPDATED_AT = "updatedAt"
VERSION = "version"
WRITE_ID = "writeId"  # of the newest writes: tells a repetition of one from somebody else's
CLAIMED_FOR = "claimedFor"  # the sort key of the profile that the claim let in
CLOSED_AT = "closedAt"  # stands on the claim of an account that is being deleted
DELETED_AT = "deletedAt"  # stands on what is left of a deleted profile
EXPIRES_AT = "expiresAt"  # the table's TTL attribute, in seconds since 1970

MAX_VERSION_DIGITS = 15  # more are another program's: one more write a nanosecond takes eleven days

OWN_ATTRIBUTES = frozenset(
    {PARTITION_KEY, SORT_KEY, UPDATED_AT, VERSION, WRITE_ID, DELETED_AT, EXPIRES_AT}
)
TOMBSTONE_ATTRIBUTES = OWN_ATTRIBUTES - {UPDATED_AT}
CLAIM_ATTRIBUTES = frozenset(
    {PARTITION_KEY, SORT_KEY, WRITE_ID, CLAIMED_FOR, CLOSED_AT, EXPIRES_AT}
)


def key(user_id: str, sort_key: str) -> dict[str, Attribute]:
    """Return the full key of an item."""
    return {PARTITION_KEY: {"S": user_id}, SORT_KEY: {"S": sort_key}}


def live_items(items: Iterable[Item]) -> list[Item]:
    """Return the profiles out of a user's items; another program may have left several."""
    return [item for item in items if is_live(item)]


def live_item(items: Iterable[Item]) -> Item | None:
    """Return the profile's item out of a user's items, which come sorted: the earliest live one."""
    return next(iter(live_items(items)), None)


def live_profile(items: Iterable[Item]) -> Profile | None:
    """Return the profile out of a user's items, which come sorted."""
    item = live_item(items)
    return None if item is None else profile_of(item)


def claim(items: Iterable[Item]) -> Item | None:
    """Return the claim out of a user's items."""
    return next(filter(is_claim, items), None)


def is_live(item: Item) -> bool:
    """Tell whether the item is a profile that has not been deleted."""
    return not is_claim(item) and not is_deleted(item)


def items_with_data(items: Iterable[Item]) -> list[Item]:
    """Return the live profiles, then what another program marked as deleted and left all the same."""
    profiles = [item for item in items if not is_claim(item) and not is_tombstone(item)]
    return sorted(profiles, key=is_deleted)


def is_deleted(item: Item) -> bool:
    """Tell whether the item is marked as deleted, by this service or by another program."""
    return DELETED_AT in item and "S" in item[DELETED_AT]


def is_tombstone(item: Item) -> bool:
    """Tell whether the item is what this service leaves of a deleted profile, and no more."""
    return is_deleted(item) and item.keys() == TOMBSTONE_ATTRIBUTES


def is_claim(item: Item) -> bool:
    """Tell whether the item is the claim."""
    return item[SORT_KEY].get("S") == CLAIM_SORT_KEY


def profile_of(item: Item) -> Profile:
    """Return a profile item as the domain's value; one without a version has version 0."""
    created_at = item[SORT_KEY]["S"]
    return Profile(
        user_id=item[PARTITION_KEY]["S"],
        created_at=created_at,
        updated_at=updated_at_of(item),
        version=version_of(item),
        fields={
            # Most are strings, and this is run for each of them: hence no call for those.
            name: attribute["S"] if "S" in attribute else from_attribute(attribute)
            for name, attribute in item.items()
            if name not in OWN_ATTRIBUTES
        },
        writes=writes_of(item),
    )


def updated_at_of(item: Item) -> str:
    """Return when the item was last written, as far as it tells."""
    updated_at: str = item.get(UPDATED_AT, {}).get("S", item[SORT_KEY]["S"])
    return updated_at


def version_of(item: Item) -> int:
    """Return how often this service wrote the item; 0 where it never did, or where nobody can tell."""
    text = item.get(VERSION, {}).get("N", "")
    counted = WRITE_ID in item and text.isdecimal() and len(text) <= MAX_VERSION_DIGITS
    return int(text) if counted else 0


def is_as(item: Item, seen: Profile) -> bool:
    """Tell whether the item is the profile *seen*, and as it was seen."""
    return item[SORT_KEY]["S"] == seen.created_at and version_of(item) == seen.version


def writes_of(item: Item) -> str:
    """Return the ids of the item's newest writes, blanks between them."""
    writes: str = item.get(WRITE_ID, {}).get("S", "")
    return writes


def written_by(items: Iterable[Item], write_id: str) -> bool:
    """Tell whether one of the items comes of the write of that id, others on top of it or not."""
    return any(write_id in writes_of(item).split() for item in items)


def forgot_writes_on(items: Iterable[Item], seen: Profile) -> bool:
    """Tell whether more was written on top of *seen* than the ids reach back."""
    return any(
        version_of(item) - seen.version > len(writes_of(item).split())
        for item in items
        if item[SORT_KEY]["S"] == seen.created_at
    )


def outcome(items: Iterable[Item], written: Profile) -> Profile:
    """Return the profile *written* as it is now; where it was deleted since, as it was written."""
    for item in items:
        if item[SORT_KEY]["S"] == written.created_at and not is_deleted(item):
            return profile_of(item)
    return written
