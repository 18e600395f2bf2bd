"""Bodies of sign-up and confirmation."""

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from service.api.schemas import account_fields
from service.domain.accounts import NewAccount


class SignUpSchema(account_fields.WritableAttributesSchema):
    """A new account."""

    username = account_fields.username()
    password = account_fields.new_password(required=True)
    attributes = account_fields.attributes(load_default=dict)

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> NewAccount:  # noqa: ANN401 -- marshmallow's hook
        """Return the account; raises ValidationError for attributes that are not writable."""
        self.check_writable(data["attributes"])
        return NewAccount(**data)


class ConfirmSchema(Schema):
    """A user name and its confirmation code."""

    username = account_fields.username()
    code = account_fields.code(required=True)


class UsernameSchema(Schema):
    """A user name."""

    username = account_fields.username()


class DeliverySchema(Schema):
    """The destination of a code."""

    medium = fields.String(required=True, metadata={"examples": ["EMAIL"]})
    destination = fields.String(required=True, metadata={"examples": ["a***@e***"]})
    attribute = fields.String(required=True, metadata={"examples": ["email"]})


class SignedUpSchema(Schema):
    """A new account; without an id where sign-up does not reveal whether the user name was new."""

    user_id = fields.String(data_key="userId")
    confirmed = fields.Boolean(required=True)
    delivery = fields.Nested(DeliverySchema)


class ConfirmedSchema(Schema):
    """A confirmed account."""

    confirmed = fields.Boolean(required=True, validate=validate.Equal(comparable=True))


class SentSchema(Schema):
    """An empty object: the response does not reveal whether the account exists."""
