"""Strict JSON: what is accepted and what is not."""

from decimal import Decimal

import pytest

from service.api.http_errors import MalformedRequest
from service.api.request_parsing import strict_json
from service.domain.values.json_values import JsonValue

REFUSED = {
    "empty": (b"", "line 1, column 1"),
    "cut short": (b'{"a": [1, 2', "line 1, column 12"),
    "on the second line": (b'{"a": 1,\n "b" 2}', "line 2, column 6"),
    "trailing comma": (b'{"a": 1,}', "not valid JSON"),
    "single quotes": (b"{'a': 1}", "not valid JSON"),
    "two values": (b"{} {}", "not valid JSON"),
    "two byte order marks": (b"\xef\xbb\xbf" * 2 + b"{}", "line 1, column 1"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "not valid UTF-8"),
    "Latin-1": (b'{"city": "M\xfcnchen"}', "byte 11"),
    "same name twice": (b'{"city": "a", "city": "b"}', "repeated name (at city)"),
    "same name twice, of no text": (b'{"\\ud800": 1, "\\ud800": 1}', "repeated name."),
    "same name twice, escaped": (b'{"city": "a", "\\u0063ity": "b"}', "repeated name"),
    "same name twice inside": (b'{"a": [{"b": 1, "b": 1}]}', "repeated name (at a.0.b)"),
    "NaN": (b'{"a": NaN}', "NaN or Infinity, which are not JSON (at a)"),
    "Infinity": (b'{"a": -Infinity}', "NaN or Infinity"),
    "beyond a double": (b'{"a": 1e400}', "too large"),
    "beyond a double, inside": (b'{"a": [1, {"b": -1e400}]}', "too large (at a.1.b)"),
    "too many digits": (b'{"a": 1' + b"0" * 5_000 + b"}", "too large (at a)"),
    "too large an exponent": (
        b'{"a": 1e-99999999999999999999}',
        "too large an exponent (at a)",
    ),
    "surrogate alone": (b'{"a": ["\\ud800"]}', "valid Unicode (at a.0)"),
    "surrogate alone in a name": (b'{"a": {"\\udc00": 1}}', "valid Unicode (at a)"),
    "33 levels": (b'{"a":' * 33 + b"1" + b"}" * 33, "deeper than 32"),
    "33 levels, named": (b'{"a":' * 33 + b"1" + b"}" * 33, f"(at {'.'.join('a' * 32)})"),
    "a long name": (b'{"' + b"a" * 1_000 + b'": NaN}', f"(at {'a' * 200})."),
    "33 lists": (b"[" * 33 + b"]" * 33, "deeper than 32"),
    "more values than are served": (b"[" + b"0," * 5_000 + b"0]", "more than 5000"),
    "one value more than is served": (b"[" + b"0," * 4_999 + b"0]", "more than 5000"),
    "more names than are served": (
        b"{" + b",".join(b'"%d":0' % name for name in range(2_500)) + b"}",
        "more than 5000",
    ),
    "more lists than are served": (b"[" + b"[[]]," * 2_500 + b"0]", "more than 5000"),
    "more brackets than are served": (b"[" + b"[[[[]]]]," * 1_250 + b"0]", "more than 5000"),
    "4,000 brackets": (b"[" * 4_000 + b"]" * 4_000, "deeper than 32"),
    "a bomb of brackets": (b"[" * 200_000, "more than 5000"),
}


@pytest.mark.parametrize(("body", "place"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_json_is_refused_with_its_place(body: bytes, place: str) -> None:
    """Invalid JSON, or JSON that cannot be stored exactly, is refused with its position or path."""
    with pytest.raises(MalformedRequest) as refused:
        strict_json.loads(body)

    assert place in refused.value.public_detail


def _lists(count: int) -> list[JsonValue]:
    return [[[]] for _ in range(count)]


ACCEPTED: dict[str, tuple[bytes, JsonValue]] = {
    "as many values as are served": (b"[" + b"0," * 4_998 + b"0]", [0] * 4_999),
    "as many names as are served": (
        b"{" + b",".join(b'"%d":0' % name for name in range(2_499)) + b"}",
        {str(name): 0 for name in range(2_499)},
    ),
    "as many lists as are served": (b"[" + b"[[]]," * 2_498 + b"0]", [*_lists(2_498), 0]),
    "punctuation in texts": (
        b'{"a": "' + b",:[{" * 2_000 + b'", "b\\"": "\\\\"}',
        {"a": ",:[{" * 2_000, 'b"': "\\"},
    ),
    "scalars": (b'[null, true, -1, 2.5, "x"]', [None, True, -1, 2.5, "x"]),
    "a surrogate pair": (b'{"a": "\\ud83d\\ude00"}', {"a": "\U0001f600"}),
    "same name at two levels": (b'{"a": {"a": 1}}', {"a": {"a": 1}}),
    "white space": (b' \r\n\t{ "a" : 1 } ', {"a": 1}),
    "smallest double": (b"[5e-324]", [5e-324]),
    "more digits than a double has": (
        b"[0.10000000000000000001]",
        [Decimal("0.10000000000000000001")],
    ),
    "less than a double": (b"[1e-400]", [Decimal("1e-400")]),
    "zeros at the end": (b"[1.500, 1.0]", [1.5, 1.0]),
}


@pytest.mark.parametrize(("body", "value"), ACCEPTED.values(), ids=ACCEPTED)
def test_json_is_read(body: bytes, value: JsonValue) -> None:
    """Valid JSON is parsed unchanged."""
    assert strict_json.loads(body) == value


def test_32_levels_are_read() -> None:
    """DynamoDB's maximum nesting is accepted."""
    assert strict_json.loads(b'{"a":' * 32 + b"1" + b"}" * 32)


@pytest.mark.parametrize("end", [b"", b"\\", b'\\"'], ids=["none", "backslash", "quote"])
def test_text_without_an_end_is_refused_among_much_punctuation(end: bytes) -> None:
    """The early count takes linear time for unterminated strings."""
    with pytest.raises(MalformedRequest) as refused:
        strict_json.loads(b'{"a": "' + b",:[{" * 2_000 + end)

    assert "not valid JSON" in refused.value.public_detail


def test_route_may_take_fewer_values() -> None:
    """A route's own maximum of values applies."""
    assert strict_json.loads(b"[1, 2]", max_values=3) == [1, 2]
    with pytest.raises(MalformedRequest) as refused:
        strict_json.loads(b"[1, 2, 3]", max_values=3)

    assert "more than 3 names and values" in refused.value.public_detail
