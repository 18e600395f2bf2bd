"""
The most expensive requests that each route takes, within the bounds of a request.

Each body makes one kind of work expensive: parsing JSON, normalizing, validating, reporting errors. The
fields of a route are those of its schema.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from marshmallow import Schema, fields

from service.api.routes import Route
from service.api.schemas.account_fields import MAX_ATTRIBUTE_CHARACTERS, MAX_ATTRIBUTES
from service.api.schemas.json_object import MAX_BYTES, MAX_VALUES
from service.api.schemas.profiles import ProfileSchema
from service.api.schemas.user_profiles import ProfilesBatchSchema
from service.domain.profiles import MAX_USERS
from service.server.header_limits import MAX_FIELD_BYTES, MAX_LINE_BYTES

BODY_BYTES: Final = 262_144  # the default of `max-body-bytes`
FIELD_BYTES: Final = MAX_FIELD_BYTES - 64  # of the value of a header field
# Texts that are expensive for their length.
UNSORTED_MARKS: Final = "a" + "\u0301" * 60_000 + "\u0327" * 60_000
ALLOWED_MARKS: Final = ("a" + "\u0301" * 15 + "\u0327" * 15) * 4_000
EXPANDING: Final = "\U0001d160" * 60_000
COMPATIBLE: Final = "\ufdfa" * 80_000
TEXTS: Final[Mapping[str, str]] = {
    "unsorted marks": UNSORTED_MARKS,
    "allowed marks": ALLOWED_MARKS,
    "characters that expand": EXPANDING,
    "compatible characters": COMPATIBLE,
    "long label": "https://" + "\u30fb" * 1_990 + ".com",
    "white space": "a" + " " * 250_000,
    "letters": "a" * 250_000,
}
LONG_NUMBER: Final = "0.123456789012345678"  # has no exact double


@dataclass(frozen=True, slots=True)
class Costly:
    """A request without its body's length; *name* says what is expensive about it."""

    name: str
    method: str
    target: str
    headers: tuple[str, ...] = ()
    body: bytes = b""
    chunked: bool = False
    varied: bool = False

    def bytes_as(self, caller: Sequence[str], number: int) -> bytes:
        """
        Return the request with the header lines that identify the caller.

        *varied* headers differ by *number*: caches of equal ones would hide their cost.
        """
        headers = [f"{line}{number}" for line in self.headers] if self.varied else self.headers
        framing = (
            "Transfer-Encoding: chunked" if self.chunked else f"Content-Length: {len(self.body)}"
        )
        lines = [f"{self.method} {self.target} HTTP/1.1", "Host: localhost", "Connection: close"]
        head = "\r\n".join((*lines, framing, *caller, *headers, "", "")).encode("latin-1")
        return head + (_bytewise(self.body) if self.chunked else self.body)


def costly_requests(route: Route) -> Iterator[Costly]:
    """Yield the requests for a route."""
    target = route.path.replace("{asset}", "page.js").replace("{id}", "a")
    target = target.replace("{userId}", "a")
    plain = Costly("plain", route.method, target)
    schema = route.operation.body
    for headers, name in HEADERS.items():
        yield replace(plain, name=name, headers=headers, varied=True)
    yield replace(plain, name="query", target=f"{target}?{'a=%41&' * (MAX_LINE_BYTES // 8)}")
    if schema is None:
        return
    media_type = f"Content-Type: {route.operation.body_types[0]}"
    for name, body in _bodies(schema()):
        assert len(body) <= BODY_BYTES, name
        yield replace(plain, name=name, body=body, headers=(media_type,))
        gzipped = (media_type, "Content-Encoding: gzip")
        yield replace(plain, name=f"{name}, gzip", body=gzip.compress(body), headers=gzipped)
    yield replace(
        plain, name="chunks of a byte", body=b"[" * 40_000, headers=(media_type,), chunked=True
    )


def _lines(name: str, value: str, count: int = 1) -> tuple[str, ...]:
    return tuple(f"{name}: {value[:FIELD_BYTES]}" for _ in range(count))


_TYPED: Final = "application/json"
HEADERS: Final[Mapping[tuple[str, ...], str]] = {
    _lines("Content-Type", _TYPED + ";" * FIELD_BYTES): "parameters that are empty",
    _lines("Content-Type", f"{_TYPED};" + '"' * FIELD_BYTES): "quotes in a media type",
    _lines("Content-Type", _TYPED + ";a=b" * FIELD_BYTES): "parameters",
    _lines("Content-Type", "(" * FIELD_BYTES): "comments in a media type",
    _lines("If-Match", '"a",' * FIELD_BYTES, 3): "entity tags",
    _lines("If-Match", "," * FIELD_BYTES, 3): "entity tags that are empty",
    _lines("If-None-Match", '"a"' + " ," * FIELD_BYTES, 3): "entity tags, some of them empty",
    _lines("If-Unmodified-Since", "1 Jan 2020 " + "1:" * FIELD_BYTES): "colons in a date",
    _lines("X-Forwarded-For", "1.1.1.1," * FIELD_BYTES, 3): "hops",
    _lines("X-Forwarded-For", ":" * FIELD_BYTES): "colons in an address",
    _lines("Cookie", "a=b; " * FIELD_BYTES, 3): "cookies",
    _lines("Accept", "a/b;q=0.1," * FIELD_BYTES, 3): "accepted types",
    _lines("Accept-Encoding", "gzip;q=0.1," * FIELD_BYTES, 3): "accepted codings",
    _lines("Authorization", "Bearer " + "a" * FIELD_BYTES): "a long token",
    _lines("Authorization", "Bearer " + "e30." * FIELD_BYTES): "a token of many parts",
    _lines("Origin", "https://" + "a" * FIELD_BYTES): "a long origin",
    _lines("X-Request-Id", "a" * FIELD_BYTES): "a long request id",
    _lines("X-Amzn-Trace-Id", "Root=1;" * FIELD_BYTES): "a long trace id",
    tuple(f"A{number}: {'b' * 500}" for number in range(100)): "fields",
}


