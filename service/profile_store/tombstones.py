"""
What is left of a profile: its tombstone, and the claim that nothing holds any more.

Both carry the table's TTL, and nothing depends on when DynamoDB purges them, or whether it has.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from service.domain.profiles import CLOSED_FOR
from service.domain.timestamps import timestamp
from service.profile_store import items
from service.profile_store.attribute_values import Attribute
from service.profile_store.items import Item
from service.profile_store.write_ids import with_newest

ERASED_FOR = timedelta(days=1)  # requests that were under way at the time meet what they expect


def tombstone(item: Item, write_id: str, now: datetime) -> Item:
    """Return what is put in place of *item*; the ids of its writes stay, so that they are recognised."""
    writes = with_newest(
        write_id, items.writes_of(item), written_at=items.updated_at_of(item), now=now
    )
    return {
        items.PARTITION_KEY: item[items.PARTITION_KEY],
        items.SORT_KEY: item[items.SORT_KEY],
        items.VERSION: {"N": str(items.version_of(item) + 1)},
        items.WRITE_ID: {"S": writes},
        items.DELETED_AT: {"S": timestamp(now)},
        items.EXPIRES_AT: _moment(now + ERASED_FOR),
    }


def active_claim(user_id: str, write_id: str, created_at: str) -> Item:
    """Return the claim on the profile created at *created_at*: it stays as long as the profile."""
    return _claim(user_id, write_id, {items.CLAIMED_FOR: {"S": created_at}})


def released_claim(user_id: str, write_id: str, present: Item | None, now: datetime) -> Item:
    """Return the claim of a user whose profile is erased; a closed account stays closed."""
    if present is not None and is_closed(present, now):
        return _claim(
            user_id,
            write_id,
            {name: present[name] for name in (items.CLOSED_AT, items.EXPIRES_AT)},
        )
    return _claim(user_id, write_id, {items.EXPIRES_AT: _moment(now + ERASED_FOR)})


def blocked_claim(user_id: str, write_id: str, now: datetime) -> Item:
    """Return the claim that lets no profile be created."""
    mark = {
        items.CLOSED_AT: {"S": timestamp(now)},
        items.EXPIRES_AT: _moment(now + CLOSED_FOR),
    }
    return _claim(user_id, write_id, mark)


def is_closed(claim: Item, now: datetime) -> bool:
    """Tell whether *claim* lets no profile be created; DynamoDB purges it days after that is over."""
    expires_at = claim.get(items.EXPIRES_AT, {}).get("N", "0")
    return items.CLOSED_AT in claim and float(expires_at) > now.timestamp()


def _claim(user_id: str, write_id: str, state: Mapping[str, Attribute]) -> Item:
    key = items.key(user_id, items.CLAIM_SORT_KEY)
    return {**key, items.WRITE_ID: {"S": write_id}, **state}


def _moment(moment: datetime) -> Attribute:
    """Return a moment as DynamoDB's TTL takes it: whole seconds since 1970."""
    return {"N": str(int(moment.timestamp()))}
