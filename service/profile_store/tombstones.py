"""
The items that remain of a deleted profile: its tombstone and its claim.

Both carry the table's TTL attribute; correctness does not depend on when DynamoDB deletes them.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from service.domain.profiles import CLOSURE_PERIOD
from service.domain.values.timestamps import timestamp
from service.profile_store import items
from service.profile_store.attribute_values import Attribute
from service.profile_store.items import Item
from service.profile_store.write_ids import prepend_id

TOMBSTONE_TTL = timedelta(days=1)  # longer than any request that was in flight at the deletion


def tombstone(item: Item, write_id: str, now: datetime) -> Item:
    """Return the tombstone of *item*; it keeps the write ids, so that repeated writes find them."""
    write_ids = prepend_id(
        write_id, items.write_ids_of(item), written_at=items.updated_at_of(item), now=now
    )
    return {
        items.PARTITION_KEY: item[items.PARTITION_KEY],
        items.SORT_KEY: item[items.SORT_KEY],
        items.VERSION: {"N": str(items.version_of(item) + 1)},
        items.WRITE_ID: {"S": write_ids},
        **deletion_marks(now),
    }


def deletion_marks(now: datetime) -> Item:
    """Return the attributes that every tombstone has beside its key."""
    return {
        items.DELETED_AT: {"S": timestamp(now)},
        items.EXPIRES_AT: ttl(now + TOMBSTONE_TTL),
    }


def active_claim(user_id: str, write_id: str, created_at: str) -> Item:
    """Return the claim of the live profile created at *created_at*; it has no TTL."""
    return _claim(user_id, write_id, {items.CLAIMED_FOR: {"S": created_at}})


def released_claim(user_id: str, write_id: str, present: Item | None, now: datetime) -> Item:
    """Return the claim after a deletion; the claim of a closed account stays blocked."""
    if present is not None and is_blocked(present, now):
        state = {name: present[name] for name in (items.CLOSED_AT, items.EXPIRES_AT)}
        return _claim(user_id, write_id, state)
    return _claim(user_id, write_id, {items.EXPIRES_AT: ttl(now + TOMBSTONE_TTL)})


def blocked_claim(user_id: str, write_id: str, now: datetime) -> Item:
    """Return the claim that blocks creation for CLOSURE_PERIOD."""
    state = {
        items.CLOSED_AT: {"S": timestamp(now)},
        items.EXPIRES_AT: ttl(now + CLOSURE_PERIOD),
    }
    return _claim(user_id, write_id, state)


def is_blocked(claim: Item, now: datetime) -> bool:
    """Return whether *claim* blocks creation; DynamoDB may delete it days after its expiry."""
    return items.CLOSED_AT in claim and items.expires_at_s(claim) > now.timestamp()


def _claim(user_id: str, write_id: str, state: Mapping[str, Attribute]) -> Item:
    key = items.key(user_id, items.CLAIM_SORT_KEY)
    return {**key, items.WRITE_ID: {"S": write_id}, **state}


def ttl(moment: datetime) -> Attribute:
    """Return the value of the TTL attribute: whole seconds since 1970."""
    return {"N": str(int(moment.timestamp()))}
