"""What is JSON to the service, and what is not."""

import pytest

from service.domain.errors import MalformedRequest
from service.domain.profiles import JsonValue
from service.web import strict_json

REFUSED = {
    "empty": (b"", "line 1, column 1"),
    "cut short": (b'{"a": [1, 2', "line 1, column 12"),
    "on the second line": (b'{"a": 1,\n "b" 2}', "line 2, column 6"),
    "trailing comma": (b'{"a": 1,}', "not JSON"),
    "single quotes": (b"{'a': 1}", "not JSON"),
    "two values": (b"{} {}", "not JSON"),
    "byte order mark": (b"\xef\xbb\xbf{}", "not JSON"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not UTF-8"),
    "Latin-1": (b'{"city": "M\xfcnchen"}', "byte 11"),
    "same name twice": (b'{"city": "a", "city": "b"}', "same name twice"),
    "same name twice, escaped": (b'{"city": "a", "\\u0063ity": "b"}', "same name twice"),
    "same name twice inside": (b'{"a": [{"b": 1, "b": 1}]}', "same name twice"),
    "NaN": (b'{"a": NaN}', "NaN or Infinity"),
    "Infinity": (b'{"a": -Infinity}', "NaN or Infinity"),
    "beyond a double": (b'{"a": 1e400}', "too large"),
    "too many digits": (b'{"a": 1' + b"0" * 5_000 + b"}", "too large"),
    "surrogate alone": (b'{"a": "\\ud800"}', "surrogate"),
    "surrogate alone in a name": (b'{"\\udc00": 1}', "surrogate"),
    "33 levels": (b'{"a":' * 33 + b"1" + b"}" * 33, "deeper than 32"),
    "33 lists": (b"[" * 33 + b"]" * 33, "deeper than 32"),
    "more values than are served": (b"[" + b"0," * 10_000 + b"0]", "more than 10000"),
    "a bomb of brackets": (b"[" * 200_000, "deeper than 32"),
}


@pytest.mark.parametrize(("body", "place"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_json_is_refused_with_its_place(body: bytes, place: str) -> None:
    """A body that is not JSON, or that would lose something, is refused; the text says where."""
    with pytest.raises(MalformedRequest) as refused:
        strict_json.loads(body)

    assert place in refused.value.public_detail


ACCEPTED: dict[str, tuple[bytes, JsonValue]] = {
    "scalars": (b'[null, true, -1, 2.5, "x"]', [None, True, -1, 2.5, "x"]),
    "a surrogate pair": (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "same name at two levels": (b'{"a": {"a": 1}}', {"a": {"a": 1}}),
    "white space": (b' \r\n\t{ "a" : 1 } ', {"a": 1}),
    "smallest double": (b"[5e-324]", [5e-324]),
}


@pytest.mark.parametrize(("body", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_json_is_read(body: bytes, value: JsonValue) -> None:
    """What is JSON is read as it was written."""
    assert strict_json.loads(body) == value


def test_32_levels_are_read() -> None:
    """The deepest nesting that DynamoDB takes is accepted."""
    assert strict_json.loads(b'{"a":' * 32 + b"1" + b"}" * 32)
