"""
Answers of DynamoDB whose JSON already is what botocore's parser would make of it.

botocore walks every answer along its service model, which costs more than all else of a call. Yet it
changes nothing in what DynamoDB usually says: strings, numbers (as strings), lists and maps. Such
answers are recognised here; everything else, binary values and surprises alike, is left to botocore.
"""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any

import orjson

MAX_DEPTH = 40  # DynamoDB nests 32 levels: "Quotas in Amazon DynamoDB" in its developer guide


def read_as_it_is(operation: str, status: int, body: bytes) -> dict[str, Any] | None:
    """Return the members of an answer of status 200, or None where botocore has to read it."""
    members = _MEMBERS.get(operation)
    if members is None or status != HTTPStatus.OK:
        return None
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(answer) is not dict:
        return None
    for name, value in answer.items():
        known = members.get(name)
        if known is None or not known(value):
            return None
    return answer


def _is_item(value: object, depth: int = 0) -> bool:
    """Tell whether a value is a map of AttributeValues without binary parts."""
    return type(value) is dict and _are_attributes(value.values(), depth)


def _are_attributes(values: Iterable[object], depth: int) -> bool:
    # Most are strings, and this is run for each of them: hence no call for those.
    for value in values:
        if type(value) is not dict or len(value) != 1:
            return False
        if type(value.get("S")) is not str and not _is_other_attribute(value, depth):
            return False
    return True


def _is_other_attribute(attribute: Mapping[str, object], depth: int) -> bool:
    ((kind, inner),) = attribute.items()
    match kind:
        case "N":
            return type(inner) is str
        case "BOOL" | "NULL":
            return type(inner) is bool
        case "M" if depth < MAX_DEPTH:
            return _is_item(inner, depth + 1)
        case "L" if depth < MAX_DEPTH:
            return type(inner) is list and _are_attributes(inner, depth + 1)
        case "SS" | "NS":
            return type(inner) is list and all(type(entry) is str for entry in inner)
        case _:
            return False


def _are_items(value: object) -> bool:
    return type(value) is list and all(map(_is_item, value))


def _are_items_of_tables(value: object) -> bool:
    return type(value) is dict and all(map(_are_items, value.values()))


def _is_count(value: object) -> bool:
    return type(value) is int


def _is_nothing(value: object) -> bool:
    return value == {}


# What a service model's output has, as far as DynamoDB sends it to this service.
_MEMBERS: Mapping[str, Mapping[str, Callable[[object], bool]]] = {
    "BatchGetItem": {"Responses": _are_items_of_tables, "UnprocessedKeys": _is_nothing},
    "GetItem": {"Item": _is_item},
    "Query": {
        "Items": _are_items,
        "Count": _is_count,
        "ScannedCount": _is_count,
        "LastEvaluatedKey": _is_item,
    },
    "TransactWriteItems": {},
    "UpdateItem": {"Attributes": _is_item},
}
OPERATIONS = frozenset(_MEMBERS)  # those whose answers are known here
