"""botocore's response parsers with one type of error."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from aiobotocore.parsers import AioResponseParserFactory
from botocore.parsers import ResponseParserError

ATTRIBUTE_VALUE: Final = "AttributeValue"  # DynamoDB's model does not declare it as a union
MESSAGES: Final = frozenset({"message", "Message"})  # of errors; readers of them expect any type
SCALARS: Final[Mapping[str, type | tuple[type, ...]]] = {
    "blob": bytes,
    "boolean": bool,
    "double": (int, float),
    "float": (int, float),
    "integer": int,
    "long": int,
    "string": str,
    "timestamp": datetime,
}


class ResponseParserFactory(AioResponseParserFactory):
    """Makes botocore's parsers; register it as a session's `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> _Parser:  # type: ignore[override]  # the stubs lack it
        """Return the parser of a protocol."""
        return _Parser(super().create_parser(protocol_name))


class _Parser:
    """
    A parser that raises ResponseParserError for every response of an undocumented shape.

    botocore's own parsers raise AttributeError, TypeError and others, return None, or return values of
    other types than the service model has.
    """

    def __init__(self, parser: Any) -> None:  # noqa: ANN401 -- not in the stubs
        self._parser = parser

    async def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401 -- likewise
        """Return the members of a response, or of the error in it."""
        is_error = response["status_code"] >= HTTPStatus.MULTIPLE_CHOICES
        try:
            parsed: dict[str, Any] = await self._parser.parse(response, shape)
            ignored = MESSAGES if is_error else frozenset()
            conforms = isinstance(parsed, dict) and _conforms(
                {name: parsed[name] for name in parsed.keys() - ignored}, shape
            )
        except Exception as error:
            raise ResponseParserError(type(error).__name__) from error
        if not conforms:
            raise ResponseParserError("The response does not have the documented shape.")
        if is_error and not isinstance(parsed.get("Error", {}).get("Code", ""), str):
            raise ResponseParserError("The code of the error is not a string.")
        return parsed


def _conforms(value: Any, shape: Any) -> bool:  # noqa: ANN401 -- JSON, and a shape of botocore's
    """Return whether a parsed value has the type of its shape; members may be missing."""
    if shape is None:  # the operation returns nothing
        return True
    kind = shape.type_name
    if kind == "structure":
        return shape.is_document_type or _is_structure(value, shape)
    if kind == "list":
        return isinstance(value, list) and all(_conforms(entry, shape.member) for entry in value)
    if kind == "map":
        return isinstance(value, dict) and all(
            _conforms(entry, shape.value) for entry in value.values()
        )
    is_boolean = isinstance(value, bool)
    return isinstance(value, SCALARS.get(kind, object)) and is_boolean == (kind == "boolean")


def _is_structure(value: Any, shape: Any) -> bool:  # noqa: ANN401 -- likewise
    if not isinstance(value, dict) or (shape.name == ATTRIBUTE_VALUE and len(value) != 1):
        return False
    members = shape.members
    return all(_conforms(value[name], members[name]) for name in value.keys() & members.keys())
