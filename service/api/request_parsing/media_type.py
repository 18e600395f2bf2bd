"""
The Content-Type of a request (RFC 9110, section 8.3), parsed in linear time.

aiohttp uses the standard library's e-mail parser, which takes seconds for 20 KB of semicolons or quotes
and fails on nested comments.
"""

import re
from typing import Final, NamedTuple

MAX_CHARACTERS: Final = 256  # `application/merge-patch+json; charset=utf-8` has 43

# The labels of UTF-8 (https://encoding.spec.whatwg.org/#names-and-labels and IANA's csUTF8), and those of
# ASCII, which is a part of it (https://www.iana.org/assignments/character-sets).
UTF_8: Final = frozenset(
    {"utf-8", "utf8", "utf_8", "csutf8"}
    | {"unicode-1-1-utf-8", "unicode11utf8", "unicode20utf8", "x-unicode20utf8"}
    | {"us-ascii", "ascii", "csascii", "us", "iso-ir-6", "iso646-us", "iso_646.irv:1991"}
    | {"ansi_x3.4-1968", "ansi_x3.4-1986", "ibm367", "cp367"}
)

_TOKEN_CHARACTERS: Final = r"!#$%&'*+.^_`|~0-9A-Za-z-"  # noqa: S105 -- RFC 9110 calls a name a token
_TOKEN: Final = f"[{_TOKEN_CHARACTERS}]++"
# No group is possessive: before Python 3.11.5 such a group may match half of what it contains.
_QUOTED: Final = r'"(?:[\t !#-\[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"'
# Clients also send blanks around the =, and a label with a colon: ISO_646.irv:1991.
_VALUE: Final = rf"{_QUOTED}|[:{_TOKEN_CHARACTERS}]++"
_PARAMETER: Final = rf"({_TOKEN})[ \t]*+=[ \t]*+({_VALUE})"
_PARAMETERS: Final = re.compile(rf"(?:[ \t]*+;[ \t]*+(?:{_PARAMETER})?)*[ \t]*+")
_EACH_PARAMETER: Final = re.compile(rf";[ \t]*+{_PARAMETER}")
_NAME: Final = re.compile(rf"{_TOKEN}/{_TOKEN}")
_ESCAPE: Final = re.compile(r"\\(.)")


class MediaType(NamedTuple):
    """A media type: its *name*, such as `application/json`, and all its charsets, in lower case."""

    name: str
    charsets: frozenset[str]

    @property
    def is_utf_8(self) -> bool:
        """Whether no charset contradicts UTF-8, which JSON has without one (RFC 8259, section 11)."""
        return self.charsets <= UTF_8


def media_type(text: str) -> MediaType | None:
    """Return the media type of a Content-Type, or None if it is malformed or too long."""
    if len(text) > MAX_CHARACTERS:
        return None
    name = _NAME.match(text)
    if name is None or not _PARAMETERS.fullmatch(text, name.end()):
        return None
    charsets = (
        _unquoted(value).strip(" \t'").lower()
        for parameter, value in _EACH_PARAMETER.findall(text, name.end())
        if parameter.lower() == "charset"
    )
    return MediaType(name[0].lower(), frozenset(charsets))


def _unquoted(value: str) -> str:
    return _ESCAPE.sub(r"\1", value[1:-1]) if value.startswith('"') else value
