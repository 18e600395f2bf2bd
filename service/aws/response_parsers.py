"""botocore's response parsers with one type of error."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aiobotocore.parsers import AioResponseParserFactory
from botocore.parsers import ResponseParserError


class ResponseParserFactory(AioResponseParserFactory):
    """Makes botocore's parsers; register it as a session's `response_parser_factory`."""

    def create_parser(self, protocol_name: str) -> _Parser:  # type: ignore[override]  # the stubs lack it
        """Return the parser of a protocol."""
        return _Parser(super().create_parser(protocol_name))


class _Parser:
    """
    A parser that raises ResponseParserError for every response of an undocumented shape.

    botocore's own parsers raise AttributeError, TypeError and others, or return None.
    """

    def __init__(self, parser: Any) -> None:  # noqa: ANN401 -- not in the stubs
        self._parser = parser

    async def parse(self, response: dict[str, Any], shape: Any) -> dict[str, Any]:  # noqa: ANN401 -- likewise
        """Return the members of a response, or of the error in it."""
        try:
            parsed = await self._parser.parse(response, shape)
        except Exception as error:
            raise ResponseParserError(type(error).__name__) from error
        if not isinstance(parsed, dict):
            raise ResponseParserError("The response is not an object.")
        is_error = response["status_code"] >= HTTPStatus.MULTIPLE_CHOICES
        if is_error and not isinstance(parsed.get("Error", {}).get("Code", ""), str):
            raise ResponseParserError("The code of the error is not a string.")
        return parsed
