"""A field that holds any JSON object, within what DynamoDB can store and a request may cost."""

import json
import math
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError, fields

from service.domain.profiles import JsonValue

# Far more than settings of a person need; a whole item may have 400 KB, and each value costs time.
MAX_VALUES: Final = 2_000
MAX_BYTES: Final = 65_536  # as compact JSON
MAX_NAME_CHARACTERS: Final = 255
# DynamoDB developer guide, "Naming rules and data types": 38 significant digits, 1E-130 to 9.99E+125.
MAX_DIGITS: Final = 38
SMALLEST: Final = 1e-130
LARGEST: Final = 10**126


class JsonObject(fields.Field[dict[str, JsonValue]]):
    """
    An object with any names and values.

    A number that is whole becomes an integer, as it would by being stored: one state of a profile has
    one representation, before it is stored and after.
    """

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, JsonValue]:  # noqa: ANN401 -- marshmallow's hook
        if not isinstance(value, dict):
            raise ValidationError("Must be an object.")
        if _count(value) > MAX_VALUES:
            raise ValidationError(f"Must not hold more than {MAX_VALUES} values.")
        normal = {name: _normal(entry, name) for name, entry in _named(value, "")}
        if len(json.dumps(normal, ensure_ascii=False, separators=(",", ":")).encode()) > MAX_BYTES:
            raise ValidationError(f"Must not be longer than {MAX_BYTES} bytes as JSON.")
        return normal


def _count(value: JsonValue) -> int:
    match value:
        case dict():
            return 1 + sum(map(_count, value.values()))
        case list():
            return 1 + sum(map(_count, value))
        case _:
            return 1


def _normal(value: JsonValue, path: str) -> JsonValue:
    """Return *value* as it will be read back; raises ValidationError that names the *path*."""
    match value:
        case dict():
            return {name: _normal(entry, f"{path}.{name}") for name, entry in _named(value, path)}
        case list():
            return [_normal(entry, f"{path}.{number}") for number, entry in enumerate(value)]
        case bool():
            return value
        case int():
            return _within(value, path)
        case float():
            return _within(int(Decimal(repr(value))) if value.is_integer() else value, path)
        case _:
            return value


def _named(value: dict[str, JsonValue], path: str) -> list[tuple[str, JsonValue]]:
    for name in value:
        if not 0 < len(name) <= MAX_NAME_CHARACTERS:
            wrong = f"Names must have 1 to {MAX_NAME_CHARACTERS} characters."
            raise ValidationError({path: [wrong]} if path else wrong)
    return [*value.items()]


def _within(number: float, path: str) -> int | float:
    if isinstance(number, int):
        fits = abs(number) < LARGEST and len(str(abs(number)).rstrip("0")) <= MAX_DIGITS
    else:
        fits = number == 0 or math.fabs(number) >= SMALLEST
    if not fits:
        raise ValidationError({path: [f"Must have at most {MAX_DIGITS} digits, 1e-130 to 1e126."]})
    return number
