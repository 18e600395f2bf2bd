"""
The items of a user's history partition: past states of profiles.

The sort key is the version and a digest of the profile's time of creation and its fields, so a state has
one key whoever stores it, and states that other applications made under one version have different ones.
"""

import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Final

from service.domain.profiles import Fields, Profile
from service.domain.values.json_values import JsonValue
from service.domain.values.timestamps import timestamp
from service.profile_store import items, partitions
from service.profile_store.attribute_values import Attribute, from_attribute, to_attribute
from service.profile_store.items import Item, StoredProfile
from service.profile_store.partitions import PROFILE_CREATED_AT
from service.profile_store.tombstones import ttl

BEGINS: Final = "from"
ENDS: Final = "until"
CHANGED: Final = "changed"
OTHER_APPLICATION: Final = "otherApplication"
FIELDS: Final = "fields"  # absent where they are too large, or not valid Unicode
STATE: Final = "state"  # of `lastWrite`: the sort key of the state that the write made
DIGEST_BYTES: Final = 6  # eight characters

_SORT_KEY: Final = re.compile(r"v(\d{15})#([\w-]{8})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Retention:
    """What the history keeps of a profile: its *declared* fields, for *period* after they changed."""

    declared: Collection[str]
    period: timedelta


@dataclass(frozen=True, slots=True)
class PastState:
    """
    An item of the history: what `PastVersion` describes, and the digest of the state.

    *fields* is None where they were not read or not stored.
    """

    version: int
    digest: str
    begins: str
    ends: str
    changed: tuple[str, ...] | None
    by_other_application: bool
    fields: Fields | None


@dataclass(frozen=True, slots=True)
class LastWrite:
    """What the newest write of a profile made: a version, the digest of its state, the changed fields."""

    version: int
    digest: str
    changed: tuple[str, ...]


def partition_of(profile: Profile) -> str:
    """Return the partition key of the history of the profile's user."""
    return partitions.partition_key(profile.user_id, partitions.HISTORY)


def sort_key(version: int, digest: str) -> str:
    """Return the sort key of a state."""
    return f"v{version:015d}#{digest}"


def digest_of(profile: Profile, declared: Collection[str]) -> str:
    """Return the digest of a profile, of its *declared* fields alone: those of others are not kept."""
    state = {name: _as_read(value) for name, value in kept(profile.fields, declared).items()}
    text = json.dumps([profile.created_at, state], sort_keys=True, default=str)
    return urlsafe_b64encode(blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()).decode()


def kept(fields: Fields, declared: Collection[str]) -> dict[str, JsonValue]:
    """Return the fields that the history keeps."""
    return {name: value for name in declared if (value := fields.get(name)) is not None}


def is_unicode(fields: Fields) -> bool:
    """Return whether all texts can be stored; another application may have stored lone surrogates."""
    try:
        json.dumps(fields, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        return False
    return True


def last_write(written: Profile, digest: str, changed: Collection[str]) -> Attribute:
    """Return the attribute of a profile from which `last_write_of` reads a LastWrite."""
    key = sort_key(written.version, digest)
    return {"M": {STATE: {"S": key}, CHANGED: {"L": [{"S": name} for name in changed]}}}


def last_write_of(profile: Profile) -> LastWrite | None:
    """Return what the newest write made; None where it was written without a history."""
    stored = profile.last_write if isinstance(profile, StoredProfile) else None
    members = (stored or {}).get("M", {})
    key = parsed_key(members.get(STATE, {}).get("S", ""))
    changed = _names(members.get(CHANGED))
    if key is None or changed is None or key[0] != profile.version:
        return None
    return LastWrite(*key, changed)


def parsed_key(text: str) -> tuple[int, str] | None:
    """Return the version and the digest in a sort key; None for another item's."""
    match = _SORT_KEY.fullmatch(text)
    return None if match is None else (int(match[1]), match[2])


def item_of(state: PastState, profile: Profile, expires_at: datetime) -> Item:
    """Return the item of a past state of *profile*."""
    changed: Mapping[str, Attribute] = (
        {} if state.changed is None else {CHANGED: {"L": [{"S": name} for name in state.changed]}}
    )
    return {
        **items.key(partition_of(profile), sort_key(state.version, state.digest)),
        PROFILE_CREATED_AT: {"S": profile.created_at},
        BEGINS: {"S": state.begins},
        ENDS: {"S": state.ends},
        **changed,
        **({OTHER_APPLICATION: {"BOOL": True}} if state.by_other_application else {}),
        **({} if state.fields is None else {FIELDS: to_attribute({**state.fields})}),
        items.EXPIRES_AT: ttl(expires_at),
    }


def state_of(item: Item, profile: Profile) -> PastState | None:
    """Return the past state of *profile* in an item; None for a tombstone and any other item."""
    key = parsed_key(item[items.SORT_KEY].get("S", ""))
    begins, ends = item.get(BEGINS, {}).get("S"), item.get(ENDS, {}).get("S")
    is_own = item.get(PROFILE_CREATED_AT, {}).get("S") == profile.created_at
    if key is None or begins is None or ends is None or not is_own:
        return None
    fields = from_attribute(item[FIELDS]) if FIELDS in item else None
    return PastState(
        *key,
        begins,
        ends,
        changed=_names(item.get(CHANGED)),
        by_other_application=OTHER_APPLICATION in item,
        fields=fields if isinstance(fields, dict) else None,
    )


def has_expired(item: Item, now: datetime, retention: timedelta) -> bool:
    """Return whether the item has expired by its own time or by *retention*, which may be shorter now."""
    ends = item.get(ENDS, {}).get("S", "")
    return items.expires_at_s(item) <= now.timestamp() or ends <= timestamp(now - retention)


def _names(attribute: Attribute | None) -> tuple[str, ...] | None:
    """Return a list of strings; None where the attribute is something else."""
    if attribute is None or "L" not in attribute:
        return None
    return tuple(entry["S"] for entry in attribute["L"] if "S" in entry)


def _as_read(value: JsonValue) -> JsonValue:
    """Return a value as DynamoDB returns it: it normalizes numbers."""
    return from_attribute(to_attribute(value))
