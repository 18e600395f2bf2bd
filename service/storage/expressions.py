"""The writes as DynamoDB takes them: each condition is a named clause with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from service.domain.profiles import Fields, Profile
from service.storage import items
from service.storage.attributes import Attribute, to_attribute
from service.storage.items import Item

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import PutTypeDef


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
    # One that was seen may be gone since: DynamoDB purges it, and only where no profile lives.
    condition = f"attribute_not_exists({names(items.PARTITION_KEY)})"
    if seen is not None:
        condition += f" OR {_written_by_nobody_else(seen, names, values)}"
    return _put(table, claim, condition, names, values)


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
    Return the Put of the *tombstone* over the profile, on condition that this is as *seen*.

    A Put leaves nothing of what stood there, attributes included that another program added since.
    """
    names, values = _Names(), _Values()
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
    expression = "SET " + _listed(f"{names(name)} = {values(value)}" for name, value in new.items())
    if removed:
        expression += " REMOVE " + _listed(map(names, removed))
    return {
        "UpdateExpression": expression,
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


def _written_by_nobody_else(seen: Item, names: _Names, values: _Values) -> str:
    """Return the condition that an item was last written as *seen* tells."""
    if items.WRITE_ID in seen:
        return f"{names(items.WRITE_ID)} = {values(seen[items.WRITE_ID])}"
    return f"attribute_not_exists({names(items.WRITE_ID)})"


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


def _listed(clauses: Iterable[str]) -> str:
    return ", ".join(clauses)
