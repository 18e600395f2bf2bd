"""
Strict JSON: RFC 8259, no repeated names, and no value that cannot be stored as it was sent.

The standard library's parser accepts NaN, repeated names, unpaired surrogates and numbers with more
digits than a double; each would be stored as something else than the caller sent.
"""

import json
import math
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple, NoReturn

from service.api.http_errors import MalformedRequest
from service.domain.values.exact_numbers import exact_number
from service.domain.values.json_values import JsonValue

# Names and values of a body: a profile has at most about 4,000. More take tens of milliseconds, in which
# the event loop serves no other request.
MAX_VALUES = 5_000
MAX_PATH_CHARACTERS = 200  # in an error message
BYTE_ORDER_MARK = "\ufeff"  # RFC 8259, section 8.1: parsers may ignore it
MAX_DEPTH = 32  # DynamoDB's limit of nesting


class _Refused(ValueError):
    """A value that is not accepted, and its path."""

    def __init__(self, what: str, *path: str) -> None:
        super().__init__(what)
        self._path = [*path]  # innermost first

    def add_parent(self, name: str) -> None:
        """Prepend a name or an index to the path."""
        self._path.append(name)

    def __str__(self) -> str:
        path = ".".join(reversed(self._path))[:MAX_PATH_CHARACTERS]
        return f"The body has {self.args[0]}{f' (at {path})' if path else ''}."


class _Suspect(ValueError):
    """A value that only the check of all values accepts or refuses."""


class _Fault(NamedTuple):
    """Replaces a refused value in the parsed JSON, until the check of all values finds its path."""

    what: str
    path: tuple[str, ...] = ()


def loads(body: bytes, *, max_values: int = MAX_VALUES) -> JsonValue:
    """
    Return the JSON value of *body*, which may have *max_values* names and values.

    Raises MalformedRequest with the position or path of what is wrong.
    """
    try:
        text = body.decode("utf-8").removeprefix(BYTE_ORDER_MARK)
        if _is_small(text, max_values):
            with suppress(ValueError):
                small: JsonValue = _SMALL_DECODER.decode(text)
                return small
        _check_count(text, max_values)
        value: JsonValue = _DECODER.decode(text)
        _check(value, _Counter(max_values), depth=1)
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The body is not valid UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        position = f"line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"The body is not valid JSON ({position}).") from None
    except _Refused as error:
        raise MalformedRequest(str(error)) from None
    except RecursionError:
        raise MalformedRequest(str(_Refused(_TOO_DEEP))) from None
    return value


# A string, or the rest of the text if it is unterminated. Possessive, so matching takes linear time.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def _is_small(text: str, max_values: int) -> bool:
    """Return whether neither depth, number of values nor a surrogate can be a reason to refuse *text*."""
    brackets = text.count("{") + text.count("[")
    # Beside the root, each value has a comma before it or begins an object or a list, each name a colon.
    counted = brackets + text.count(",") + text.count(":")
    return brackets <= MAX_DEPTH and counted < max_values and "\\u" not in text


def _check_count(text: str, max_values: int) -> None:
    """Refuse most JSON with too many names and values before it is parsed."""
    if sum(map(text.count, ",:[{")) <= max_values:
        return
    structure = _STRING.sub("", text)
    # Each colon follows a name; each comma separates two values; each bracket begins a value.
    values = max(structure.count(",") + 1, structure.count("[") + structure.count("{"))
    if structure.count(":") + values > max_values:
        raise _Refused(_too_many(max_values))


def _too_many(max_values: int) -> str:
    return f"more than {max_values} names and values"


_TOO_DEEP = f"values nested deeper than {MAX_DEPTH} levels"
_TOO_LARGE = "a number that is too large"


def _object(pairs: Sequence[tuple[str, JsonValue]]) -> object:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    first = {name: number for number, (name, _) in reversed([*enumerate(pairs)])}
    repeated = next(name for number, (name, _) in enumerate(pairs) if first[name] != number)
    path = (repeated,) if _is_unicode(repeated) else ()
    return _Fault("an object with a repeated name", path)


def _integer(text: str) -> object:
    try:
        return int(text)
    except ValueError:  # more than 4,300 digits
        return _Fault(_TOO_LARGE)


def _float(text: str) -> object:
    try:
        number = exact_number(text)
    except ArithmeticError:
        return _Fault("a number with too large an exponent")
    return _Fault(_TOO_LARGE) if math.isinf(number) else number


def _constant(_: str) -> object:
    return _Fault("NaN or Infinity, which are not JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _unique(pairs: Sequence[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise _Suspect
    return result


def _sound(text: str) -> object:
    number = _float(text)
    if isinstance(number, _Fault):
        raise _Suspect
    return number


def _suspicious(_: str) -> NoReturn:
    raise _Suspect


# For most bodies, at a third of the cost: it stops at what has to be looked at more closely.
_SMALL_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=_sound, parse_constant=_suspicious
)


class _Counter:
    """A count of names and values, up to *maximum*."""

    __slots__ = ("_count", "_maximum")

    def __init__(self, maximum: int) -> None:
        self._maximum = maximum
        self._count = 0

    def add(self) -> None:
        """Count one; raises _Refused beyond the maximum."""
        self._count += 1
        if self._count > self._maximum:
            raise _Refused(_too_many(self._maximum))


def _check(value: object, counter: _Counter, depth: int) -> None:
    """Check a value recursively; raises _Refused."""
    counter.add()
    match value:
        case str():
            if not (value.isascii() or _is_unicode(value)):
                raise _Refused("an unpaired surrogate, which is not valid Unicode")
        case dict():
            _check_depth(depth)
            for name, entry in value.items():
                _check(name, counter, depth + 1)
                _check_entry(name, entry, counter, depth + 1)
        case list():
            _check_depth(depth)
            for number, entry in enumerate(value):
                _check_entry(number, entry, counter, depth + 1)
        case _Fault():
            raise _Refused(value.what, *value.path)
        case _:
            pass


def _check_entry(name: object, entry: object, counter: _Counter, depth: int) -> None:
    try:
        if type(entry) is str and entry.isascii():  # most are
            counter.add()
        else:
            _check(entry, counter, depth)
    except _Refused as refused:
        refused.add_parent(str(name))
        raise


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise _Refused(_TOO_DEEP)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
