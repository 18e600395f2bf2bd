"""What each field of a profile takes."""

import pytest
from marshmallow import ValidationError

from service.domain.profiles import JsonValue
from service.web.schemas.profiles import ProfileSchema

ACCEPTED: list[tuple[str, JsonValue]] = [
    ("displayName", "Ásha Ráo 😀"),
    ("bio", "two\nlines"),
    ("street", "1 Marine Drive\nFlat 2"),
    ("email", "asha.rao+x@example.co.in"),
    ("phoneNumber", "+912212345678"),
    ("birthdate", "2000-02-29"),
    ("picture", "https://example.com/a.jpg?x=1"),
    ("website", "http://example.com"),
    ("locale", "en"),
    ("locale", "zh-Hant-TW"),
    ("timezone", "Asia/Kolkata"),
    ("preferences", {}),
    ("preferences", {"theme": "dark", "list": [1, None, {"a": 1.5}]}),
]


@pytest.mark.parametrize(("field", "value"), ACCEPTED, ids=str)
def test_fit_value_is_taken_as_it_is(field: str, value: JsonValue) -> None:
    """A fit value comes out as it went in, under its own name."""
    assert ProfileSchema().load({field: value}) == {field: value}


@pytest.mark.parametrize("field", [field.data_key for field in ProfileSchema().fields.values()])
def test_null_is_taken_for_every_field(field: str) -> None:
    """Null stands for the removal of a field."""
    assert ProfileSchema().load({field: None}) == {field: None}


REFUSED: list[tuple[str, JsonValue]] = [
    ("displayName", ""),
    ("displayName", "x" * 129),
    ("city", 12),
    ("city", True),
    ("city", ["Mumbai"]),
    ("city", "two\nlines"),
    ("bio", "x" * 4_097),
    ("email", "nobody"),
    ("email", "x" * 250 + "@example.com"),
    ("phoneNumber", "022 1234 5678"),
    ("phoneNumber", "+0912212345678"),
    ("phoneNumber", "+91221234567890123"),
    ("phoneNumber", "+912212345678\n"),
    ("phoneNumber", "+\u0669\u0661\u0662\u0662\u0661\u0662\u0663\u0664\u0665\u0666"),
    ("birthdate", "2001-02-29"),
    ("birthdate", "20010101"),
    ("birthdate", "2001-1-1"),
    ("birthdate", 20010101),
    ("birthdate", "\u0662\u0660\u0660\u0661-\u0660\u0661-\u0660\u0661"),  # Arabic-Indic digits
    ("picture", "javascript:alert(1)"),
    ("picture", "ftp://example.com/a.jpg"),
    ("website", "https://example.com/" + "x" * 2_048),
    ("locale", "english please"),
    ("locale", "en_IN"),
    ("locale", "en-" + "-".join(["abcd"] * 10)),
    ("timezone", "Bombay"),
    ("timezone", "../etc/passwd"),
    ("timezone", 5.5),
    ("preferences", "dark"),
    ("preferences", []),
]


@pytest.mark.parametrize(("field", "value"), REFUSED, ids=lambda part: str(part)[:40])
def test_unfit_value_is_refused_by_name(field: str, value: JsonValue) -> None:
    """A value that the field does not take is refused under the field's name, and not repeated."""
    with pytest.raises(ValidationError) as refused:
        ProfileSchema().load({field: value})

    (messages,) = refused.value.messages_dict.values()
    assert list(refused.value.messages_dict) == [field]
    assert value == "" or str(value) not in " ".join(messages)
