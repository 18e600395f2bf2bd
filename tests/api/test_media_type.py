"""A Content-Type is parsed by RFC 9110, up to a maximum length."""

import pytest

from service.api.media_type import media_type

UTF_8 = frozenset({"utf-8"})
READ = {
    "application/json": ("application/json", frozenset[str]()),
    "Application/JSON": ("application/json", frozenset[str]()),
    "application/json; charset=UTF-8": ("application/json", UTF_8),
    'application/json;charset="utf-8"': ("application/json", UTF_8),
    'application/json;CHARSET="u\\tf-8"': ("application/json", UTF_8),
    "application/json ;\tcharset=utf-8 ; ;": ("application/json", UTF_8),
    'application/json; a="charset=x;\\"; charset=y"': ("application/json", frozenset[str]()),
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
    "application/json; charset = utf-8",
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