def _bodies(schema: Schema) -> Iterator[tuple[str, bytes]]:
    """Yield bodies that no schema accepts, bodies of expensive texts, and ones that it may accept."""
    yield "a long integer", b'{"a":' + b"9" * 262_000 + b"}"
    yield "long integers", _list_of(b"9" * 4_300, 60)
    yield "numbers of many digits", _list_of(LONG_NUMBER.encode(), 4_900)
    yield "too many numbers", _list_of(b"1e-400", 37_000)
    yield "too many lists", _list_of(b"[]", 87_000)
    yield "nested lists", _list_of(b"[" * 28 + b"]" * 28, 170)
    yield "brackets", b"[" * 262_000
    yield "one name repeated", b"{" + b",".join([b'"":0'] * 2_400) + b"}"
    yield "names", _json({f"n{number}": 0 for number in range(2_400)})
    yield "few names", _json({f"n{number}": 0 for number in range(140)})
    yield "escapes", b'{"a":"' + b"\\u0301" * 43_000 + b'"}'
    yield "punctuation", b'{"a":"' + b",:[{" * 65_000 + b'"}'
    yield "quotes", b'{"a":"' + b'\\"' * 131_000
    yield "white space", b" " * 262_000 + b"{}"
    for name, text in TEXTS.items():
        yield f"name of {name}", _json({_cut(text, BODY_BYTES - 100): 0})
        yield f"texts of {name}", _json(_filled(schema, text))
        cut = _cut(text, BODY_BYTES // (4 * len(schema.fields)))
        yield f"lists of {name}", _json(dict.fromkeys(_names(schema), [cut] * 3))
    yield "lists in place of texts", _json(dict.fromkeys(_names(schema), [0] * 10))
    if isinstance(schema, ProfileSchema):
        yield from _profiles()
    if isinstance(schema, ProfilesBatchSchema):
        users = [f"{number:0255}" for number in range(MAX_USERS)]
        yield "users without a profile", _json({"userIds": users})
        yield "fields of a batch", _json({"userIds": ["a"], "fields": ["a"] * 4_900})


def _profiles() -> Iterator[tuple[str, bytes]]:
    for name, text in TEXTS.items():
        lines = {"displayName": text[:512], "bio": text[:16_384], "street": text[:1_024]}
        objects = {"a": _cut(text, MAX_BYTES - 100)}
        yield f"profile of {name}", _json({**lines, "preferences": objects})
    numbers = ",".join(f'"n{number}":0.{number:020d}1' for number in range(MAX_VALUES - 1))
    yield "preferences of numbers", f'{{"preferences":{{{numbers}}}}}'.encode()
    texts = {f"n{number}": "\u00e9" * 8 for number in range(MAX_VALUES - 1)}
    yield "preferences of texts", _json({"preferences": texts})
    deep: object = [0] * (MAX_VALUES - 31)
    for _ in range(29):
        deep = {"n" * 255: deep}
    yield "preferences of long paths", _json({"preferences": deep})


def _names(schema: Schema) -> list[str]:
    return [field.data_key or name for name, field in schema.fields.items()]


def _filled(schema: Schema, text: str) -> dict[str, object]:
    """Return a body with *text* in each field, as long as the limit allows."""
    share = (BODY_BYTES - 2_000) // (len(schema.fields) + 2)
    filled: dict[str, object] = {}
    for name, field in schema.fields.items():
        key = field.data_key or name
        if isinstance(field, fields.Nested):
            filled[key] = _filled_nested(field.schema, text, share)
        elif isinstance(field, fields.Dict):
            filled[key] = _attributes(text, share)
        elif isinstance(field, fields.String):
            filled[key] = _cut(text, share)
        else:
            filled[key] = {"a": _cut(text, share)}
    return filled


def _filled_nested(schema: Schema, text: str, share: int) -> dict[str, object]:
    inner = share // (len(schema.fields) + 1)
    return {
        key: _attributes(text, inner)
        if isinstance(field, fields.Dict)
        else _cut(text, inner)
        if isinstance(field, fields.String)
        else {"a": _cut(text, inner)}
        for key, field in ((field.data_key or name, field) for name, field in schema.fields.items())
    }


def _attributes(text: str, share: int) -> dict[str, object]:
    each = min(share // MAX_ATTRIBUTES, MAX_ATTRIBUTE_CHARACTERS)
    return {f"custom:{number}": _cut(text, each) for number in range(MAX_ATTRIBUTES)}


def _cut(text: str, most_bytes: int) -> str:
    return text.encode()[: max(0, most_bytes)].decode(errors="ignore")


def _list_of(value: bytes, count: int) -> bytes:
    return b'{"a":[' + b",".join([value] * count) + b"]}"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _bytewise(body: bytes) -> bytes:
    return b"".join(b"1\r\n" + bytes([byte]) + b"\r\n" for byte in body) + b"0\r\n\r\n"
