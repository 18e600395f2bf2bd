"""
The fields of a profile.

A deployment adds fields by a subclass that `[profile] schema` names; the API document follows.
"""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields, validate

from service.domain.profiles import SYSTEM_FIELDS, JsonValue
from service.web.schemas.json_object import JsonObject

MAX_LINE_CHARACTERS: Final = 256
MAX_TEXT_CHARACTERS: Final = 4_096
MAX_URL_CHARACTERS: Final = 2_048
MAX_EMAIL_CHARACTERS: Final = 254  # RFC 5321 leaves 254 for an address in angle brackets of 256
E164: Final = re.compile(
    r"\+[1-9][0-9]{1,14}\Z"
)  # ITU-T E.164: up to 15 digits, country code first
LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*\Z")  # RFC 5646, the shape only


def _line(example: str, longest: int = MAX_LINE_CHARACTERS) -> fields.String:
    """Return a field of one line of text."""
    return _text(example, longest, validate.Regexp(r"[^\r\n]*\Z", error="Must be one line."))


def _text(example: str, longest: int, *rules: validate.Validator) -> fields.String:
    length = validate.Length(
        min=1,
        max=longest,
        error="Must have {min} to {max} characters; send null to remove the field.",
    )
    return fields.String(
        allow_none=True, validate=[length, *rules], metadata={"examples": [example]}
    )


def _url(example: str) -> fields.Url:
    return fields.Url(
        allow_none=True,
        schemes={"http", "https"},
        validate=validate.Length(max=MAX_URL_CHARACTERS),
        metadata={"examples": [example]},
    )


class CalendarDate(fields.Field[str]):
    """A date of the calendar as `YYYY-MM-DD`."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:  # noqa: ANN401 -- marshmallow's hook
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            try:
                return date.fromisoformat(value).isoformat()
            except ValueError:
                pass
        raise ValidationError("Must be a date such as 1990-12-31.")


def _time_zone(name: str) -> None:
    if name not in _time_zones():
        raise ValidationError("Must be a time zone of the IANA database, such as Asia/Kolkata.")


@cache
def _time_zones() -> frozenset[str]:
    """Return the names of the database; `localtime` is this machine's own affair."""
    return frozenset(zoneinfo.available_timezones() - {"localtime"})


class ProfileSchema(Schema):
    """What a caller may write: every field is optional, null removes it."""

    error_messages = {  # noqa: RUF012 -- marshmallow reads it as a plain dict
        "unknown": "There is no such field; /openapi.json lists those that there are.",
    }

    # What the documentation page sends; a subclass may show its own fields.
    example: ClassVar[Mapping[str, object]] = {
        "displayName": "Asha",
        "city": "Mumbai",
        "country": "India",
    }

    display_name = _line("Asha", longest=128)
    given_name = _line("Asha", longest=128)
    family_name = _line("Rao", longest=128)
    nickname = _line("ash", longest=128)
    email = fields.Email(
        allow_none=True,
        validate=validate.Length(max=MAX_EMAIL_CHARACTERS),
        metadata={"examples": ["asha@example.com"]},
    )
    phone_number = fields.String(
        allow_none=True,
        validate=validate.Regexp(E164, error="Must be in E.164, such as +912212345678."),
        metadata={"examples": ["+912212345678"]},
    )
    birthdate = CalendarDate(allow_none=True, metadata={"examples": ["1990-12-31"]})
    picture = _url("https://example.com/asha.jpg")
    website = _url("https://example.com")
    bio = _text("Reads maps.", MAX_TEXT_CHARACTERS)
    company = _line("Example Ltd")
    job_title = _line("Cartographer")
    street = _text("1 Marine Drive", MAX_LINE_CHARACTERS)
    city = _line("Mumbai")
    region = _line("Maharashtra")
    postal_code = _line("400001", longest=32)
    country = _line("India")
    locale = fields.String(
        allow_none=True,
        validate=[
            validate.Length(max=35),  # RFC 5646, section 4.4.1: buffers of 35 hold what is in use
            validate.Regexp(LANGUAGE_TAG, error="Must be a language tag, such as en-IN."),
        ],
        metadata={"examples": ["en-IN"]},
    )
    timezone = fields.String(
        allow_none=True, validate=_time_zone, metadata={"examples": ["Asia/Kolkata"]}
    )
    preferences = JsonObject(allow_none=True, metadata={"examples": [{"theme": "dark"}]})

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Name the fields as JSON does, in camelCase, unless they have a name already."""
        if field_obj.data_key is None:
            first, *others = field_name.split("_")
            field_obj.data_key = first + "".join(word.title() for word in others)

    def load(self, data: Any, **options: Any) -> dict[str, JsonValue]:  # noqa: ANN401 -- marshmallow's signature
        """Return the fields to write, by their JSON names; None removes one."""
        own = {name: ["Is set by the service."] for name in SYSTEM_FIELDS if name in data}
        if own:
            others = {name: value for name, value in data.items() if name not in own}
            raise ValidationError({**self.validate(others), **own})
        loaded = super().load(data, **options)
        return {
            field.data_key or name: loaded[name]
            for name, field in self.fields.items()
            if name in loaded
        }


def _timestamp(name: str) -> fields.String:
    return fields.String(
        required=True,
        data_key=name,
        metadata={"format": "date-time", "examples": ["2026-11-23T03:14:15.926Z"]},
    )


class StoredProfileSchema(Schema):
    """What a profile as answered holds beside the fields that were written."""

    user_id = fields.String(
        required=True,
        data_key="userId",
        metadata={"examples": ["6f1b2c3d-0c8e-4b7a-9d21-3f5a6b7c8d9e"]},
    )
    created_at = _timestamp("createdAt")
    updated_at = _timestamp("updatedAt")
    version = fields.Integer(required=True, metadata={"examples": [1]})
