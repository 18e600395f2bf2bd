"""Bodies of `/api/auth/me…`."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from service.api.schemas import account_fields
from service.api.schemas.accounts import DeliverySchema

VERIFIABLE: Final = ("email", "phone_number")  # the attributes that Cognito sends codes to


def _attribute() -> fields.String:
    return fields.String(
        required=True, validate=validate.OneOf(VERIFIABLE), metadata={"examples": ["email"]}
    )


class AccountSchema(Schema):
    """An account."""

    user_id = account_fields.text_like(account_fields.USER_ID, required=True, data_key="userId")
    username = fields.String(required=True, metadata={"examples": ["alice@example.com"]})
    attributes = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"examples": [{"email": "alice@example.com", "email_verified": "true"}]},
    )


class ChangeAttributesSchema(account_fields.WritableAttributesSchema):
    """Attributes to set; null removes one."""

    attributes = account_fields.attributes(
        removable=True, required=True, validate=validate.Length(min=1)
    )

    @post_load
    def make(
        self,
        data: Mapping[str, Any],
        **_: Any,  # noqa: ANN401 -- marshmallow's hook
    ) -> tuple[Mapping[str, str | None], Mapping[str, str]]:
        """Return the changes and the metadata; raises ValidationError for attributes not writable."""
        self.check_writable(data["attributes"])
        return data["attributes"], data["metadata"]


class ChangedSchema(Schema):
    """The destination of a code that verifies a changed attribute; *deliveries* if there are several."""

    delivery = fields.Nested(DeliverySchema)
    deliveries = fields.List(fields.Nested(DeliverySchema))


class AttributeSchema(account_fields.MetadataSchema):
    """The attribute to verify."""

    attribute = _attribute()


class VerifySchema(Schema):
    """The attribute to verify, and the code that was sent to it."""

    attribute = _attribute()
    code = account_fields.code(required=True)


class CodeSentSchema(Schema):
    """The destination of the code."""

    delivery = fields.Nested(DeliverySchema, required=True)
