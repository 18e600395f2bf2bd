"""The writes in DynamoDB's form; each condition is a named clause."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from service.domain.profiles import Fields, Profile
from service.profile_store import items
from service.profile_store.attribute_values import Attribute, to_attribute
from service.profile_store.items import Item, StoredProfile

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb.type_defs import PutTypeDef, UpdateTypeDef

MAX_FORMS: Final = 64  # cached forms of an update, of up to 4 KB
_IS_STRING: Final[Attribute] = {"S": "S"}

# The clauses of a condition by which a profile is as it was read, each with one attribute and value.
_VERSION_IS: Final = (items.VERSION, "{name} = {value}")
# Another application has overwritten `version`; the write ids change with each write too.
_WRITE_IDS_ARE: Final = (items.WRITE_ID, "{name} = {value}")
# `version` may be another application's; only writes of this service leave write ids.
_HAS_NO_WRITE_ID: Final = (items.WRITE_ID, "NOT attribute_type({name}, {value})")


class _Placeholders:
    """Placeholders for attribute names, many of which are reserved words, and for values."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Attribute] = {}

    def name(self, name: str) -> str:
        """Return the placeholder of an attribute name."""
        return self._names.setdefault(name, f"#n{len(self._names)}")

    def value(self, value: Attribute) -> str:
        """Return a new placeholder for a value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def arguments(self) -> dict[str, Any]:
        """Return the arguments that define the placeholders; DynamoDB rejects empty values."""
        names = {placeholder: name for name, placeholder in self._names.items()}
        values = {"ExpressionAttributeValues": self._values} if self._values else {}
        return {"ExpressionAttributeNames": names, **values}


def put_claim(table: str, claim: Item, *, seen: Item | None) -> PutTypeDef:
    """Return the Put of *claim*, on condition that the stored claim is *seen* or absent."""
    use = _Placeholders()
    return _put(table, claim, _claim_unchanged(seen, use), use)


def take_claim(table: str, claim: Item, *, seen: Item) -> UpdateTypeDef:
    """
    Return the Update that turns the claim *seen* into *claim*, on the condition of `put_claim`.

    Unlike a Put it keeps attributes that other applications store under the claim's key.
    """
    use = _Placeholders()
    condition = _claim_unchanged(seen, use)
    state = sorted(items.CLAIM_ATTRIBUTES - {items.PARTITION_KEY, items.SORT_KEY})
    changed = {name: claim[name] for name in state if name in claim}
    removed = [name for name in state if name not in claim]
    return {
        "TableName": table,
        "Key": {name: claim[name] for name in (items.PARTITION_KEY, items.SORT_KEY)},
        "UpdateExpression": _update_expression(changed, removed, use),
        "ConditionExpression": condition,
        **use.arguments(),  # type: ignore[typeddict-item]  # two of its keys
    }


def put_profile(table: str, profile: StoredProfile) -> PutTypeDef:
    """Return the Put of a new profile."""
    use = _Placeholders()
    # A tombstone may have been created in the same millisecond.
    condition = f"attribute_not_exists({use.name(items.PARTITION_KEY)})"
    item = {
        **{name: to_attribute(value) for name, value in profile.fields.items()},
        **items.key(profile.user_id, profile.created_at),
        items.UPDATED_AT: {"S": profile.updated_at},
        items.VERSION: {"N": str(profile.version)},
        items.WRITE_ID: {"S": profile.write_ids},
        **_last_write(profile),
    }
    return _put(table, item, condition, use)


def put_tombstone(table: str, tombstone: Item, *, seen: Item) -> PutTypeDef:
    """
    Return the Put of *tombstone* over an item, on condition that the item is as *seen*.

    A Put replaces the whole item, including attributes that other applications added since.
    """
    use = _Placeholders()
    if items.is_deleted(seen):
        # It may have been removed or restored since.
        condition = f"{use.name(items.DELETED_AT)} = {use.value(seen[items.DELETED_AT])}"
    else:
        clause, value = _unchanged(items.version_of(seen), items.write_ids_of(seen))
        condition = _profile_unchanged(clause, value, use)
    return _put(table, tombstone, condition, use)


def update(seen: Profile, changes: Fields, *, written: StoredProfile) -> dict[str, Any]:
    """
    Return the arguments of UpdateItem that apply *changes*, with the metadata of *written*.

    The condition is that the stored profile is as *seen*.
    """
    clause, stored = _unchanged(seen.version, items.known_write_ids(seen))
    changed = {
        **{name: to_attribute(value) for name, value in changes.items() if value is not None},
        items.UPDATED_AT: {"S": written.updated_at},
        items.VERSION: {"N": str(written.version)},
        items.WRITE_ID: {"S": written.write_ids},
        **_last_write(written),
    }
    removed = tuple(name for name, value in changes.items() if value is None)
    form, placeholders = _update_form((*changed,), removed, clause)
    values = zip(placeholders, (_IS_STRING, stored, *changed.values()), strict=True)
    return {**form, "ExpressionAttributeValues": dict(values)}


@lru_cache(maxsize=MAX_FORMS)
def _update_form(
    changed: tuple[str, ...], removed: tuple[str, ...], clause: tuple[str, str]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the arguments of an UpdateItem but its values, and the placeholders of these in order."""
    use = _Placeholders()
    condition = _profile_unchanged(clause, {}, use)
    expression = _update_expression({name: {} for name in changed}, removed, use)
    form = {"UpdateExpression": expression, "ConditionExpression": condition, **use.arguments()}
    return form, tuple(form.pop("ExpressionAttributeValues"))


