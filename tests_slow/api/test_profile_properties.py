"""Properties of every profile that the schema accepts."""

import unicodedata
from collections.abc import Iterator
from decimal import Context, Decimal, Inexact, Rounded
from typing import Any, Final

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError
from openapi_schema_validator import OAS31Validator

from service.api.openapi import document as openapi
from service.api.request_parsing.request_body import dumps
from service.api.schemas.profiles import ProfileSchema
from service.domain.values.json_values import JsonValue, is_same_json
from service.profile_store.attribute_values import from_attribute, to_attribute

SCHEMA: Final = ProfileSchema()
NAMES: Final = [field.data_key or "" for field in SCHEMA.fields.values()]
SETTINGS: Final = settings(derandomize=True, deadline=None, max_examples=150)

# DynamoDB's number: 38 digits, and nothing is rounded.
EXACT: Final = Context(prec=38, Emax=125, Emin=-130, traps=[Inexact, Rounded])

texts = st.text(max_size=40) | st.text(
    alphabet=st.sampled_from(
        "aB1é\u0301 \t\n\r.@:/-+()%[]\u0958\u212b\u200d\u202e\ufffe\U0001f600"
    ),
    max_size=40,
)
urls = st.from_regex(r"https?://[a-zü0-9.-]{1,20}(:[0-9]{1,6})?/[!-~ü]{0,20}", fullmatch=True)
likely: dict[str, st.SearchStrategy[Any]] = {
    "email": st.emails()
    | st.from_regex(r"[a-zA-Zéü.+]{1,10}@[a-zA-Zéßü0-9.-]{1,20}\.[a-z]{2,4}", fullmatch=True),
    "phoneNumber": st.from_regex(r"\+[1-9][0-9 ().-]{7,16}", fullmatch=True)
    | st.from_regex(r"\+(1|7|39|44|49|52|54|91)[0-9]{8,11}", fullmatch=True),
    "birthdate": st.dates().map(str),
    "picture": urls,
    "website": urls,
    "country": st.sampled_from(["india", "IN", "REPUBLIC of korea", "st lucia", "cote d ivoire"]),
    "locale": st.from_regex(
        r"(en|zh|SR|sl)(-[a-zA-Z]{4})?(-(IN|tw|rs|419))?(-[a-z0-9]{5,8})?(-[u-x]-[a-zA-Z]{2,8})?",
        fullmatch=True,
    ),
    "timezone": st.sampled_from(["UTC", "Asia/Kolkata", "asia/kolkata"]),
}
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
bodies = st.fixed_dictionaries(
    {},
    optional={name: likely.get(name, texts) | texts | json_values for name in NAMES}
    | {"preferences": st.dictionaries(texts, json_values, max_size=4)},
)


def _taken(body: dict[str, Any]) -> dict[str, JsonValue]:
    """Return the loaded values of the valid fields."""
    try:
        return SCHEMA.load(body)
    except ValidationError as error:
        return SCHEMA.load({name: body[name] for name in body if name not in error.messages_dict})


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for entry in value:
                yield from _texts(entry)
        case dict():
            for name, entry in value.items():
                yield name
                yield from _texts(entry)
        case _:
            pass


def _numbers(attribute: Any) -> Iterator[str]:  # noqa: ANN401 -- an attribute value of botocore
    ((kind, value),) = attribute.items()
    if kind == "N":
        yield value
    elif kind in {"L", "M"}:
        for entry in value.values() if kind == "M" else value:
            yield from _numbers(entry)


@given(body=bodies)
@example(body={"preferences": {"a": [5e-324, 1e126, 10**126, -0.0, 1e25, {"": 0}]}})
@example(body={"preferences": {"\u0958": {"\u212b": "e\u0301"}}})
@SETTINGS
def test_what_was_taken_is_taken_again_unchanged(body: dict[str, Any]) -> None:
    """Loading a canonical form does not change it."""
    taken = _taken(body)

    assert is_same_json(SCHEMA.load(taken), taken)


@given(body=bodies)
@SETTINGS
def test_every_text_is_in_one_form(body: dict[str, Any]) -> None:
    """Every text and name is in Normalization Form C and can be encoded."""
    for text in _texts(_taken(body)):
        assert unicodedata.is_normalized("NFC", text)
        assert text.encode().decode() == text


@given(body=bodies)
@SETTINGS
def test_what_was_taken_is_answered_and_stored_as_it_is(body: dict[str, Any]) -> None:
    """JSON and DynamoDB attribute values represent loaded values exactly."""
    taken = _taken(body)

    assert is_same_json(orjson.loads(dumps({"n": _small(taken)})), {"n": _small(taken)})
    assert is_same_json(from_attribute(to_attribute(taken)), taken)
    for number in _numbers(to_attribute(taken)):
        assert EXACT.create_decimal(number) == Decimal(number)


def _small(value: JsonValue) -> JsonValue:
    """Return *value* with integers beyond orjson's range as texts."""
    match value:
        case list():
            return [_small(entry) for entry in value]
        case dict():
            return {name: _small(entry) for name, entry in value.items()}
        case int() if abs(value) >= 2**63:
            return str(value)
        case _:
            return value


@pytest.fixture(scope="module")
def described() -> OAS31Validator:
    """Return the JSON Schema of the fields in the API document."""
    document = orjson.loads(openapi.document(ProfileSchema, version="1"))
    return OAS31Validator(document["components"]["schemas"]["ProfileFields"])


@given(body=bodies)
@SETTINGS
def test_document_accepts_what_the_schema_accepts(
    described: OAS31Validator, body: dict[str, Any]
) -> None:
    """A body that is invalid by the API document is refused by the service."""
    taken = _taken(body)
    as_sent = {
        name: unicodedata.normalize("NFC", value) if isinstance(value, str) else value
        for name, value in body.items()
        if name in taken
    }

    assert [error.message for error in described.iter_errors(as_sent)] == []
    assert [error.message for error in described.iter_errors(taken)] == []
