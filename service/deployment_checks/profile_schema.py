"""The schema of profiles that `[profile] schema` names, and what a deployment's own must not do."""

import importlib
from typing import Any

from marshmallow import Schema, missing
from marshmallow.fields import Field

from service.api.schemas.profiles import SERVICE, WRITER, ProfileSchema
from service.domain.profiles import SYSTEM_FIELDS
from service.profile_store.items import CLAIMED_FOR, OWN_ATTRIBUTES
from service.startup_errors import SchemaUnusable


def profile_schema(name: str) -> type[Schema]:
    """Return the class `package.module:Class`; raises SchemaUnusable."""
    module_name, class_name = name.split(":")
    try:
        schema = getattr(importlib.import_module(module_name), class_name)
    except Exception as error:  # importing a deployment's module may raise anything
        raise SchemaUnusable(
            f"[profile] schema: {name} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    if not (isinstance(schema, type) and issubclass(schema, ProfileSchema)):
        raise SchemaUnusable(f"[profile] schema: {name} is no subclass of ProfileSchema")
    for field_name, field in schema().fields.items():
        wrong = _unusable(field)
        if wrong is not None:
            raise SchemaUnusable(f"[profile] schema: the field {field_name} of {name} {wrong}")
    return schema


def _unusable(field: Field[Any]) -> str | None:
    """Return why a deployment's field would lose data; None if it would not."""
    if field.data_key in {*SYSTEM_FIELDS, *OWN_ATTRIBUTES, CLAIMED_FOR}:
        return "has a name that the service uses itself"
    if field.required:
        return "is required, but a write may omit any field"
    if field.attribute is not None or field.load_default is not missing:
        return "has an attribute or a default, which would be written without being sent"
    if field.metadata.get(WRITER, SERVICE) != SERVICE:
        return f'has a {WRITER} other than "{SERVICE}"'
    return None