def _last_write(written: StoredProfile) -> Item:
    return {} if written.last_write is None else {items.LAST_WRITE: written.last_write}


def _unchanged(version: int, write_ids: str) -> tuple[tuple[str, str], Attribute]:
    """Return the clause that a profile has the *version* and the *write_ids*, and its value."""
    if version:
        return _VERSION_IS, {"N": str(version)}
    return (_WRITE_IDS_ARE, {"S": write_ids}) if write_ids else (_HAS_NO_WRITE_ID, _IS_STRING)


def _profile_unchanged(clause: tuple[str, str], value: Attribute, use: _Placeholders) -> str:
    """Return the condition that a profile is live and that *clause* holds for *value*."""
    # UpdateItem and Put would create a missing item.
    exists = f"attribute_exists({use.name(items.PARTITION_KEY)})"
    live = f"NOT attribute_type({use.name(items.DELETED_AT)}, {use.value(_IS_STRING)})"
    name, form = clause
    unchanged = form.format(name=use.name(name), value=use.value(value))
    return f"{exists} AND {live} AND {unchanged}"


def _claim_unchanged(seen: Item | None, use: _Placeholders) -> str:
    """Return the condition that the claim is *seen* or absent."""
    # DynamoDB may have deleted an expired claim, and deletes none of a live profile.
    absent = f"attribute_not_exists({use.name(items.PARTITION_KEY)})"
    if seen is None:
        return absent
    if items.WRITE_ID in seen:
        return f"{absent} OR {use.name(items.WRITE_ID)} = {use.value(seen[items.WRITE_ID])}"
    return f"{absent} OR attribute_not_exists({use.name(items.WRITE_ID)})"


def _put(table: str, item: Item, condition: str, use: _Placeholders) -> PutTypeDef:
    return {
        "TableName": table,
        "Item": item,
        "ConditionExpression": condition,
        **use.arguments(),  # type: ignore[typeddict-item]  # two of its keys
    }


def _update_expression(changed: Item, removed: Iterable[str], use: _Placeholders) -> str:
    assignments = [f"{use.name(name)} = {use.value(value)}" for name, value in changed.items()]
    expression = f"SET {', '.join(assignments)}"
    names = ", ".join(map(use.name, removed))
    return f"{expression} REMOVE {names}" if names else expression
