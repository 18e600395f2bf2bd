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


def put_claim(table: str, profile: Profile, write_id: str, *, seen: Item | None) -> PutTypeDef:
    """Return the Put of the claim on *profile*, on condition that the claim is as *seen*."""
    names, values = _Names(), _Values()
    if seen is None:
        unclaimed = f"attribute_not_exists({names(items.PARTITION_KEY)})"
    elif items.WRITE_ID in seen:
        unclaimed = f"{names(items.WRITE_ID)} = {values(seen[items.WRITE_ID])}"
    else:
        unclaimed = f"attribute_not_exists({names(items.WRITE_ID)})"
    item = {
        **items.key(profile.user_id, items.CLAIM_SORT_KEY),
        items.WRITE_ID: {"S": write_id},
        items.CLAIMED_FOR: {"S": profile.created_at},
    }
    return _put(table, item, unclaimed, names, values)


def put_profile(table: str, profile: Profile, write_id: str) -> PutTypeDef:
    """Return the Put of a new profile."""
    names, values = _Names(), _Values()
    # What is left of a deleted profile may stand at this very millisecond.
    unused_key = f"attribute_not_exists({names(items.PARTITION_KEY)})"
    item = {
        **{name: to_attribute(value) for name, value in profile.fields.items()},
        **items.key(profile.user_id, profile.created_at),
        items.UPDATED_AT: {"S": profile.updated_at},
        items.VERSION: {"N": str(profile.version)},
        items.WRITE_ID: {"S": write_id},
    }
    return _put(table, item, unused_key, names, values)


def update(seen: Profile, changes: Fields, *, updated_at: str, write_id: str) -> dict[str, Any]:
    """Return what UpdateItem needs to apply *changes* to the profile as *seen*."""
    names, values = _Names(), _Values()
    # UpdateItem would make an item where there is none.
    exists = f"attribute_exists({names(items.PARTITION_KEY)})"
    alive = f"NOT attribute_type({names(items.DELETED_AT)}, {values({'S': 'S'})})"
    if seen.version:
        unchanged = f"{names(items.VERSION)} = {values({'N': str(seen.version)})}"
    else:
        # Whatever another program means by its `version`: only our writes leave their id.
        unchanged = f"attribute_not_exists({names(items.WRITE_ID)})"
    new = {
        **{name: to_attribute(value) for name, value in changes.items() if value is not None},
        items.UPDATED_AT: {"S": updated_at},
        items.VERSION: {"N": str(seen.version + 1)},
        items.WRITE_ID: {"S": write_id},
    }
    removed = [name for name, value in changes.items() if value is None]
    expression = "SET " + _listed(f"{names(name)} = {values(value)}" for name, value in new.items())
    if removed:
        expression += " REMOVE " + _listed(map(names, removed))
    return {
        "UpdateExpression": expression,
        "ConditionExpression": f"{exists} AND {alive} AND {unchanged}",
        "ExpressionAttributeNames": names.argument(),
        "ExpressionAttributeValues": values.argument,
    }


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
