"""Output that differs from a page is found, and what may differ is not."""

import pytest

from tests_slow.documentation.comparison import differences

UUIDS = "6f388a17-3a21-4c05-9c0b-df5d7ba47737", "092f7aba-fb54-4529-a592-d3bbb9692f7c"


@pytest.mark.parametrize(
    ("language", "shown", "printed"),
    [
        ("json", f'{{"userId": "{UUIDS[0]}"}}', f'{{"userId":"{UUIDS[1]}"}}'),
        ("json", '{"a": "eyJ…"}', '{"a": "eyJhbGciOi"}'),
        ("json", '{"a": 1, "…": "…"}', '{"a": 1, "b": 2}'),
        ("json", '[1, "…"]', "[1, 2, 3]"),
        ("json", '{"a": 1}\n{"b": 2}', '{"a":1}{"b":2}'),
        ("http", "HTTP/1.1 204 No Content", "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n"),
        ("http", "HTTP/1.1 200 OK\nA: …\n\n{}", "HTTP/1.1 200 OK\r\nA: b\r\n\r\n{}"),
        ("text", "…\nb\n…", "a\nb\nc\nd"),
        ("text", "a\n…\nd", "a\nb\nc\nd"),
    ],
)
def test_output_of_the_same_form_is_the_same(language: str, shown: str, printed: str) -> None:
    """Values that vary, and parts that are left out, are no differences."""
    assert differences(language, shown, printed) == []


@pytest.mark.parametrize(
    ("language", "shown", "printed"),
    [
        ("json", f'{{"userId": "{UUIDS[0]}"}}', '{"userId":"alice"}'),
        ("json", '{"a": 1}', '{"a": 1, "b": 2}'),
        ("json", '{"a": 1, "b": 2}', '{"a": 1}'),
        ("json", '{"a": 1}', '{"a": true}'),
        ("json", "[1]", "[1, 2]"),
        ("json", '{"a": "x"}', '{"a": "y"}'),
        ("json", '{"a": 1}', '{"a": 1}{"a": 1}'),
        ("http", "HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found\r\n\r\n"),
        ("http", "HTTP/1.1 200 OK\nA: b", "HTTP/1.1 200 OK\r\n\r\n"),
        ("http", "HTTP/1.1 200 OK\n\n{}", "HTTP/1.1 200 OK\r\n\r\n[]"),
        ("http", "HTTP/1.1 200 OK", "curl: (7) Failed to connect"),
        ("text", "b\n…", "a\nb"),
        ("text", "a", "a\nb"),
    ],
)
def test_other_output_is_found(language: str, shown: str, printed: str) -> None:
    """A value, member, status, header or line that is not the shown one is a difference."""
    assert differences(language, shown, printed) != []
