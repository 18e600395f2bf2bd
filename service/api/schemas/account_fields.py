"""Shared fields of the bodies of `/api/auth/…`, with the limits of Cognito."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

# From the cognito-idp service model. Texts are passed on unchanged.
MAX_USERNAME_CHARACTERS: Final = 128
MAX_PASSWORD_CHARACTERS: Final = 256
MAX_CODE_CHARACTERS: Final = 2_048
MAX_ATTRIBUTE_CHARACTERS: Final = 2_048
MAX_METADATA_CHARACTERS: Final = 256  # of a value; Cognito's limit is 131,072
# Refresh tokens and sessions have about 2,000; Cognito documents no limit.
MAX_TOKEN_CHARACTERS: Final = 16_384
# 50 attributes are 100 names and values; a passkey's credential has about 30.
MAX_VALUES: Final = 300
CODE: Final = "the-code-of-the-message"  # of examples, on a page where each is sent as it stands
USER_ID: Final = "6f1b2c3d-0c8e-4b7a-9d21-3f5a6b7c8d9e"  # of examples
# A user pool has up to 20 standard and 50 custom attributes; Cognito documents no limit of one call.
MAX_ATTRIBUTES: Final = 50
# Cognito's `^[\S]+.*[\S]+$`, in which \S is everything but ASCII white space.
NEW_PASSWORD: Final = r"[^ \t\n\v\f\r](?:[^\n\r]*[^ \t\n\v\f\r])?\Z"  # noqa: S105 -- a pattern
TOTP_CODE: Final = r"[0-9]{6}\Z"  # RFC 6238, as authenticator apps use it


def text(
    longest: int,
    *,
    pattern: str | None = None,
    error: str = "Must not contain white space.",
    **options: Any,  # noqa: ANN401 -- marshmallow's own field options
) -> fields.String:
    """Return a field of 1 to *longest* characters; *error* is that of not matching *pattern*."""
    rules: list[validate.Validator] = [validate.Length(min=1, max=longest)]
    if pattern is not None:
        rules.append(validate.Regexp(pattern, error=error))
    return fields.String(validate=rules, **options)


def text_like(example: str, **options: Any) -> fields.String:  # noqa: ANN401 -- marshmallow's own field options
    """Return a field of a response, with an example."""
    return fields.String(metadata={"examples": [example]}, **options)


def username() -> fields.String:
    """Return a user name field."""
    return text(
        MAX_USERNAME_CHARACTERS,
        pattern=r"\S+\Z",
        required=True,
        metadata={"examples": ["alice@example.com"]},
    )


def new_password(**options: Any) -> fields.String:  # noqa: ANN401 -- marshmallow's own field options
    """Return a field for a password to set."""
    return text(
        MAX_PASSWORD_CHARACTERS,
        pattern=NEW_PASSWORD,
        error="Must not begin or end with white space, or contain line breaks.",
        **{"metadata": {"examples": ["YourPass123!"]}, **options},
    )


def password(**options: Any) -> fields.String:  # noqa: ANN401 -- marshmallow's own field options
    """Return a field for a password to check."""
    return text(MAX_PASSWORD_CHARACTERS, metadata={"examples": ["YourPass123!"]}, **options)


def code(**options: Any) -> fields.String:  # noqa: ANN401 -- marshmallow's own field options
    """Return a field for a code from a message."""
    return text(MAX_CODE_CHARACTERS, pattern=r"\S+\Z", metadata={"examples": [CODE]}, **options)


def token(**options: Any) -> fields.String:  # noqa: ANN401 -- marshmallow's own field options
    """Return a field for a refresh token or a session."""
    return text(MAX_TOKEN_CHARACTERS, **options)


class Attributes(fields.Dict):
    """Texts by name; validation errors have the name as key, not "value" nested in it."""

    def _deserialize(self, value: Any, *more: Any, **options: Any) -> Any:  # noqa: ANN401 -- marshmallow's hook
        if isinstance(value, dict) and len(value) > MAX_ATTRIBUTES:
            raise ValidationError(f"Must not have more than {MAX_ATTRIBUTES} attributes.")
        try:
            return super()._deserialize(value, *more, **options)  # type: ignore[no-untyped-call]  # marshmallow's
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ValidationError(_of_values(error.messages)) from None


def _of_values(messages: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Dict field's messages without the level that says "value"."""
    return {name: found["value"] for name, found in messages.items()}


def attributes(*, removable: bool = False, **options: Any) -> Attributes:  # noqa: ANN401 -- marshmallow's own field options
    """Return a field for Cognito attributes by name; null is valid if *removable*."""
    return Attributes(
        keys=fields.String(),
        values=fields.String(
            validate=validate.Length(max=MAX_ATTRIBUTE_CHARACTERS), allow_none=removable
        ),
        metadata={
            "examples": [{"email": "alice@example.com"}],
            "maxProperties": MAX_ATTRIBUTES,
        },
        **options,
    )


class Metadata(fields.Dict):
    """Texts by name, for the names that its MetadataSchema accepts."""

    def _deserialize(self, value: Any, *more: Any, **options: Any) -> Any:  # noqa: ANN401 -- marshmallow's hook
        accepted = getattr(self.parent, "metadata_keys", ())
        wrong: dict[str, Any] = {}
        if isinstance(value, dict):
            wrong = {
                name: ["Is not accepted in this deployment."]
                for name in value
                if name not in accepted
            }
        try:
            loaded = super()._deserialize(value, *more, **options)  # type: ignore[no-untyped-call]  # marshmallow's
        except ValidationError as error:
            if not isinstance(error.messages, dict):
                raise
            raise ValidationError(_of_values(error.messages) | wrong) from None
        if wrong:
            raise ValidationError(wrong)
        return loaded


class MetadataSchema(Schema):
    """A body with metadata for the user pool's Lambda triggers, of the keys *metadata_keys*."""

    metadata = Metadata(
        keys=fields.String(),
        values=fields.String(validate=validate.Length(max=MAX_METADATA_CHARACTERS)),
        load_default=dict,
        metadata={
            "description": "For the Lambda triggers of the pool; GET /api/auth/config lists the keys."
        },
    )

    def __init__(self, *, metadata_keys: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.metadata_keys = metadata_keys


class WritableAttributesSchema(MetadataSchema):
    """A body with Cognito attributes, of which callers may set *writable_attributes*."""

    def __init__(
        self, *, writable_attributes: tuple[str, ...] = (), metadata_keys: tuple[str, ...] = ()
    ) -> None:
        super().__init__(metadata_keys=metadata_keys)
        self._writable_attributes = writable_attributes

    def check_writable(self, given: Mapping[str, object], *, inside: str | None = None) -> None:
        """
        Raise ValidationError if *given* has attributes that are not writable, naming each.

        *inside* is the field that contains the attributes, if any.
        """
        refused = {
            name: ["Cannot be set by callers."]
            for name in given
            if name not in self._writable_attributes
        }
        if refused:
            wrong = {"attributes": refused}
            raise ValidationError(wrong if inside is None else {inside: wrong})


class StrictBoolean(fields.Boolean):
    """true or false, and no other representation of them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:  # noqa: ANN401 -- marshmallow's hook
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
