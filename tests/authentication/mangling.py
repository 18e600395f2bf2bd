"""Malformed variants of any signed token."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from tests.support.clock import NOW
from tests.support.raw_jwt import Raw, decoded

Made = TypeVar("Made")

ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def with_unused_bits(number: int) -> Callable[[str], str]:
    """Return a change of a part to another encoding of the same bytes."""

    def mangle(token: str) -> str:
        parts = [part.rstrip("=") for part in token.split(".")]
        if len(parts[number]) % 4 == 0:  # all bits are used: there is another spelling only beyond
            return ".".join((*parts[:number], parts[number] + "A", *parts[number + 1 :]))
        last = ALPHABET[ALPHABET.index(parts[number][-1]) + 1]
        other = parts[number][:-1] + last
        assert decoded(other) == decoded(parts[number])
        return ".".join((*parts[:number], other, *parts[number + 1 :]))

    return mangle


def with_part(number: int, change: Callable[[str], str]) -> Callable[[str], str]:
    """Return a change of one part."""

    def mangle(token: str) -> str:
        parts = token.split(".")
        parts[number] = change(parts[number])
        return ".".join(parts)

    return mangle


MANGLED: Final[Mapping[str, Callable[[str], str]]] = {
    "a word": lambda _: "token",
    "one dot": lambda _: ".",
    "two dots": lambda _: "..",
    "dots alone": lambda _: "." * 2_000,
    "two parts": lambda token: token.rpartition(".")[0],
    "no signature but its dot": lambda token: token.rpartition(".")[0] + ".",
    "four parts": lambda token: token + ".AAAA",
    "a dot behind": lambda token: token + ".",
    "a dot in front": lambda token: "." + token,
    "a dot twice": lambda token: token.replace(".", "..", 1),
    "empty header": with_part(0, lambda _: ""),
    "empty payload": with_part(1, lambda _: ""),
    "a space behind": lambda token: token + " ",
    "a space in front": lambda token: " " + token,
    "a space inside": with_part(1, lambda part: part[:20] + " " + part[20:]),
    "a tab inside": with_part(1, lambda part: part[:20] + "\t" + part[20:]),
    "a line end behind": lambda token: token + "\n",
    "a line end inside": with_part(0, lambda part: part[:20] + "\r\n" + part[20:]),
    "a NUL behind": lambda token: token + "\0",
    "a letter beyond base64url": with_part(0, lambda part: "+" + part[1:]),
    "a slash": with_part(1, lambda part: part[:9] + "/" + part[10:]),
    "an exclamation mark": with_part(1, lambda part: part[:9] + "!" + part[9:]),
    "percent signs": lambda token: token.replace(".", "%2E"),
    "a full-width letter": lambda token: "\uff45" + token[1:],
    "a Kelvin sign": with_part(2, lambda part: "\u212a" + part[1:]),
    "a lone surrogate": with_part(2, lambda part: "\udce9" + part[1:]),
    "a full-width dot": lambda token: token.replace(".", "\uff0e", 1),
    "padding in front": lambda token: "=" + token,
    "padding inside": with_part(1, lambda part: part[:8] + "=" + part[8:]),
    "three padding characters": with_part(1, lambda part: part.rstrip("=") + "==="),
    "padding that is too much": with_part(
        0, lambda part: part.rstrip("=") + "=" * (3 - (-len(part.rstrip("=")) % 4))
    ),
    "padding alone": with_part(2, lambda _: "=="),
    "a header one letter longer than bytes": with_part(0, lambda _: "AAAAA"),
    "unused bits in the header": with_unused_bits(0),
    "unused bits in the payload": with_unused_bits(1),
    "unused bits in the signature": with_unused_bits(2),
    "parts in another order": lambda token: ".".join(reversed(token.split("."))),
    "JSON serialization": lambda token: json.dumps(
        dict(zip(("protected", "payload", "signature"), token.split("."), strict=True))
    ),
    "20 KB of signature": with_part(2, lambda _: "A" * 20_000),
}


def with_member(text: bytes) -> Callable[[bytes], bytes]:
    """Return a change that adds a member to the end of an object."""
    return lambda good: good[:-1] + b"," + text + b"}"


NO_OBJECTS: Final[
    Mapping[str, Callable[[bytes], bytes]]
] = {  # of the JSON of an object that is good
    "no JSON": lambda _: b"sub=alice",
    "a list": lambda good: b"[" + good + b"]",
    "a text": lambda good: json.dumps(good.decode()).encode(),
    "a number": lambda _: b"5",
    "null": lambda _: b"null",
    "true": lambda _: b"true",
    "twice": lambda good: good * 2,
    "cut off": lambda good: good[:-1],
    "with a comma too many": lambda good: good[:-1] + b",}",
    "with a comment": lambda good: good[:-1] + b"/**/}",
    "with single quotes": lambda good: good.replace(b'"', b"'"),
    "with a name unquoted": with_member(b"a:1"),
    "with a byte order mark": lambda good: b"\xef\xbb\xbf" + good,
    "with a NUL behind": lambda good: good + b"\0",
    "with a no-break space in front": lambda good: b"\xc2\xa0" + good,
    "in UTF-16": lambda good: good.decode().encode("utf-16-le"),
    "in Latin-1": with_member(b'"a":"\xef"'),
    "with a surrogate in UTF-8": with_member(b'"a":"\xed\xa0\x80"'),
    "with an overlong letter": with_member(b'"a":"\xc1\xa1"'),
    "with a line end in a text": with_member(b'"a":"b\nc"'),
    "with an unknown escape": with_member(rb'"a":"\x41"'),
    "with a name twice": with_member(b'"a":1,"a":1'),
    "with a name twice, once escaped": with_member(rb'"a":1,"\u0061":1'),
    "with a name twice, deeper": with_member(b'"a":[{"b":1,"b":1}]'),
    "with NaN": with_member(b'"a":NaN'),
    "with Infinity": with_member(b'"a":[-Infinity]'),
    "with a plus sign": with_member(b'"a":+1'),
    "with an octal number": with_member(b'"a":010'),
    "with 5,000 digits": with_member(b'"a":' + b"9" * 5_000),
    "5,000 lists deep": with_member(b'"a":' + b"[" * 5_000 + b"]" * 5_000),
    "16 lists deep": with_member(b'"a":' + b"[" * 16 + b"]" * 16),
    "2,000 objects deep": with_member(b'"a":' + b'{"a":' * 2_000 + b"1" + b"}" * 2_000),
}

NO_TIMES: Final[Mapping[str, Any]] = {
    "a text": "soon",
    "a numeric text": str(int(NOW) + 60),
    "an empty text": "",
    "true": True,
    "null": None,
    "a list": [int(NOW) + 60],
    "an object": {"seconds": int(NOW) + 60},
    "beyond floats": Raw("1e400"),
    "beyond floats, negative": Raw("-1e400"),
    "of 400 digits": Raw("9" * 400),
    "of 400 digits, negative": Raw("-" + "9" * 400),
    "of 5,000 digits": Raw("9" * 5_000),
    "NaN": Raw("NaN"),
    "Infinity": Raw("Infinity"),
}

NO_TEXTS: Final[Mapping[str, Any]] = {
    "a number": 5,
    "true": True,
    "null": None,
    "a list": ["x"],
    "an empty list": [],
    "an object": {"x": "y"},
}
NO_NAMES: Final[Mapping[str, Any]] = {**NO_TEXTS, "empty": ""}


def each(
    part: str, make: Callable[..., Made], claims: str, values: Mapping[str, Any]
) -> dict[str, Made]:
    """Return the results of *make* for each claim with each value, by name."""
    return {
        f"{part}: {claim} {name}": make(**{claim: value})
        for claim in claims.split()
        for name, value in values.items()
    }
