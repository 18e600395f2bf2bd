"""Values of JSON, and how changes are applied to them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias, TypeVar

Number: TypeAlias = int | float | Decimal  # a Decimal where no float represents it exactly
JsonValue: TypeAlias = "bool | Number | str | list[JsonValue] | dict[str, JsonValue] | None"


Name = TypeVar("Name")
Value = TypeVar("Value")


def drop_none(members: Mapping[Name, Value | None]) -> dict[Name, Value]:
    """Return the members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def merged(
    fields: Mapping[str, JsonValue], changes: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return *fields* with *changes* applied; None removes a field."""
    return drop_none({**fields, **changes})


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """Return *target* with the merge *patch* applied (RFC 7396, section 2)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def changed_names(
    before: Mapping[str, JsonValue], changes: Mapping[str, JsonValue]
) -> tuple[str, ...]:
    """Return the names of the fields that *changes* alters, sorted; an absent field equals null."""
    return tuple(
        sorted(
            [name for name, value in changes.items() if not is_same_json(before.get(name), value)]
        )
    )


def is_same_json(one: object, other: object) -> bool:
    """Return whether two JSON values are equal and of the same types; in Python, True == 1 == 1.0."""
    if type(one) is str or type(other) is str:  # most are; a Mapping is looked up in a registry
        return type(one) is type(other) and one == other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(
            is_same_json(one[name], other[name]) for name in one
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_json, one, other))
    return type(one) is type(other) and one == other
