"""
JSON as the service takes it: RFC 8259 and nothing beyond, every name once, nothing that gets lost.

The standard library's parser takes NaN, repeated names, unpaired surrogates and numbers of more digits
than a double has without a word; each would be stored as something that the caller did not send.
"""

import json
import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from service.api.http_errors import MalformedRequest
from service.domain.exact_numbers import exact_float
from service.domain.profiles import JsonValue

# Names and values of the largest body, if its route does not say less: a profile has at most some 4,000.
# More take tens of milliseconds, in which nobody else is served.
MAX_VALUES = 5_000
MAX_PLACE = 200  # characters that tell where: names may have any length
MAX_DEPTH = 32  # DynamoDB's limit of nesting, and far more than any body here needs


class _Refused(ValueError):
    """Says in its text what no JSON of this service may hold, and where it stands."""

    def __init__(self, what: str, *places: str) -> None:
        super().__init__(what)
        self._places = [*places]  # from the inside to the outside

    def inside(self, place: str) -> None:
        """Note that what is refused is in the value of this name, or of this number in a list."""
        self._places.append(place)

    def __str__(self) -> str:
        place = ".".join(reversed(self._places))[:MAX_PLACE]
        return f"The body holds {self.args[0]}{f' (at {place})' if place else ''}."


class _Fault(NamedTuple):
    """Stands where the parser met what is refused; only the walk through all values knows the place."""

    what: str
    places: tuple[str, ...] = ()


def loads(body: bytes, *, most_values: int = MAX_VALUES) -> JsonValue:
    """
    Return the value that *body* holds, which has at most *most_values* names and values in it.

    Raises MalformedRequest with the place where it is wrong.
    """
    try:
        text = body.decode("utf-8")
        _check_count(text, most_values)
        value: JsonValue = _DECODER.decode(text)
        _check(value, _Left(most_values), depth=1)
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The body is not UTF-8 (byte {error.start}).") from None
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise MalformedRequest(f"The body is not JSON ({place}).") from None
    except _Refused as error:
        raise MalformedRequest(str(error)) from None
    except RecursionError:
        raise MalformedRequest(str(_Refused(_TOO_DEEP))) from None
    return value


# A string, or the rest of the text where it does not end. Possessive, so that no character is read twice.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def _check_count(text: str, most_values: int) -> None:
    """Refuse JSON that has more names and values, before any is made; some of it passes all the same."""
    if sum(map(text.count, ",:[{")) <= most_values:
        return
    structure = _STRING.sub("", text)
    # A name stands before each colon, a value before each comma and behind the last one, and each bracket
    # begins a value.
    values = max(structure.count(",") + 1, structure.count("[") + structure.count("{"))
    if structure.count(":") + values > most_values:
        raise _Refused(_too_many(most_values))


def _too_many(most_values: int) -> str:
    return f"more than {most_values} names and values"


_TOO_DEEP = f"values that are nested deeper than {MAX_DEPTH} levels"
_TOO_LARGE = "a number that is too large"


def _object(pairs: Sequence[tuple[str, JsonValue]]) -> object:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    first = {name: number for number, (name, _) in reversed([*enumerate(pairs)])}
    twice = next(name for number, (name, _) in enumerate(pairs) if first[name] != number)
    return _Fault("an object with the same name twice", (twice,) if _is_unicode(twice) else ())


def _integer(text: str) -> object:
    try:
        return int(text)
    except ValueError:  # Python reads none of more than 4,300 digits
        return _Fault(_TOO_LARGE)


def _float(text: str) -> object:
    try:
        number = exact_float(text)
    except ArithmeticError:
        return _Fault("a number whose exponent has too many digits")
    return _Fault(_TOO_LARGE) if math.isinf(number) else number


def _constant(_: str) -> object:
    return _Fault("NaN or Infinity, which JSON does not have")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


class _Left:
    """How many more names and values there may be, of *most*."""

    __slots__ = ("_most", "_seen")

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen = 0

    def count(self) -> None:
        """Count one; raises _Refused where it is one too many."""
        self._seen += 1
        if self._seen > self._most:
            raise _Refused(_too_many(self._most))


def _check(value: object, left: _Left, depth: int) -> None:
    """Check a value and all in it; raises _Refused."""
    left.count()
    match value:
        case str():
            if not _is_unicode(value):
                raise _Refused("a surrogate without its pair, which no text can hold")
        case dict():
            _check_depth(depth)
            for name, entry in value.items():
                _check(name, left, depth + 1)
                _check_entry(name, entry, left, depth + 1)
        case list():
            _check_depth(depth)
            for number, entry in enumerate(value):
                _check_entry(number, entry, left, depth + 1)
        case _Fault():
            raise _Refused(value.what, *value.places)
        case _:
            pass


def _check_entry(place: object, entry: object, left: _Left, depth: int) -> None:
    try:
        _check(entry, left, depth)
    except _Refused as refused:
        refused.inside(str(place))
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
