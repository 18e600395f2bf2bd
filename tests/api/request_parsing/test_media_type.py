"""A Content-Type is parsed by RFC 9110, up to a maximum length."""

import pytest

from service.api.request_parsing.media_type import media_type

UTF_8 = frozenset({"utf-8"})
READ = {
    "application/json": ("application/json", frozenset[str]()),
    "Application/JSON": ("application/json", frozenset[str]()),
    "application/json; charset=UTF-8": ("application/json", UTF_8),
    'application/json;charset="utf-8"': ("application/json", UTF_8),
    'application/json;CHARSET="u\\tf-8"': ("application/json", UTF_8),
    "application/json ;\tcharset=utf-8 ; ;": ("application/json", UTF_8),
    'application/json; a="charset=x;\\"; charset=y"': ("application/json", frozenset[str]()),
    "application/json; charset =\tutf-8": ("application/json", UTF_8),
    "application/json; charset='UTF-8'": ("application/json", UTF_8),
    "application/json; charset=iso_646.irv:1991": (
        "application/json",
        frozenset({"iso_646.irv:1991"}),
    ),
    "application/json; charset=utf-8; charset=x": ("application/json", UTF_8 | {"x"}),
    "application/merge-patch+json": ("application/merge-patch+json", frozenset[str]()),
}
MALFORMED = [
    "",
    "json",
    "application/",
    "application/json/",
    "application /json",
    " application/json",
    "application/json, application/json",
    "application/json; charset",
    "application/json; charset=",
    "application/json; charset =",
    "application/json; charset= ;a=b",
    'application/json; charset="utf-8',
    'application/json; charset="utf-8"x',
    "application/json; (comment)",
    "application/json" + " " * 256,
]


@pytest.mark.parametrize(("text", "read"), READ.items(), ids=READ)
def test_media_type_is_read_with_its_charsets(text: str, read: tuple[str, frozenset[str]]) -> None:
    """The name is in lower case, and parameters other than charset are ignored."""
    assert media_type(text) == read


@pytest.mark.parametrize("text", MALFORMED, ids=ascii)
def test_malformed_media_type_is_none(text: str) -> None:
    """A malformed or too long Content-Type is None."""
    assert media_type(text) is None


@pytest.mark.parametrize("charset", ["UTF8", "unicode-1-1-utf-8", "US-ASCII", '" utf-8 "'])
def test_charset_in_utf_8_is_that_of_json(charset: str) -> None:
    """Every label of UTF-8 and of ASCII, which is a part of it, fits JSON."""
    read = media_type(f"application/json; charset={charset}")

    assert read is not None
    assert read.is_utf_8


@pytest.mark.parametrize("charset", ["utf-16", "iso-8859-1", "windows-1252", "utf-7", '""'])
def test_other_charset_is_not_that_of_json(charset: str) -> None:
    """A charset in which bytes beyond ASCII mean other characters does not fit JSON."""
    read = media_type(f"application/json; charset=utf-8; charset={charset}")

    assert read is not None
    assert not read.is_utf_8
