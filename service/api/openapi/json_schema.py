"""
Conversion of marshmallow schemas to JSON Schema (2020-12), which OpenAPI 3.1 embeds.

apispec copies Python's regular expressions and the format "url", which JSON Schema does not define; both
are translated here.
"""

import functools
import re
from collections.abc import Mapping
from typing import Any, Final, cast

import orjson
from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.field_converter import DEFAULT_FIELD_MAPPING
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema, fields

from service.api.schemas.json_object import JsonObject
from service.api.schemas.profile_fields.text import CanonicalText
from service.api.schemas.profiles import (
    ProfileSchema,
    ServiceProfileSchema,
    StoredProfileSchema,
    user_schema,
)

OPENAPI_VERSION: Final = "3.1.0"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
SERVICE_PROFILE_FIELDS: Final = "ServiceProfileFields"
_LIMITS_OF_OBJECTS: Final = {"minLength": "minProperties", "maxLength": "maxProperties"}

# Syntax of Python's re that ECMA-262, the syntax of JSON Schema, does not have.
_PYTHON_ONLY: Final = re.compile(r"\\[AZ]|\(\?[^:=!<]|[*+?}]\+")


class Schemas:
    """The component schemas of a document for profiles with the fields of *profile_schema*."""

    def __init__(self, profile_schema: type[Schema]) -> None:
        plugin = _Plugin(_name)
        self._spec = APISpec("", "", OPENAPI_VERSION, plugins=[plugin])
        self._converter = cast("_Converter", plugin.converter)  # created by APISpec
        self._profile_schema = profile_schema
        add = self._spec.components.schema
        self._profile_schemas: dict[type[Schema], Schema] = {
            ProfileSchema: user_schema(profile_schema),
            ServiceProfileSchema: profile_schema(),
        }
        for_users, for_services = map(
            self._converter.schema2jsonschema, self._profile_schemas.values()
        )
        add("ProfileFields", for_users)
        self._service_fields = "ProfileFields"
        if for_services != for_users:
            self._service_fields = SERVICE_PROFILE_FIELDS
            add(SERVICE_PROFILE_FIELDS, for_services)
        add("Profile", self._stored_profile())

    def reference(self, schema: type[Schema]) -> dict[str, Any]:
        """Return a reference to *schema*, which is added to the components."""
        if schema is ProfileSchema:
            return component("schemas", "ProfileFields")
        if schema is ServiceProfileSchema:
            return component("schemas", self._service_fields)
        return self._converter.resolve_nested_schema(schema)

    def example(self, schema: type[Schema]) -> Mapping[str, object] | None:
        """
        Return a valid body: the schema's `example`, or the examples of its fields.

        None if a required field has no example.
        """
        body = self._profile_schemas.get(schema) or schema()
        own: Mapping[str, object] | None = getattr(body, "example", None)
        if own is not None:
            read_only = {field.data_key for field in body.dump_fields.values() if field.dump_only}
            return {name: value for name, value in own.items() if name not in read_only}
        shown: dict[str, object] = {}
        for name, field in body.fields.items():
            if "examples" in field.metadata:
                shown[field.data_key or name] = field.metadata["examples"][0]
            elif field.required:
                return None
        return shown or None

    def components(self) -> Mapping[str, Any]:
        """Return the schemas by name."""
        made: Mapping[str, Any] = self._spec.to_dict()["components"]["schemas"]
        return made

    def _stored_profile(self) -> dict[str, Any]:
        """
        Return the schema of a profile in a response: the system fields and the profile fields.

        Fields have no limits, which may be newer than the stored values, and are never null.
        """
        written = self._profile_schema()
        for field in written.fields.values():
            field.allow_none = False
            field.validators = []
            if isinstance(field, CanonicalText):
                field.limits = {}
        own = self._converter.schema2jsonschema(StoredProfileSchema())
        fields_read = self._converter.schema2jsonschema(written)["properties"]
        return {**own, "properties": {**own["properties"], **fields_read}}


def component(kind: str, name: str) -> dict[str, Any]:
    """Return a reference to a component of the document."""
    return {"$ref": f"#/components/{kind}/{name}"}


def ecma_pattern(regex: re.Pattern[str]) -> str | None:
    r"""
    Return the pattern of a Regexp validator in ECMA-262 syntax, or None if it has no equivalent.

    The validator matches from the start, JSON Schema searches; `\Z` becomes `$`.
    """
    pattern = regex.pattern
    if pattern.endswith(r"\Z"):
        pattern = pattern.removesuffix(r"\Z") + "$"
    if regex.flags & ~re.UNICODE or _PYTHON_ONLY.search(pattern):
        return None
    return f"^(?:{pattern})" if "|" in pattern else f"^{pattern.removeprefix('^')}"


class _Converter(OpenAPIConverter):
    """apispec's converter with the field types of this service."""

    field_mapping = {  # noqa: RUF012 -- apispec reads it as a plain dict
        **DEFAULT_FIELD_MAPPING,
        JsonObject: ("object", None),
        fields.Url: ("string", "uri"),
    }

    def field2pattern(self, field: fields.Field[Any], **_: Any) -> dict[str, Any]:  # noqa: ANN401 -- apispec's hook
        """Return the pattern of the first Regexp validator that has an equivalent."""
        for validator in field.validators:
            regex = getattr(validator, "regex", None)
            pattern = ecma_pattern(regex) if isinstance(regex, re.Pattern) else None
            if pattern is not None:
                return {"pattern": pattern}
        return {}

    def field2property(self, field: fields.Field[Any]) -> dict[str, Any]:
        """Return the property: of a CanonicalText with its format and limits, of an object as open."""
        made: dict[str, Any] = super().field2property(field)
        made.pop("default", None)  # generators of clients take it for a member that is always there
        if isinstance(field, JsonObject):
            made["additionalProperties"] = True
        if isinstance(field, fields.Dict):  # apispec counts an object's members as characters
            for limit in made.keys() & _LIMITS_OF_OBJECTS.keys():
                made[_LIMITS_OF_OBJECTS[limit]] = made.pop(limit)
        if isinstance(field, CanonicalText):
            made.update({"format": field.format} if field.format else {}, **field.limits)
        return made

    def schema2jsonschema(self, schema: Schema) -> dict[str, Any]:
        """Return the JSON Schema: closed by default, and with what the schema's `json_schema` adds."""
        made: dict[str, Any] = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call] # -- apispec leaves it untyped
        made.setdefault("additionalProperties", False)
        return {**made, **getattr(schema, "json_schema", {})}

    def resolve_nested_schema(self, schema: Schema | type[Schema]) -> dict[str, Any]:
        """Return a reference to *schema*, which is added to the components."""
        if StoredProfileSchema in (schema, type(schema)):
            return component("schemas", "Profile")
        made: dict[str, Any] = super().resolve_nested_schema(schema)  # type: ignore[no-untyped-call] # -- apispec leaves it untyped
        return made


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def _name(schema: Schema | type[Schema]) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


@functools.lru_cache(maxsize=4)
def profile_document(profile_schema: type[Schema]) -> bytes:
    """
    Return the JSON Schema (2020-12) of the fields that can be written.

    Nested schemas of a deployment are at the same references as in the API document.
    """
    components = dict(Schemas(profile_schema).components())
    fields = components.pop("ProfileFields")
    for other in ("Profile", SERVICE_PROFILE_FIELDS):  # not of this document
        components.pop(other, None)
    nested = {"components": {"schemas": components}} if components else {}
    return orjson.dumps({"$schema": DIALECT, "title": "Profile fields", **fields, **nested})
