"""
Conversion between JSON values and DynamoDB attribute values.

boto3's TypeSerializer and TypeDeserializer convert every number to Decimal and take about three times
the CPU for an item.
"""

import base64
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from service.domain.errors import UpstreamFault
from service.domain.values.exact_numbers import exact_number
from service.domain.values.json_values import JsonValue, Number

Attribute: TypeAlias = Mapping[str, Any]  # in botocore's form: type -> value
# 38 digits and magnitudes up to 1e126: "Supported data types" in DynamoDB's developer guide
_NUMBER: Final = re.compile(r"[+-]?\d{1,200}(\.\d{0,200})?([eE][+-]?\d{1,3})?", re.ASCII)


def to_attribute(value: JsonValue) -> Attribute:
    """Return *value* as an attribute; a float becomes the shortest decimal that reads back equal."""
    match value:
        case str():  # first: most are
            return {"S": value}
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | float() | Decimal():
            return {"N": str(value)}
        case list():
            return {"L": [to_attribute(entry) for entry in value]}
        case dict():
            return {"M": {name: to_attribute(entry) for name, entry in value.items()}}
        case _:  # a deployment's schema loads a value that is not JSON
            raise TypeError(f"{type(value).__name__} is not a JSON value")


def decimal_of(text: str) -> Decimal:
    """Return a number of DynamoDB's; raises UpstreamFault for any other text."""
    if not _NUMBER.fullmatch(text):
        raise UpstreamFault
    return Decimal(text)


def from_attribute(attribute: Attribute) -> JsonValue:
    """
    Return an attribute as a JSON value.

    Types that JSON lacks, written by other applications: a set becomes a sorted list, binary becomes
    Base64 text. A whole number becomes an int, any other a float or a Decimal, without rounding. Raises
    UpstreamFault for a text in place of a number.
    """
    (kind,) = attribute
    return _READERS[kind](attribute[kind])


def _number(text: str) -> Number:
    try:
        return int(text)
    except ValueError:
        exact = decimal_of(text)
    return int(exact) if exact == exact.to_integral_value() else exact_number(text)


def _binary(value: bytes) -> str:
    return base64.b64encode(value).decode()


_READERS: Mapping[str, Callable[[Any], JsonValue]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "NULL": lambda _: None,
    # Most are strings: without a call for each this is twice as fast.
    "M": lambda value: {
        name: entry["S"] if "S" in entry else from_attribute(entry) for name, entry in value.items()
    },
    "L": lambda value: [from_attribute(entry) for entry in value],
    "SS": lambda value: [*sorted(value)],
    "NS": lambda value: [_number(text) for text in sorted(value, key=decimal_of)],
    "B": _binary,
    "BS": lambda value: [*sorted(map(_binary, value))],
}
