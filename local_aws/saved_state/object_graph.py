"""
Objects that refer to each other, as JSON.

A graph is a list of objects, each with its class and its attributes, and a root value that refers to
them. Only listed classes can be read, and reading calls none of their methods, so a hostile file can
set attributes but not run code.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from datetime import datetime
from typing import Any

from moto.cognitoidp.models import UserStatus

MARK = "$"  # begins the only key of a JSON object that stands for another value
PLAIN = (bool, int, float, str)
# Mark -> type, how to write a value in terms of plain ones and lists, and how to read it.
MARKED: Mapping[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "$status": (UserStatus, lambda status: status.value, UserStatus),
    "$tuple": (tuple, list, tuple),
    "$set": (set, list, set),
    "$bytes": (bytes, lambda value: base64.b64encode(value).decode(), base64.b64decode),
    "$time": (datetime, datetime.isoformat, datetime.fromisoformat),
}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A class whose objects are saved, with the attributes that are."""

    type: type
    attributes: tuple[str, ...]
    defaults: Mapping[str, Callable[[], object]] = field(default_factory=dict)
    """What makes the values of attributes that an older file does not have."""


def data_kind(of: type) -> Kind:
    """Return the kind of a dataclass: all fields are saved."""
    names = tuple(each.name for each in fields(of))
    return Kind(
        of, names, {each.name: default for each in fields(of) if (default := _default(each))}
    )


def _default(of: Field[Any]) -> Callable[[], object] | None:
    """Return what makes the default of a field; None if it has none."""
    if of.default is not MISSING:
        return lambda: of.default
    return None if of.default_factory is MISSING else of.default_factory


class Writer:
    """Collects the objects that a value refers to."""

    def __init__(self, kinds: Mapping[str, Kind]) -> None:
        self._names = {kind.type: name for name, kind in kinds.items()}
        self._kinds = kinds
        self._numbers: dict[int, int] = {}
        self._found: list[Any] = []

    def graph(self, root: object) -> Json:
        """Return the graph as JSON; raises TypeError for an object of another class."""
        encoded_root = self._encoded(root)
        objects = []
        for found in self._found:  # grows while objects refer to further ones
            name = self._names[type(found)]
            attributes = self._kinds[name].attributes
            objects.append([name, {key: self._encoded(getattr(found, key)) for key in attributes}])
        return {"objects": objects, "root": encoded_root}

    def _encoded(self, value: Any) -> Any:  # noqa: ANN401 -- any value
        if value is None or type(value) in PLAIN:
            return value
        if isinstance(value, list):
            return [self._encoded(member) for member in value]
        if isinstance(value, dict):
            if all(isinstance(key, str) and not key.startswith(MARK) for key in value):
                return {key: self._encoded(member) for key, member in value.items()}
            return {"$map": [self._encoded([*pair]) for pair in value.items()]}
        for mark, (type_, to_json, _) in MARKED.items():
            if isinstance(value, type_):
                return {mark: self._encoded(to_json(value))}
        return {"$object": self._number(value)}

    def _number(self, value: object) -> int:
        if type(value) not in self._names:
            raise TypeError(f"Objects of {type(value)} are not saved")
        if id(value) not in self._numbers:
            self._numbers[id(value)] = len(self._found)
            self._found.append(value)
        return self._numbers[id(value)]


def read(kinds: Mapping[str, Kind], graph: Json) -> Any:  # noqa: ANN401 -- any value
    """Return the root value; raises ValueError, KeyError, TypeError, IndexError or AttributeError."""
    objects: list[Any] = []
    for name, attributes in graph["objects"]:
        kind = kinds[name]
        missing = {*kind.attributes} - attributes.keys()
        if not (missing <= kind.defaults.keys() and attributes.keys() <= {*kind.attributes}):
            raise ValueError(f"{name} has other attributes")
        made: Any = object.__new__(kind.type)
        for key in missing:
            object.__setattr__(made, key, kind.defaults[key]())
        objects.append(made)
    for made, (_, attributes) in zip(objects, graph["objects"], strict=True):
        for key, value in attributes.items():
            object.__setattr__(made, key, _decoded(objects, value))
    return _decoded(objects, graph["root"])


def _decoded(objects: list[Any], value: Any) -> Any:  # noqa: ANN401 -- any value
    if isinstance(value, list):
        return [_decoded(objects, member) for member in value]
    if not isinstance(value, dict):
        return value
    mark = next(iter(value), "")
    if not mark.startswith(MARK):
        return {key: _decoded(objects, member) for key, member in value.items()}
    content = value[mark]
    if mark == "$object":
        return objects[content]
    decoded = _decoded(objects, content)
    return dict(decoded) if mark == "$map" else MARKED[mark][2](decoded)
