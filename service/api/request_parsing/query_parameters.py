"""Parameters of a query."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from aiohttp import web

from service.domain.errors import InvalidFields
from service.domain.values.timestamps import moment

MAX_DIGITS: Final = 15
WHOLE_NUMBER: Final = re.compile(rf"\d{{1,{MAX_DIGITS}}}", re.ASCII)
_RFC_3339: Final = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)", re.ASCII
)


def whole_number(request: web.Request, name: str, allowed: range) -> int | None:
    """Return a whole number, None where it is missing; raises InvalidFields."""
    text = single(request, name)
    if text is None:
        return None
    if not WHOLE_NUMBER.fullmatch(text) or int(text) not in allowed:
        message = f"Must be a whole number from {allowed.start} to {allowed.stop - 1}."
        raise InvalidFields.of(name, message)
    return int(text)


def time(request: web.Request, name: str) -> datetime | None:
    """Return a time with its time zone, None where it is missing; raises InvalidFields."""
    text = single(request, name)
    if text is None:
        return None
    read = moment(text) if _RFC_3339.fullmatch(text) else None
    if read is None:
        message = "Must be a time such as 2026-11-23T03:14:15.926Z; send + as %2B."
        raise InvalidFields.of(name, message)
    return read


def number_schema(allowed: range, **members: object) -> Mapping[str, object]:
    """Return the JSON Schema of a whole number."""
    return {
        "type": "integer",
        "minimum": allowed.start,
        "maximum": allowed.stop - 1,
        **members,
    }


def single(request: web.Request, name: str) -> str | None:
    """Return a text, None where it is missing; raises InvalidFields."""
    values = request.query.getall(name, ())
    if len(values) > 1:
        raise InvalidFields.of(name, "Must occur once.")
    return values[0] if values else None
