"""Bodies of sign-up and confirmation."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from service.api.schemas import account_fields
from service.api.schemas.account_fields import USER_ID
from service.api.schemas.sessions import ChallengeSchema, TokensSchema
from service.domain.accounts import NewAccount


class SignUpSchema(account_fields.WritableAttributesSchema):
    """A new account."""

    username = account_fields.username()
    password = account_fields.new_password(
        metadata={
            "examples": ["YourPass123!"],
            "description": "Required unless a one-time code is one of the first factors.",
        }
    )
    attributes = account_fields.attributes(load_default=dict)

    def __init__(self, *, requires_password: bool = False, **options: Any) -> None:  # noqa: ANN401 -- the base's
        super().__init__(**options)
        self.fields["password"].required = requires_password

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> tuple[NewAccount, Mapping[str, str]]:  # noqa: ANN401 -- marshmallow's hook
        """Return the account and the metadata; raises ValidationError for attributes not writable."""
        account = {name: value for name, value in data.items() if name != "metadata"}
        self.check_writable(account["attributes"])
        return NewAccount(**account), data["metadata"]


class ConfirmSchema(account_fields.MetadataSchema):
    """A user name and its confirmation code, with the session of the sign-up to be signed in."""

    username = account_fields.username()
    code = account_fields.code(required=True)
    session = account_fields.token(load_default=None)


class UsernameSchema(account_fields.MetadataSchema):
    """A user name."""

    username = account_fields.username()


class DeliverySchema(Schema):
    """The destination of a code."""

    medium = fields.String(required=True, metadata={"examples": ["EMAIL"]})
    destination = fields.String(required=True, metadata={"examples": ["a***@e***"]})
    attribute = fields.String(required=True, metadata={"examples": ["email"]})


class SignedUpSchema(Schema):
    """A new account; without an id where sign-up does not reveal whether the user name was new."""

    user_id = fields.String(data_key="userId", metadata={"examples": [USER_ID]})
    confirmed = fields.Boolean(required=True, metadata={"examples": [False]})
    delivery = fields.Nested(DeliverySchema)
    session = fields.String(
        metadata={
            "examples": ["AYABeC1-y8qooiuys..."],
            "description": "To be sent with the confirmation, within minutes, to be signed in by it. "
            "Never with uniform sign-up.",
        }
    )


class ConfirmedSchema(Schema):
    """A confirmed account, with the sign-in if it was confirmed with the session of its sign-up."""

    confirmed = fields.Boolean(required=True, validate=validate.Equal(comparable=True))
    tokens = fields.Nested(TokensSchema)
    challenge = fields.Nested(ChallengeSchema)


class SentSchema(Schema):
    """An empty object: the response does not reveal whether the account exists."""
