"""JSON Schema of marshmallow schemas, those of deployments included."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from marshmallow import Schema, fields, validate
from openapi_spec_validator import OpenAPIV31SpecValidator

from service.api import keys
from service.api.openapi import document as openapi
from service.api.openapi.json_schema import Schemas, ecma_pattern
from service.api.schemas.profiles import ProfileSchema
from service.app import create_app
from tests.support.configs import configured


class PlanSchema(ProfileSchema):
    """A deployment's profile schema."""

    plan = fields.String(allow_none=True, validate=validate.OneOf(["free", "paid"]))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """Return the parsed default document."""
    return _parsed(openapi.document(ProfileSchema, version="1"))


def _parsed(text: bytes) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(text)
    return document


def test_every_schema_is_closed(document: dict[str, Any]) -> None:
    """Objects with declared fields allow no others."""
    schemas = document["components"]["schemas"]

    closed = {
        name for name, schema in schemas.items() if schema.get("additionalProperties") is False
    }
    assert set(schemas) == closed


def test_example_needs_a_value_of_each_required_field() -> None:
    """A body whose required field has no example has none; optional fields may be left out."""
    city = fields.String(metadata={"examples": ["Pune"]})
    street = fields.String(required=True)

    assert (
        Schemas(ProfileSchema).example(Schema.from_dict({"city": city, "street": street})) is None
    )
    optional = Schema.from_dict({"city": city, "street": fields.String()})
    assert Schemas(ProfileSchema).example(optional) == {"city": "Pune"}


def test_object_of_any_members_is_open(document: dict[str, Any]) -> None:
    """An object whose members are the caller's own is open: a closed one could not be written."""
    schemas = document["components"]["schemas"]
    opened = [
        schemas["ProfileFields"]["properties"]["preferences"],
        schemas["Profile"]["properties"]["preferences"],
        schemas["Answer"]["properties"]["credential"],
        schemas["RegisterPasskey"]["properties"]["credential"],
    ]

    assert [each["additionalProperties"] for each in opened] == [True] * len(opened)


def test_words_that_generators_misread_are_avoided(document: dict[str, Any]) -> None:
    """Constants are enums of a type, arrays have items, and nothing has a default or is untyped."""
    for where, schema in _subschemas(document["components"]["schemas"]):
        assert "const" not in schema, where
        assert "default" not in schema, where
        assert "type" in schema or "enum" not in schema, where
        assert schema.get("type") != "array" or "items" in schema, where


