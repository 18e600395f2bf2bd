"""Validation of requests against the service model."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from botocore.loaders import Loader
from botocore.model import (
    ListShape,
    MapShape,
    OperationNotFoundError,
    ServiceModel,
    Shape,
    StructureShape,
)

from local_aws.cognito.errors import (
    InvalidParameterException,
    SerializationException,
    not_implemented,
)

# The same file as in service/aws/models: neither package is where the other is used.
EXTRAS = Path(__file__).parent.parent / "models"

# The model's patterns are Java's. Python's `re` has no Unicode categories, so these replace them:
# every visible character, and every separator.
_VISIBLE = (
    r"\x21-\x7e\xa1-\u167f\u1681-\u1fff\u2010-\u2027\u2030-\u205e\u2060-\u2fff\u3001-\ud7ff"
    r"\uf900-\U0010ffff"
)
_CATEGORIES = {r"\p{L}\p{M}\p{S}\p{N}\p{P}": _VISIBLE, r"\p{Z}": r"\s"}

# Cognito takes white space inside a password, which the model does not say. Its own pattern, from its
# error messages, is `^[\S]+.*[\S]+$`; "." is no line terminator in Java.
_PASSWORD = r"[\S]+[^\n\r]*[\S]+"  # noqa: S105 -- a pattern

_TYPES: Mapping[str, type] = {  # in JSON; a blob is a string
    "boolean": bool,
    "integer": int,
    "list": list,
    "map": dict,
    "string": str,
    "structure": dict,
}


def check(operation: str, parameters: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    """Return the parameters without nulls; raises for those that violate their shapes."""
    try:
        model = _service_model().operation_model(operation)
    except OperationNotFoundError:
        raise not_implemented(operation) from None
    assert model.input_shape is not None  # noqa: S101 -- no operation of Cognito's is without input
    found = [f"Value {violation}" for violation in _violations(model.input_shape, parameters, "")]
    if found:
        errors = "error" if len(found) == 1 else "errors"
        raise InvalidParameterException(
            f"{len(found)} validation {errors} detected: {'; '.join(found)}"
        )
    return {name: value for name, value in parameters.items() if value is not None}


@functools.cache
def _service_model() -> ServiceModel:
    """Return the model, with the operations that are newer than moto's botocore."""
    loader = Loader()
    loader.search_paths.append(str(EXTRAS))
    return ServiceModel(loader.load_service_model("cognito-idp", "service-2"), "cognito-idp")


def operation_names() -> Sequence[str]:
    """Return the names of all operations."""
    return [*_service_model().operation_names]


def is_public(operation: str) -> bool:
    """Return whether AWS takes the operation unsigned; an unknown operation is not public."""
    try:
        return bool(_service_model().operation_model(operation).auth_type == "none")
    except OperationNotFoundError:
        return False


def required(parameters: Mapping[str, Any], name: str) -> str:
    """Return a parameter that is optional in the model but required here."""
    if not parameters.get(name):
        raise InvalidParameterException(f"Missing required parameter {name}")
    return str(parameters[name])


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:  # noqa: ANN401 -- JSON
    fits = isinstance(value, _TYPES.get(shape.type_name, str))
    if not fits:
        raise SerializationException(f"Start of {shape.type_name} expected at '{path}'")
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        yield from _size(shape, value, path)
        for index, member in enumerate(value, start=1):
            yield from _violations(shape.member, member, f"{path}.{index}.member")
    elif isinstance(shape, MapShape):
        for key, member in value.items():
            yield from _violations(shape.value, member, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from _string(shape, value, path)
    elif shape.type_name == "integer":
        yield from _range(shape, value, path)


def _structure(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{path}.{name[0].lower()}{name[1:]}".removeprefix(".")
        if value.get(name) is not None:
            yield from _violations(member, value[name], inner)
        elif name in shape.required_members:
            yield f"null at '{inner}' failed to satisfy constraint: Member must not be null"


def _size(shape: Shape, value: Sequence[Any], path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if not least <= len(value) <= most:
        bound = f"greater than or equal to {least}"
        if len(value) > most:
            bound = f"less than or equal to {most}"
        yield f"at '{path}' failed to satisfy constraint: Member must have length {bound}"


def _range(shape: Shape, value: int, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", value), shape.metadata.get("max", value)
    if not least <= value <= most:
        bound = (
            f"less than or equal to {most}" if value > most else f"greater than or equal to {least}"
        )
        yield f"'{value}' at '{path}' failed to satisfy constraint: Member must have value {bound}"


def _string(shape: Shape, value: str, path: str) -> Iterator[str]:
    yield from _size(shape, value, path)
    shown = pattern = shape.metadata.get("pattern", ".*")
    if shape.name == "PasswordType":
        shown, pattern = r"^[\S]+.*[\S]+$", _PASSWORD
    for category, characters in _CATEGORIES.items():
        pattern = pattern.replace(category, characters)
    if not re.fullmatch(pattern, value, re.ASCII | re.DOTALL):
        yield (
            f"at '{path}' failed to satisfy constraint: Member must satisfy regular expression"
            f" pattern: {shown}"
        )
    allowed = shape.metadata.get("enum", [value])
    if value not in allowed:
        yield (
            f"'{value}' at '{path}' failed to satisfy constraint: Member must satisfy enum value"
            f" set: [{', '.join(allowed)}]"
        )
