"""The writes as DynamoDB takes them: each condition is a named clause with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from service.domain.profiles import Fields, Profile
from service.profile_store import items
from service.profile_store.attribute_values import Attribute, to_attribute
from service.profile_store.items import Item

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import PutTypeDef, UpdateTypeDef


class _Names:
    """Placeholders for attribute names: many are reserved words of DynamoDB (`region`, `name`, ...)."""

    def __init__(self) -> None:
        self.placeholders: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        return self.placeholders.setdefault(name, f"#n{len(self.placeholders)}")

    def argument(self) -> dict[str, str]:
        return {placeholder: name for name, placeholder in self.placeholders.items()}


class _Values:
    """Placeholders for attribute values."""

    def __init__(self) -> None:
        self.argument: dict[str, Attribute] = {}

    def __call__(self, value: Attribute) -> str:
        placeholder = f":v{len(self.argument)}"
        self.argument[placeholder] = value
        return placeholder


def put_claim(table: str, claim: Item, *, seen: Item | None) -> PutTypeDef:
    """Return the Put of the *claim*, on condition that nobody wrote another one than *seen*."""
    names, values = _Names(), _Values()
    condition = _written_by_nobody_else(seen, names, values)
    return _put(table, claim, condition, names, values)


def take_claim(table: str, claim: Item, *, seen: Item) -> UpdateTypeDef:
    """
    Return the Update that makes the claim *seen* this one, on the condition of `put_claim`.

    Unlike a Put it leaves what another program keeps under the claim's key.
    """
    names, values = _Names(), _Values()
    condition = _written_by_nobody_else(seen, names, values)
    state = sorted(items.CLAIM_ATTRIBUTES - {items.PARTITION_KEY, items.SORT_KEY})
    new = {name: claim[name] for name in state if name in claim}
    old = [name for name in state if name not in claim]
    return {
        "TableName": table,
        "Key": {name: claim[name] for name in (items.PARTITION_KEY, items.SORT_KEY)},
        "UpdateExpression": _changed(new, old, names, values),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names.argument(),
        "ExpressionAttributeValues": values.argument,
    }


def put_profile(table: str, profile: Profile) -> PutTypeDef:
    """Return the Put of a new profile."""
    names, values = _Names(), _Values()
    # What is left of a deleted profile may stand at this very millisecond.
    unused_key = f"attribute_not_exists({names(items.PARTITION_KEY)})"
    item = {
        **{name: to_attribute(value) for name, value in profile.fields.items()},
        **items.key(profile.user_id, profile.created_at),
        items.UPDATED_AT: {"S": profile.updated_at},
        items.VERSION: {"N": str(profile.version)},
        items.WRITE_ID: {"S": profile.writes},
    }
    return _put(table, item, unused_key, names, values)


def put_tombstone(table: str, tombstone: Item, *, seen: Item) -> PutTypeDef:
    """
    Return the Put of the *tombstone* over an item, on condition that this is as *seen*.

    A Put leaves nothing of what stood there, attributes included that another program added since.
    """
    names, values = _Names(), _Values()
    if items.is_deleted(seen):
        # It may be gone since, or live again.
        condition = f"{names(items.DELETED_AT)} = {values(seen[items.DELETED_AT])}"
    else:
        condition = _is_still(items.version_of(seen), items.writes_of(seen), names, values)
    return _put(table, tombstone, condition, names, values)


def update(seen: Profile, changes: Fields, *, updated_at: str, writes: str) -> dict[str, Any]:
    """Return what UpdateItem needs to apply *changes* to the profile as *seen*."""
    names, values = _Names(), _Values()
    condition = _is_still(seen.version, seen.writes, names, values)
    new = {
        **{name: to_attribute(value) for name, value in changes.items() if value is not None},
        items.UPDATED_AT: {"S": updated_at},
        items.VERSION: {"N": str(seen.version + 1)},
        items.WRITE_ID: {"S": writes},
    }
    removed = [name for name, value in changes.items() if value is None]
    return {
        "UpdateExpression": _changed(new, removed, names, values),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names.argument(),
        "ExpressionAttributeValues": values.argument,
    }


def _is_still(version: int, writes: str, names: _Names, values: _Values) -> str:
    """Return the condition that a profile lives and is the one of the *version* and the *writes*."""
    # UpdateItem, and Put, would make an item where there is none.
    exists = f"attribute_exists({names(items.PARTITION_KEY)})"
    alive = f"NOT attribute_type({names(items.DELETED_AT)}, {values({'S': 'S'})})"
    if version:
        unchanged = f"{names(items.VERSION)} = {values({'N': str(version)})}"
    elif writes:
        # Another program has spoilt our `version`; the ids of our writes change with each as well.
        unchanged = f"{names(items.WRITE_ID)} = {values({'S': writes})}"
    else:
        # Whatever another program means by its `version`: only our writes leave their ids, as text.
        unchanged = f"NOT attribute_type({names(items.WRITE_ID)}, {values({'S': 'S'})})"
    return f"{exists} AND {alive} AND {unchanged}"


def _written_by_nobody_else(seen: Item | None, names: _Names, values: _Values) -> str:
    """Return the condition that nobody wrote another claim than *seen*."""
    # One that was seen may be gone since: DynamoDB purges it, and only where no profile lives.
    gone = f"attribute_not_exists({names(items.PARTITION_KEY)})"
    if seen is None:
        return gone
    if items.WRITE_ID in seen:
        return f"{gone} OR {names(items.WRITE_ID)} = {values(seen[items.WRITE_ID])}"
    return f"{gone} OR attribute_not_exists({names(items.WRITE_ID)})"


def _put(table: str, item: Item, condition: str, names: _Names, values: _Values) -> PutTypeDef:
    put: PutTypeDef = {
        "TableName": table,
        "Item": item,
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names.argument(),
    }
    if values.argument:  # DynamoDB refuses an empty one
        put["ExpressionAttributeValues"] = values.argument
    return put


def _changed(new: Item, removed: Iterable[str], names: _Names, values: _Values) -> str:
    expression = "SET " + _listed(f"{names(name)} = {values(value)}" for name, value in new.items())
    listed = _listed(map(names, removed))
    return f"{expression} REMOVE {listed}" if listed else expression


def _listed(clauses: Iterable[str]) -> str:
    return ", ".join(clauses)
