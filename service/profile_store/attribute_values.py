"""
JSON values as DynamoDB's attribute values, and back.

boto3's TypeSerializer and TypeDeserializer do the same through Decimal and cost about three times the
CPU of one item's reading, so this is done by hand.
"""

import base64
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeAlias

from service.domain.exact_numbers import exact_float
from service.domain.profiles import JsonValue

Attribute: TypeAlias = Mapping[str, Any]  # as botocore takes and gives it: one type -> the value


def to_attribute(value: JsonValue) -> Attribute:
    """Return *value* as DynamoDB writes it; a float as the shortest decimal that reads back equal."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [to_attribute(entry) for entry in value]}
        case dict():
            return {"M": {name: to_attribute(entry) for name, entry in value.items()}}
        case _:  # a schema of the deployment loads what JSON does not have
            raise TypeError(f"{type(value).__name__} is no JSON value")


def from_attribute(attribute: Attribute) -> JsonValue:
    """
    Return an attribute as JSON.

    The types that JSON lacks, which only another program writes: a set becomes a sorted list, bytes
    become Base64 text. A number that is whole becomes an int, any other a float, and none is rounded.
    """
    ((kind, value),) = attribute.items()
    return _READERS[kind](value)


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else exact_float(text)


def _binary(value: bytes) -> str:
    return base64.b64encode(value).decode()


_READERS: Mapping[str, Callable[[Any], JsonValue]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": lambda value: {name: from_attribute(entry) for name, entry in value.items()},
    "L": lambda value: [from_attribute(entry) for entry in value],
    "SS": lambda value: [*sorted(value)],
    "NS": lambda value: [_number(text) for text in sorted(value, key=Decimal)],
    "B": _binary,
    "BS": lambda value: [*sorted(map(_binary, value))],
}
