"""The bodies of `/api/auth/…`."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate

from service.domain.accounts import NewAccount

# Cognito's own bounds, of the cognito-idp service model. Texts are passed on unchanged: a password
# may begin with a space.
MAX_USERNAME_CHARACTERS: Final = 128
MAX_PASSWORD_CHARACTERS: Final = 256
MAX_CODE_CHARACTERS: Final = 2_048
MAX_ATTRIBUTE_CHARACTERS: Final = 2_048
MAX_TOKEN_CHARACTERS: Final = (
    16_384  # of a refresh token: no documented bound; they have about 2,000
)


def _text(longest: int, *, pattern: str | None = None, example: str) -> fields.String:
    rules: list[validate.Validator] = [validate.Length(min=1, max=longest)]
    if pattern is not None:
        rules.append(validate.Regexp(pattern, error="Must not hold white space."))
    return fields.String(required=True, validate=rules, metadata={"examples": [example]})


def _username() -> fields.String:
    return _text(MAX_USERNAME_CHARACTERS, pattern=r"\S+\Z", example="alice@example.com")


def _password() -> fields.String:
    return _text(MAX_PASSWORD_CHARACTERS, example="YourPass123!")


def _code() -> fields.String:
    return _text(MAX_CODE_CHARACTERS, pattern=r"\S+\Z", example="482913")


class StrictBoolean(fields.Boolean):
    """true or false, and nothing that stands for them."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:  # noqa: ANN401 -- marshmallow's hook
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class SignUpSchema(Schema):
    """What a person signs up with."""

    username = _username()
    password = _password()
    attributes = fields.Dict(
        keys=fields.String(),
        values=fields.String(validate=validate.Length(max=MAX_ATTRIBUTE_CHARACTERS)),
        load_default=dict,
        metadata={"examples": [{"email": "alice@example.com"}]},
    )

    def __init__(self, *, writable_attributes: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._writable_attributes = writable_attributes

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> NewAccount:  # noqa: ANN401 -- marshmallow's hook
        """Return the new account; an attribute that callers may not set is refused by its name."""
        refused = {
            name: ["Cannot be set here."]
            for name in data["attributes"]
            if name not in self._writable_attributes
        }
        if refused:
            raise ValidationError({"attributes": refused})
        return NewAccount(**data)


class ConfirmSchema(Schema):
    """A confirmation code and whose it is."""

    username = _username()
    code = _code()


class UsernameSchema(Schema):
    """A user name alone."""

    username = _username()


class LogInSchema(Schema):
    """A user name and its password."""

    username = _username()
    password = _password()


class RefreshSchema(Schema):
    """A refresh token."""

    refresh_token = fields.String(
        required=True, data_key="refreshToken", validate=validate.Length(1, MAX_TOKEN_CHARACTERS)
    )


class LogOutSchema(Schema):
    """Which sessions end: the refresh token's, or all."""

    refresh_token = fields.String(
        load_default=None,
        data_key="refreshToken",
        validate=validate.Length(1, MAX_TOKEN_CHARACTERS),
    )
    everywhere = StrictBoolean(load_default=False, metadata={"examples": [True]})


class DeliverySchema(Schema):
    """Where a code was sent."""

    medium = fields.String(required=True, metadata={"examples": ["EMAIL"]})
    destination = fields.String(required=True, metadata={"examples": ["a***@e***"]})
    attribute = fields.String(required=True, metadata={"examples": ["email"]})


class SignedUpSchema(Schema):
    """A new account."""

    user_id = fields.UUID(required=True, data_key="userId")
    confirmed = fields.Boolean(required=True)
    delivery = fields.Nested(DeliverySchema)


class ConfirmedSchema(Schema):
    """A confirmed account."""

    confirmed = fields.Boolean(required=True, validate=validate.Equal(comparable=True))


class ResentSchema(Schema):
    """Nothing: whether a code was sent would tell who has an account."""


class ChallengeSchema(Schema):
    """What is asked for before tokens are given, in Cognito's own names."""

    name = fields.String(required=True, metadata={"examples": ["SOFTWARE_TOKEN_MFA"]})
    session = fields.String()
    parameters = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    available = fields.List(fields.String())


class TokensSchema(Schema):
    """A signed-in user's tokens."""

    user_id = fields.String(required=True, data_key="userId")
    id_token = fields.String(required=True, data_key="idToken")
    access_token = fields.String(required=True, data_key="accessToken")
    refresh_token = fields.String(data_key="refreshToken")
    token_type = fields.String(
        required=True, data_key="tokenType", validate=validate.Equal("Bearer")
    )
    expires_in = fields.Integer(
        required=True, data_key="expiresIn", metadata={"description": "Seconds."}
    )


class ChallengedSchema(Schema):
    """A sign-in that is not complete yet."""

    challenge = fields.Nested(ChallengeSchema, required=True)
