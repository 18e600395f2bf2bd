"""Items of other applications."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from service.profile_store.attribute_values import Attribute
from service.profile_store.items import Item

Shown: TypeAlias = Mapping[str, Any]

DIGITS: Final = "1234567890123456789.0123456789012345678"  # 38, as many as DynamoDB keeps
UNTIL_1970: Final = "86400"

# What no schema declares: each type, under names that an expression could stumble over.
UNDECLARED: Final[Item] = {
    "legacy": {"S": "kept"},
    "empty": {"S": ""},
    "size": {"N": DIGITS},
    "a.b": {"BOOL": False},
    "#n0": {"NULL": True},
    ":v0": {"B": b"\x00\xff"},
    "with space": {"SS": ["a", "b", ""]},
    "größe": {"NS": ["1", "2.5"]},
    "SET": {"BS": [b"a", b"b"]},
    "list[0]": {"L": [{"N": "1"}, {"M": {}}]},
    "map": {"M": {"SS": {"SS": ["x"]}, "inner": {"M": {"B": {"B": b"\x01"}}}}},
    "ttl": {"N": UNTIL_1970},
    "claimedFor": {"S": "theirs"},
    "closedAt": {"S": "theirs"},
}


@dataclass(frozen=True, slots=True)
class Case:
    """An item of another application, and the fields that are *shown* of it."""

    attributes: Item
    shown: Shown
    created_at: str = "2020-05-05T05:05:05Z"
    version: int = 0  # nobody here wrote it


def _nested(levels: int) -> Attribute:
    """Return a text in a list in a list and so on; DynamoDB takes 31 of them in one attribute."""
    return {"S": "deep"} if levels == 0 else {"L": [_nested(levels - 1)]}


def _nested_json(levels: int) -> object:
    return "deep" if levels == 0 else [_nested_json(levels - 1)]


_TYPES: Final[Mapping[str, tuple[Attribute, object]]] = {
    "text": ({"S": "Mumbai"}, "Mumbai"),
    "empty text": ({"S": ""}, ""),
    "text that nobody may write": ({"S": " \x00\u202e\uffff"}, " \x00\u202e\uffff"),
    "390 KB": ({"S": "x" * 390_000}, "x" * 390_000),
    "whole number": ({"N": "7"}, 7),
    "fraction": ({"N": "-0.5"}, -0.5),
    "number of 64 bits": ({"N": "18446744073709551615"}, 2**64 - 1),
    "number of 30 digits": ({"N": "9" * 30}, int("9" * 30)),
    "largest number": ({"N": "9.9E+125"}, 99 * 10**124),
    "smallest number": ({"N": "-1E-130"}, -1e-130),
    "boolean": ({"BOOL": False}, False),
    "binary": ({"B": b"\x00\xff"}, "AP8="),
    "no bytes": ({"B": b""}, ""),
    "set of texts": ({"SS": ["b", "", "a"]}, ["", "a", "b"]),
    "set of numbers": ({"NS": ["10", "9.5", "-1"]}, [-1, 9.5, 10]),
    "set of binaries": ({"BS": [b"b", b"a"]}, ["YQ==", "Yg=="]),
    "list": ({"L": [{"N": "1"}, {"NULL": True}]}, [1, None]),
    "map": ({"M": {"b": {"NULL": True}, "a": {"SS": ["x"]}}}, {"a": ["x"], "b": None}),
    "31 levels": (_nested(31), _nested_json(31)),
}

# Attributes of the service's own names that mean something else, or nothing, where they come from.
_MISUNDERSTOOD: Final[Mapping[str, Item]] = {
    "version of text": {"version": {"S": "v2"}},
    "version of theirs": {"version": {"N": "7"}},
    "version below zero": {"version": {"N": "-1"}},
    "version of a fraction": {"version": {"N": "1.5"}},
    "version without end": {"version": {"N": "9" * 38}},
    "version of a list": {"version": {"L": []}},
    "version and id of theirs": {"version": {"N": "9" * 38}, "writeId": {"S": "theirs"}},
    "id of theirs": {"writeId": {"S": "theirs"}},
    "id that is no text": {"writeId": {"N": "7"}},
    "empty moment": {"updatedAt": {"S": ""}},
    "moment that is a number": {"updatedAt": {"N": "1588655105"}},
    "never deleted": {"deletedAt": {"NULL": True}},
    "not deleted": {"deletedAt": {"BOOL": False}},
    "deleted at zero": {"deletedAt": {"N": "0"}},
    "expired": {"expiresAt": {"N": UNTIL_1970}},
    "expires in words": {"expiresAt": {"S": "never"}},
}

_MOMENTS: Final = {
    "a day": "2020-05-05",
    "the first hour": "0001-01-01T00:00:00+05:30",
    "a zone": "2020-05-05T10:35:05.000001+05:30",
    "no zone": "2020-05-05 05:05:05",
    "seconds": "1588655105",
    "milliseconds": "1588655105000",
    "a day of the month first": "05/05/2020 05:05",
    "words": "last Tuesday, \u202e\x00 as 'they' said \U0001f600",
    "a blank": " ",
    "behind the claim": "~~~",
    "1,024 bytes": "x" * 1024,  # the limit of a sort key
}

CASES: Final[Mapping[str, Case]] = {
    "nothing": Case({}, {}),
    "null": Case({"city": {"NULL": True}}, {}),
    "390 KB of theirs": Case({"theirs": {"B": b"\x00" * 390_000}}, {}),
    "text for an object": Case({"preferences": {"S": "dark"}}, {"preferences": "dark"}),
    **{
        name: Case({"city": attribute}, {"city": value})
        for name, (attribute, value) in _TYPES.items()
    },
    **{name: Case(attributes, {}) for name, attributes in _MISUNDERSTOOD.items()},
    # As good as ours: it counts, and any write of ours changes it.
    "version beside an id": Case(
        {"version": {"N": "7"}, "writeId": {"N": "7"}}, shown={}, version=7
    ),
    **{f"created at {name}": Case({}, {}, moment) for name, moment in _MOMENTS.items()},
}


def without(item: Item, names: Iterable[str]) -> dict[str, Attribute]:
    """Return the attributes except *names*."""
    return {name: _ordered(item[name]) for name in item.keys() - {*names}}


def _ordered(attribute: Attribute) -> Attribute:
    """Return *attribute* with the members of a set in order, for DynamoDB keeps none."""
    ((kind, value),) = attribute.items()
    match kind:
        case "SS" | "NS" | "BS":
            return {kind: sorted(value)}
        case "L":
            return {kind: [_ordered(entry) for entry in value]}
        case "M":
            return {kind: {name: _ordered(entry) for name, entry in value.items()}}
        case _:
            return attribute
