"""JSON objects of a profile, which are read as they were stored."""

from decimal import Decimal

import pytest
from marshmallow import ValidationError

from service.api.schemas.json_object import JsonObject
from service.domain.values.json_values import JsonValue

FIELD = JsonObject()


def _nested(kind: dict[str, JsonValue] | list[JsonValue], levels: int) -> JsonValue:
    """Return *levels* nested objects or lists."""
    value: JsonValue = kind
    for _ in range(levels - 1):
        value = {"a": value} if isinstance(kind, dict) else [value]
    return value


KEPT: list[JsonValue] = [
    0,
    -1,
    True,
    None,
    "",
    1.5,
    -2.25e-7,
    1e-130,
    10**37,
    10**125,
    12345678901234567890123456789012345678,
    [1, [2.5, {"a": None}]],
    {"a.b": {"#": "\U0001f600"}},
    "two\r\nlines\tand \u2068isolates\u2069",
    " ",
]


@pytest.mark.parametrize("value", KEPT, ids=repr)
def test_what_can_be_stored_is_kept(value: JsonValue) -> None:
    """Values that DynamoDB stores exactly are unchanged."""
    loaded = FIELD.deserialize({"n": value})

    assert repr(loaded) == repr({"n": value})


@pytest.mark.parametrize(
    ("value", "stored"),
    [(1.0, 1), (-0.0, 0), (1e25, 10**25), (-3.0, -3), ([2.0, {"a": 4.0}], [2, {"a": 4}])],
    ids=repr,
)
def test_whole_number_becomes_an_integer(value: JsonValue, stored: JsonValue) -> None:
    """Whole numbers become integers, as which DynamoDB returns them."""
    assert repr(FIELD.deserialize({"n": value})) == repr({"n": stored})


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("e\u0301", "é"),
        (["\u212b"], ["Å"]),
        ({"e\u0301": {"\u0958": None}}, {"é": {"\u0915\u093c": None}}),
    ],
    ids=ascii,
)
def test_texts_and_names_are_normalized(value: JsonValue, stored: JsonValue) -> None:
    """Texts and names are stored in Normalization Form C."""
    assert FIELD.deserialize({"n": value}) == {"n": stored}


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (Decimal("12345678901234567890.0"), 12345678901234567890),
        (Decimal("0." + "1" * 38), Decimal("0." + "1" * 38)),
    ],
    ids=repr,
)
def test_number_of_38_digits_is_kept(value: JsonValue, stored: JsonValue) -> None:
    """Numbers with more digits than a float keep all of them."""
    kept = FIELD.deserialize({"n": value})["n"]

    assert (kept, type(kept)) == (stored, type(stored))


REFUSED: dict[str, tuple[JsonValue, str]] = {
    "39 digits": ({"a": 123456789012345678901234567890123456789}, "a"),
    "4,000 digits": ({"a": {"b": int("9" * 4_000)}}, "a.b"),
    "39 digits behind the point": ({"a": [Decimal("0." + "1" * 39)]}, "a.0"),
    "39 digits, whole": ({"a": Decimal("1" * 39)}, "a"),
    "a digit far behind": ({"a": Decimal("0.1" + "0" * 60 + "1")}, "a"),
    "less than a float": ({"a": Decimal("1e-400")}, "a"),
    "126 zeros": ({"a": [1, -(10**126)]}, "a.1"),
    "large float": ({"a": 1.7e308}, "a"),
    "small float": ({"a": {"b": [5e-324]}}, "a.b.0"),
    "empty name inside": ({"a": {"": 1}}, "a"),
    "long name inside": ({"a": [{"x" * 256: 1}]}, "a.0"),
    "control character": ({"a": {"b": ["", {"c": "\u0000"}]}}, "a.b.1.c"),
    "escape": ({"a": "\u001b[2J"}, "a"),
    "surrogate": ({"a": ["\ud800"]}, "a.0"),
    "noncharacter": ({"a": "\U0001ffff"}, "a"),
    "control character in a name": ({"a": {"b\n": 1}}, "a"),
    "override in a name": ({"a": {"b": {"\u202egnp": 1}}}, "a.b"),
    "one name in two forms": ({"a": {"b": {"\u00e9": 1, "e\u0301": 2}}}, "a.b"),
    "31 marks": ({"a": {"b": "e" + "\u0301" * 31}}, "a.b"),
    "31 marks in a name": ({"a": {"e" + "\u0301" * 31: 1}}, "a"),
    "name four times too long": ({"a": {"x" * 1_021: 1}}, "a"),
    "long name in its form": ({"a": {"\u0958" * 128: 1}}, "a"),
    "32 objects": (_nested({}, 32), ".".join("a" * 31)),
    "32 levels of lists": ({"a": _nested([], 31)}, ".".join(["a", *"0" * 30])),
}


@pytest.mark.parametrize(("value", "path"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_stored_is_refused_with_its_place(value: JsonValue, path: str) -> None:
    """A number that DynamoDB cannot store exactly, or an invalid name, is refused with its path."""
    with pytest.raises(ValidationError) as refused:
        FIELD.deserialize(value)

    assert list(refused.value.messages_dict) == [path]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"": 1}, "Names"),
        ({"x" * 256: 1}, "Names"),
        ({"a": [0] * 2_000}, "2000 values"),
        ({str(number): {} for number in range(2_000)}, "2000 values"),
        ({"a": "é" * 32_768}, "65536 bytes"),
        ({"a": '"' * 32_768}, "65536 bytes"),
        ({"\u00e9": 1, "e\u0301": 1}, "same name twice"),
        ({"\u0000": 1}, "A name"),
        ("text", "object"),
        ([], "object"),
    ],
    ids=[
        "empty name",
        "long name",
        "many values",
        "many names",
        "long",
        "long as JSON",
        "one name in two forms",
        "control",
        "text",
        "list",
    ],
)
def test_object_out_of_bounds_is_refused(value: JsonValue, what: str) -> None:
    """Objects are limited in names, values and bytes."""
    with pytest.raises(ValidationError, match=what):
        FIELD.deserialize(value)


def test_largest_object_is_taken() -> None:
    """The limits themselves are accepted."""
    FIELD.deserialize(_nested({}, 31))
    FIELD.deserialize({"a": [0] * 1_998})
    FIELD.deserialize({"x" * 255: "x" * (65_536 - 262)})
