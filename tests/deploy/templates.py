"""Reads the CloudFormation templates, the tags of intrinsic functions included."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

FOLDER: Final = Path(__file__).parent.parent.parent / "deploy/cloudformation"
DATA: Final = FOLDER / "data.yaml"
SERVICE: Final = FOLDER / "service.yaml"
EVENTS: Final = FOLDER / "events.yaml"
NO_VALUE: Final = {"Ref": "AWS::NoValue"}

Template: TypeAlias = dict[str, Any]


class _Loader(yaml.SafeLoader):
    """A loader of its own: constructors are registered with the class."""


def _function(loader: _Loader, name: str, node: yaml.Node) -> dict[str, Any]:
    """Return an intrinsic function in its long form, `{"Fn::Sub": …}` of `!Sub …`."""
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        raise TypeError(f"!{name} has a mapping")
    return {name if name in {"Ref", "Condition"} else f"Fn::{name}": value}


_Loader.add_multi_constructor("!", _function)


def load(path: Path) -> Template:
    """Return a template."""
    template: Template = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506 -- a SafeLoader
    return template


def of_type(template: Template, kind: str) -> dict[str, Any]:
    """Return the properties of the resources of a type, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == kind
    }


def alternatives(value: Any) -> Iterator[Any]:  # noqa: ANN401 -- of a template
    """Yield every value that conditions may choose, AWS::NoValue aside."""
    if isinstance(value, dict) and "Fn::If" in value:
        for choice in value["Fn::If"][1:]:
            yield from alternatives(choice)
    elif value != NO_VALUE:
        yield value


def entries(value: list[Any]) -> Iterator[Any]:
    """Yield every entry that a list may have."""
    for entry in value:
        yield from alternatives(entry)
