"""
The fields of a profile.

`[profile] schema` can name a subclass with further fields; the API document includes them. Use the field
types of `profile_fields` for texts: they normalize them. Users read a field with
`metadata={"writer": "service"}` and only other services write it.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Final

from marshmallow import Schema, ValidationError, fields

from service.api.schemas.account_fields import USER_ID
from service.api.schemas.json_object import JsonObject
from service.api.schemas.profile_fields.calendar_date import Birthdate
from service.api.schemas.profile_fields.country import Country
from service.api.schemas.profile_fields.email_address import EmailAddress
from service.api.schemas.profile_fields.language_tag import LanguageTag
from service.api.schemas.profile_fields.phone_number import PhoneNumber
from service.api.schemas.profile_fields.text import MAX_LINE_CHARACTERS, Line, Paragraphs
from service.api.schemas.profile_fields.time_zone import TimeZone
from service.api.schemas.profile_fields.web_address import WebAddress
from service.domain.profiles import SYSTEM_FIELDS
from service.domain.values.json_values import JsonValue

MAX_NAME_CHARACTERS: Final = 128
WRITER: Final = "writer"  # a key of a field's metadata
SERVICE: Final = "service"  # its value for a field that users cannot write
SET_BY_SERVICE: Final = "Is set by the service; leave it out."
UNKNOWN_FIELD: Final = "Unknown field; /openapi.json lists the fields."
READ_ONLY: Final = "Is read only; other services write it."


class ProfileSchema(Schema):
    """The fields that a caller may write, all optional; null removes a field."""

    class Meta:
        """The description in the API document."""

        description = (
            "Texts are stored, and their characters counted, in Unicode Normalization Form C."
        )

    error_messages = {  # noqa: RUF012 -- marshmallow reads it as a plain dict
        "unknown": UNKNOWN_FIELD,
    }

    # The example of the API document.
    example: ClassVar[Mapping[str, object]] = {
        "displayName": "Asha",
        "city": "Mumbai",
        "country": "India",
    }

    display_name = Line("Asha", longest=MAX_NAME_CHARACTERS)
    given_name = Line("Asha", longest=MAX_NAME_CHARACTERS)
    family_name = Line("Rao", longest=MAX_NAME_CHARACTERS)
    nickname = Line("ash", longest=MAX_NAME_CHARACTERS)
    email = EmailAddress("asha@example.com")
    phone_number = PhoneNumber("+912212345678")
    birthdate = Birthdate("1990-12-31")
    picture = WebAddress("https://example.com/asha.jpg")
    website = WebAddress("https://example.com")
    bio = Paragraphs("Reads maps.")
    company = Line("Example Ltd")
    job_title = Line("Cartographer")
    street = Paragraphs("1 Marine Drive", longest=MAX_LINE_CHARACTERS)
    city = Line("Mumbai")
    region = Line("Maharashtra")
    postal_code = Line("400001", longest=32)
    country = Country("India")
    locale = LanguageTag("en-IN")
    timezone = TimeZone("Asia/Kolkata")
    preferences = JsonObject(allow_none=True, metadata={"examples": [{"theme": "dark"}]})

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 -- marshmallow's options
        super().__init__(**options)
        self.read_only = frozenset(
            field.data_key for field in self.fields.values() if field.dump_only
        )
        self._independent = self._independent_fields()

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Set the JSON name of a field to its name in camelCase, unless it has one."""
        if field_obj.data_key is None:
            first, *others = field_name.split("_")
            field_obj.data_key = first + "".join(word.title() for word in others)

    def load(self, data: Any, **options: Any) -> dict[str, JsonValue]:  # noqa: ANN401 -- marshmallow's signature
        """Return the fields to write by their JSON names; None removes a field."""
        if self._independent is not None and not options:
            # A third of the instructions of marshmallow's own loop over all fields.
            fields_of = self._independent
            with suppress(KeyError, ValidationError):  # marshmallow reports all that is wrong
                return {name: fields_of[name].deserialize(data[name], name, data) for name in data}
        refused = {
            **{name: [READ_ONLY] for name in data if name in self.read_only},
            **{name: [SET_BY_SERVICE] for name in SYSTEM_FIELDS if name in data},
        }
        if refused:
            others = {name: value for name, value in data.items() if name not in refused}
            raise ValidationError({**self.validate(others), **refused})
        loaded = super().load(data, **options)
        return {
            field.data_key or name: loaded[name]
            for name, field in self.fields.items()
            if name in loaded
        }

    def _independent_fields(self) -> Mapping[str, fields.Field[Any]] | None:
        """
        Return the fields by their JSON names, or None where they cannot be loaded one by one.

        They can where the schema has no hooks, and absent fields have no effect.
        """
        try:
            has_effects = any(self._hooks.values()) or super().load({}) != {}
        except ValidationError:
            return None
        if has_effects or any(field.attribute for field in self.load_fields.values()):
            return None
        by_name = {field.data_key or name: field for name, field in self.load_fields.items()}
        return {name: field for name, field in by_name.items() if name not in SYSTEM_FIELDS}


class ServiceProfileSchema(ProfileSchema):
    """The fields that other services may write: in the API document, all of the deployment's schema."""


def user_schema(schema: type[Schema]) -> Schema:
    """Return the schema of the fields that users may write; the other fields are `dump_only`."""
    declared = schema().fields.items()
    return schema(
        dump_only=[name for name, field in declared if field.metadata.get(WRITER) == SERVICE]
    )


def _timestamp(name: str) -> fields.String:
    return fields.String(
        required=True,
        data_key=name,
        metadata={
            "description": "RFC 3339 in UTC, unless another application wrote another format.",
            "examples": ["2026-11-23T03:14:15.926Z"],
        },
    )


class StoredProfileSchema(Schema):
    """The system fields of a profile in a response."""

    class Meta:
        """The description in the API document."""

        description = (
            "Fields have the types that this service writes; a value that another application stored is "
            "returned as it is."
        )

    user_id = fields.String(
        required=True,
        data_key="userId",
        metadata={"examples": [USER_ID]},
    )
    created_at = _timestamp("createdAt")
    updated_at = _timestamp("updatedAt")
    version = fields.Integer(required=True, metadata={"examples": [1]})
