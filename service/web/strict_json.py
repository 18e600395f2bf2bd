"""
JSON as the service takes it: RFC 8259 and nothing beyond, every name once, nothing that gets lost.

The standard library's parser takes NaN, repeated names, numbers beyond a double's range and unpaired
surrogates without a word; each of them would be stored as something that the caller did not send.
"""

import json
import math
from collections.abc import Iterable
from typing import NoReturn

from service.domain.errors import MalformedRequest
from service.domain.profiles import JsonValue

MAX_VALUES = 10_000  # more take tens of milliseconds, in which nobody else is served
MAX_DEPTH = 32  # DynamoDB's limit of nesting, and far more than any body here needs


class _Refused(ValueError):
    """Says in its text what no JSON of this service may hold."""


def loads(body: bytes) -> JsonValue:
    """Return the value that *body* holds; raises MalformedRequest with the place where it is wrong."""
    try:
        value: JsonValue = _DECODER.decode(body.decode("utf-8"))
        _check(value, depth=1, seen=0)
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The body is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"The body is not JSON ({place}).") from None
    except _Refused as error:
        raise MalformedRequest(str(error)) from None
    except RecursionError:
        raise MalformedRequest(_TOO_DEEP) from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        raise MalformedRequest(_TOO_LARGE) from None
    return value


_TOO_DEEP = f"The body is nested deeper than {MAX_DEPTH} levels."
_TOO_LARGE = "The body holds a number that is too large."


def _object(pairs: Iterable[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result: dict[str, JsonValue] = {}
    for name, value in pairs:
        if name in result:
            raise _Refused("The body holds an object with the same name twice.")
        result[name] = value
    return result


def _float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise _Refused(_TOO_LARGE)
    return number


def _constant(_: str) -> NoReturn:
    raise _Refused("The body holds NaN or Infinity, which JSON does not have.")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_float=_float, parse_constant=_constant)


def _check(value: JsonValue, depth: int, seen: int) -> int:
    """Check a value and all in it, after *seen* others; return how many were seen then."""
    seen += 1
    if seen > MAX_VALUES:
        raise _Refused(f"The body holds more than {MAX_VALUES} names and values.")
    match value:
        case str():
            if not _is_unicode(value):
                raise _Refused(
                    "The body holds a surrogate without its pair, which no text can hold."
                )
        case dict() | list():
            if depth > MAX_DEPTH:
                raise _Refused(_TOO_DEEP)
            for entry in (*value, *value.values()) if isinstance(value, dict) else value:
                seen = _check(entry, depth + 1, seen)
        case _:
            pass
    return seen


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
