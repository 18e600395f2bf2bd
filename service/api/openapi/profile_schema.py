"""The JSON Schema of a profile's fields, as a document of its own."""

import functools
from typing import Final

import orjson
from marshmallow import Schema

from service.api.openapi.json_schema import SERVICE_PROFILE_FIELDS, Schemas

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


@functools.lru_cache(maxsize=4)
def document(profile_schema: type[Schema]) -> bytes:
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
