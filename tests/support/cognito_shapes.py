"""Checks of requests and responses against botocore's service model of Cognito."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Final

import botocore.session
from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from service.aws.session import MODEL_EXTRAS

_PRINTING: Final = "LMSNP"  # Unicode letters, marks, symbols, numbers, punctuation
_NO_RE_OF_PYTHONS: Final[Mapping[str, Callable[[str], bool]]] = {  # `re` has no \p
    r"[\p{L}\p{M}\p{S}\p{N}\p{P}]+": lambda text: all(
        unicodedata.category(character)[0] in _PRINTING for character in text
    ),
}
# Cognito takes white space inside a password, which the model does not say.
_PATTERNS: Final = {"PasswordType": r"\S.*\S"}


@cache
def service_model() -> ServiceModel:
    """Return the model of Cognito user pools; loading it is slow."""
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(MODEL_EXTRAS))
    return session.get_service_model("cognito-idp")


def exception_shape(name: str) -> Shape | None:
    """Return the shape of an exception, or None if the model does not have it."""
    return next((shape for shape in service_model().error_shapes if shape.name == name), None)


def faults(shape: Shape | None, value: object, at: str = "") -> Iterator[str]:
    """Yield each violation in *value*, with its path; *shape* is None where nothing is documented."""
    if shape is None:
        if value != {}:
            yield f"{at or 'the body'}: nothing is documented here"
    elif isinstance(shape, StructureShape):
        yield from _of_a_structure(shape, value, at)
    elif isinstance(shape, ListShape):
        yield from _of_a_list(shape, value, at)
    elif isinstance(shape, MapShape):
        yield from _of_a_map(shape, value, at)
    elif isinstance(shape, StringShape):
        yield from _of_a_string(shape, value, at)
    elif not _is_a(shape.type_name, value):
        yield f"{at}: {value!r} is no {shape.type_name}"


def _of_a_structure(shape: StructureShape, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at or 'the body'}: {value!r} is no object"
        return
    if shape.is_document_type:  # any JSON
        return
    inside = f"{at}." if at else ""
    for name in shape.required_members:
        if name not in value:
            yield f"{inside}{name}: required, and not there"
    for name, member in value.items():
        if name in shape.members:
            yield from faults(shape.members[name], member, inside + name)
        else:
            yield f"{inside}{name}: no such member"


def _of_a_list(shape: ListShape, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{at}: {value!r} is no list"
        return
    yield from _of_a_size(shape, len(value), at)
    for index, entry in enumerate(value):
        yield from faults(shape.member, entry, f"{at}[{index}]")


def _of_a_map(shape: MapShape, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: {value!r} is no object"
        return
    yield from _of_a_size(shape, len(value), at)
    for key, entry in value.items():
        yield from faults(shape.key, key, f"{at}: the key {key}")
        yield from faults(shape.value, entry, f"{at}.{key}")


def _of_a_string(shape: StringShape, value: object, at: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{at}: {value!r} is no string"
        return
    yield from _of_a_size(shape, len(value), at)
    if shape.enum and value not in shape.enum:
        yield f"{at}: {value!r} is none of {', '.join(shape.enum)}"
    pattern = _PATTERNS.get(shape.name, shape.metadata.get("pattern"))
    if pattern is not None and value and not _matches(pattern, value):
        yield f"{at}: {value!r} is not as {pattern}"


def _of_a_size(shape: Shape, size: int, at: str) -> Iterator[str]:
    if not shape.metadata.get("min", 0) <= size <= shape.metadata.get("max", size):
        bounds = f"{shape.metadata.get('min', 0)} to {shape.metadata.get('max', 'any')}"
        yield f"{at}: of size {size}, not {bounds}"


def _matches(pattern: str, text: str) -> bool:
    """Return whether all of *text* matches AWS's *pattern*."""
    predicate = _NO_RE_OF_PYTHONS.get(pattern)
    return predicate(text) if predicate else re.fullmatch(pattern, text) is not None


def _is_a(type_name: str, value: object) -> bool:
    """Return whether a JSON value is of a type that has no shape class."""
    if type_name == "boolean" or isinstance(value, bool):
        return type_name == "boolean" and isinstance(value, bool)
    if type_name == "timestamp":  # seconds since 1970, in the JSON protocol
        return isinstance(value, int | float)
    assert type_name in {"integer", "long"}, f"no call of ours has a {type_name}"
    return isinstance(value, int)
