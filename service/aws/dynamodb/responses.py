"""
Responses of DynamoDB whose JSON is already what botocore's parser returns.

botocore walks the service model for every response, which costs more than the rest of a call. It converts
nothing in strings, numbers (which are strings), lists and maps.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import orjson

from service.aws.dynamodb.client import Operation

MAX_DEPTH = 40  # DynamoDB nests 32 levels: "Quotas in Amazon DynamoDB" in its developer guide
_SCALARS: Final = {"S": str, "N": str, "BOOL": bool, "NULL": bool}  # types of the values in JSON


def parse_unconverted(operation: Operation, body: bytes) -> dict[str, Any] | None:
    """Return the members of a response with status 200, or None where botocore has to parse it."""
    members = _MEMBERS[operation]
    try:
        response = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if type(response) is not dict:
        return None
    for name, value in response.items():
        is_expected = members.get(name)
        if is_expected is None or not is_expected(value):
            return None
    return response


def _is_item(value: object, depth: int = 0) -> bool:
    """Return whether a value is a map of AttributeValues without binary data."""
    return type(value) is dict and _are_attributes(value.values(), depth)


def _are_attributes(values: Iterable[Any], depth: int) -> bool:
    # Nothing is called for a scalar, which takes a fifth less. Of the types of JSON, all but a map fail
    # one of the operations.
    try:
        for value in values:
            if "S" in value:
                if len(value) != 1 or type(value["S"]) is not str:
                    return False
                continue
            (kind,) = value
            inner = value[kind]
            if type(inner) is not _SCALARS.get(kind) and not _is_nested(kind, inner, depth):
                return False
    except (LookupError, TypeError, ValueError):
        return False
    return True


def _is_nested(kind: str, inner: object, depth: int) -> bool:
    """Return whether the value of an attribute is a map, a list or a set, as its *kind* says."""
    match kind:
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


def _is_empty_map(value: object) -> bool:
    return value == {}


# The members of each output shape that DynamoDB sends to this service.
_MEMBERS: Mapping[Operation, Mapping[str, Callable[[object], bool]]] = {
    "BatchGetItem": {"Responses": _are_items_of_tables, "UnprocessedKeys": _is_empty_map},
    "GetItem": {"Item": _is_item},
    "PutItem": {"Attributes": _is_item},
    "Query": {
        "Items": _are_items,
        "Count": _is_count,
        "ScannedCount": _is_count,
        "LastEvaluatedKey": _is_item,
    },
    "TransactWriteItems": {},
    "UpdateItem": {"Attributes": _is_item},
}