def _subschemas(found: object, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all schemas and whatever else is an object in them, with their paths."""
    if isinstance(found, dict):
        yield where, found
        for name, inner in found.items():
            if name not in {"examples", "example"}:
                yield from _subschemas(inner, f"{where}/{name}")


def test_fields_accept_what_removes_them_and_answers_never_hold_it(
    document: dict[str, Any],
) -> None:
    """Null is valid in requests only; a field of a response has one type."""
    schemas = document["components"]["schemas"]
    written, answered = schemas["ProfileFields"]["properties"], schemas["Profile"]["properties"]

    assert {name for name in written if "null" not in written[name]["type"]} == set()
    assert {answered[name]["type"] for name in written} == {"string", "object"}
    assert set(answered) - set(written) == {"userId", "createdAt", "updatedAt", "version"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "birthdate",
            {
                "type": ["string", "null"],
                "format": "date",
                "pattern": "^(?:19|2[0-9])[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])$",
            },
        ),
        ("preferences", {"type": ["object", "null"]}),
        ("website", {"type": ["string", "null"], "format": "iri", "maxLength": 2048}),
        ("email", {"type": ["string", "null"], "format": "idn-email", "maxLength": 254}),
        ("displayName", {"type": ["string", "null"], "minLength": 1, "maxLength": 128}),
        ("bio", {"type": ["string", "null"], "minLength": 1, "maxLength": 4096}),
        (
            "phoneNumber",
            {
                "type": ["string", "null"],
                "maxLength": 40,
                "pattern": r"^[^0-9A-Za-z]*[+\u207a\u208a\ufb29\ufe62\uff0b][^A-Za-z]+$",
            },
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_field_is_described_in_the_words_of_json_schema(
    document: dict[str, Any], name: str, expected: dict[str, Any]
) -> None:
    """Types, formats, lengths and patterns are valid JSON Schema."""
    described = document["components"]["schemas"]["ProfileFields"]["properties"][name]
    said = {"type", "format", "minLength", "maxLength", "pattern"} & described.keys()

    assert expected == {word: described[word] for word in said - {"pattern"} | expected.keys()}


def test_limits_are_those_of_writing(document: dict[str, Any]) -> None:
    """Fields of responses have formats and no limits, since stored values may be older."""
    schemas = document["components"]["schemas"]
    written = schemas["ProfileFields"]["properties"]
    answered = {name: schemas["Profile"]["properties"][name] for name in written}
    limits = {"minLength", "maxLength", "pattern"}

    assert [name for name in written if not limits & written[name].keys()] == ["preferences"]
    assert [name for name in answered if limits & answered[name].keys()] == []
    assert answered["birthdate"]["format"] == "date"


def test_patterns_are_of_the_common_subset(document: dict[str, Any]) -> None:
    """No pattern has lookarounds or named groups, which not every engine supports."""
    written = document["components"]["schemas"]["ProfileFields"]["properties"]
    patterns = [field["pattern"] for field in written.values() if "pattern" in field]

    assert patterns != []
    for pattern in patterns:
        assert re.search(r"\(\?[^:]|\\[AZbBdDsSwWpP]", pattern) is None
        assert (pattern[0], pattern[-1]) == ("^", "$")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"a+\Z", "^a+$"),
        (r"^a", "^a"),
        (r"a|b\Z", "^(?:a|b$)"),
        (r"a\Zb", None),
        (r"(?P<name>a)", None),
        (r"(?i)a", None),
        (r"a++", None),
    ],
)
def test_pattern_is_ecma_or_left_out(pattern: str, expected: str | None) -> None:
    """A pattern is translated to an equivalent of ECMA-262, or left out."""
    assert expected == ecma_pattern(re.compile(pattern))


def test_pattern_of_a_field_that_ecma_cannot_say_is_left_out() -> None:
    """A field whose pattern has no equivalent is described without it."""

    class LoudSchema(ProfileSchema):
        motto = fields.String(validate=validate.Regexp(r"(?i)a\Z"))

    document = _parsed(openapi.document(LoudSchema, version="1"))

    motto = document["components"]["schemas"]["ProfileFields"]["properties"]["motto"]
    assert motto == {"type": "string"}


def test_field_of_a_deployments_schema_is_documented() -> None:
    """The fields of a deployment's schema are in requests and in responses."""
    app = create_app(configured({"profile": {"schema": f"{__name__}:{PlanSchema.__name__}"}}))
    document = _parsed(app[keys.OPENAPI])
    schemas = document["components"]["schemas"]
    written, answered = schemas["ProfileFields"]["properties"], schemas["Profile"]["properties"]

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert written["plan"] == {"type": ["string", "null"], "enum": ["free", "paid", None]}
    assert answered["plan"] == {"type": "string"}
    assert "city" in written


def test_schema_with_a_description_refuses_other_fields_still() -> None:
    """A schema with a description still allows no other fields."""

    class DescribedSchema(ProfileSchema):
        class Meta:
            description = "What we know of a customer."

    document = _parsed(openapi.document(DescribedSchema, version="1"))

    described = document["components"]["schemas"]["ProfileFields"]
    assert described["description"] == "What we know of a customer."
    assert described["additionalProperties"] is False


def test_example_of_a_deployments_schema_is_what_the_page_sends() -> None:
    """A deployment's schema can have its own example."""

    class ShownSchema(PlanSchema):
        example = {"plan": "free"}  # noqa: RUF012 -- as in a deployment's schema

    document = _parsed(openapi.document(ShownSchema, version="1"))

    body = document["paths"]["/v1/user/profile"]["post"]["requestBody"]
    assert body["content"]["application/json"]["example"] == {"plan": "free"}
