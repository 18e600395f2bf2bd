"""A field for JSON objects that DynamoDB can store, limited in size."""

import json
import math
from decimal import Decimal
from typing import Any, Final

from marshmallow import ValidationError, fields

from service.api.schemas.unicode_text import MAX_COMPOSED, fault, fault_of_a_line, normal_form
from service.domain.values.json_values import JsonValue, Number

# An item may have 400 KB, and each value takes time to process.
MAX_VALUES: Final = 2_000
MAX_BYTES: Final = 65_536  # of compact JSON, and of texts and names as sent
MAX_NAME_CHARACTERS: Final = 255
MAX_DEPTH: Final = 31  # 32 with the body around it, DynamoDB's limit
# DynamoDB developer guide, "Naming rules and data types": 38 significant digits, 1E-130 to 9.99E+125.
MAX_DIGITS: Final = 38
SMALLEST: Final = 1e-130
SMALLEST_EXACTLY: Final = Decimal("1e-130")
LARGEST: Final = 10**126
LONGEST_NUMBER: Final = 140  # bytes, with the punctuation around any value
_TOO_LONG: Final = f"Must not be longer than {MAX_BYTES} bytes as JSON."
_NAME_LENGTH: Final = f"Names must have 1 to {MAX_NAME_CHARACTERS} characters."


class JsonObject(fields.Field[dict[str, JsonValue]]):
    """
    An object with any names and values.

    It is normalized to the form in which it will be read: whole numbers as integers, texts and names in
    Unicode Normalization Form C.
    """

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, JsonValue]:  # noqa: ANN401 -- marshmallow's hook
        if not isinstance(value, dict):
            raise ValidationError("Must be an object.")
        normalizer = _Normalizer()
        normal = normalizer.object(value, "", depth=1)
        if normalizer.longest_bytes > MAX_BYTES and _length(normal) > MAX_BYTES:
            raise ValidationError(_TOO_LONG)
        return normal


class _Normalizer:
    """A traversal of an object that counts its values and the bytes of its texts."""

    def __init__(self) -> None:
        self._values = 0
        self._bytes = 0  # of texts and names as sent, in UTF-8

    @property
    def longest_bytes(self) -> int:
        """A bound of the length as compact JSON: NFC triples a byte, JSON escapes it with six."""
        return 18 * self._bytes + LONGEST_NUMBER * self._values

    def object(self, value: dict[str, JsonValue], path: str, depth: int) -> dict[str, JsonValue]:
        """Return *value* normalized; raises ValidationError with the path of what is wrong."""
        self._count_nested(path, depth)
        normal: dict[str, JsonValue] = {}
        for given, entry in value.items():
            name = self._name(given, path)
            wrong = _wrong_name(name)
            if name in normal:
                wrong = "Must not have the same name twice, in two Unicode forms."
            if wrong is not None:
                raise _refusal(path, wrong)
            normal[name] = self._value(entry, f"{path}.{name}" if path else name, depth)
        return normal

    def _value(self, value: JsonValue, path: str, depth: int) -> JsonValue:
        match value:
            case dict():
                return self.object(value, path, depth + 1)
            case list():
                self._count_nested(path, depth + 1)
                return [
                    self._value(entry, f"{path}.{number}", depth + 1)
                    for number, entry in enumerate(value)
                ]
            case str():
                self._count()
                return self._text(value, path)
            case _:
                self._count()
                return _normal(value, path)

    def _name(self, given: str, path: str) -> str:
        if len(given) > MAX_COMPOSED * MAX_NAME_CHARACTERS:
            raise _refusal(path, _NAME_LENGTH)
        return self._normal_form(given, path, "A name: ")

    def _text(self, given: str, path: str) -> str:
        text = self._normal_form(given, path)
        wrong = fault(text)
        if wrong is not None:
            raise _refusal(path, wrong)
        return text

    def _normal_form(self, given: str, path: str, what: str = "") -> str:
        """Return a text or a name in its normal form, and count its bytes."""
        self._bytes += (
            len(given) if given.isascii() else len(given.encode("utf-8", "surrogatepass"))
        )
        if self._bytes > MAX_BYTES:
            raise ValidationError(_TOO_LONG)
        try:
            return normal_form(given)
        except ValidationError as error:
            raise _refusal(path, f"{what}{error.messages[0]}") from None

    def _count_nested(self, path: str, depth: int) -> None:
        self._count()
        if depth > MAX_DEPTH:
            raise _refusal(path, f"Must not be nested deeper than {MAX_DEPTH} levels.")

    def _count(self) -> None:
        self._values += 1
        if self._values > MAX_VALUES:
            raise ValidationError(f"Must not have more than {MAX_VALUES} values.")


def _length(value: JsonValue) -> int:
    """Return the length in bytes as compact JSON; a Decimal counts as its nearest float."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)
    return len(text.encode())


def _normal(value: JsonValue, path: str) -> JsonValue:
    match value:
        case Decimal():
            return _within(int(value) if value == value.to_integral_value() else value, path)
        case float():
            return _within(int(Decimal(repr(value))) if value.is_integer() else value, path)
        case int() if not isinstance(value, bool):
            return _within(value, path)
        case _:
            return value


def _wrong_name(name: str) -> str | None:
    if not 0 < len(name) <= MAX_NAME_CHARACTERS:
        return _NAME_LENGTH
    wrong = fault_of_a_line(name)
    return wrong and f"A name: {wrong}"


def _within(number: Number, path: str) -> Number:
    match number:
        case Decimal():
            digits = len(number.as_tuple().digits)
            fits = digits <= MAX_DIGITS and abs(number) >= SMALLEST_EXACTLY
        case int():
            fits = abs(number) < LARGEST and len(str(abs(number)).rstrip("0")) <= MAX_DIGITS
        case _:
            fits = number == 0 or math.fabs(number) >= SMALLEST
    if not fits:
        raise _refusal(
            path, f"Must be a number of at most {MAX_DIGITS} digits from 1e-130 to 9.99e125."
        )
    return number


def _refusal(path: str, wrong: str) -> ValidationError:
    """Return the error with its path inside the object, if it is not the object itself."""
    return ValidationError({path: [wrong]} if path else wrong)
