"""The bodies of a signed-in user's own account."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import Schema, fields, post_load, validate

from service.api.schemas import account_fields
from service.api.schemas.accounts import DeliverySchema

VERIFIABLE: Final = ("email", "phone_number")  # Cognito sends codes to no others


def _attribute() -> fields.String:
    return fields.String(
        required=True, validate=validate.OneOf(VERIFIABLE), metadata={"examples": ["email"]}
    )


class AccountSchema(Schema):
    """An account."""

    user_id = fields.String(required=True, data_key="userId")
    username = fields.String(required=True)
    attributes = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class ChangeAttributesSchema(Schema):
    """Attributes to set; null removes one."""

    attributes = account_fields.attributes(
        removable=True, required=True, validate=validate.Length(min=1)
    )

    def __init__(self, *, writable_attributes: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._writable_attributes = writable_attributes

    @post_load
    def make(self, data: Mapping[str, Any], **_: Any) -> Mapping[str, str | None]:  # noqa: ANN401 -- marshmallow's hook
        """Return the changes; an attribute that callers may not set is refused by its name."""
        changes: Mapping[str, str | None] = data["attributes"]
        account_fields.check_writable(changes, self._writable_attributes)
        return changes


class ChangedSchema(Schema):
    """Where a code was sent that proves a changed attribute; *deliveries* where there are several."""

    delivery = fields.Nested(DeliverySchema)
    deliveries = fields.List(fields.Nested(DeliverySchema))


class AttributeSchema(Schema):
    """The attribute to prove."""

    attribute = _attribute()


class VerifySchema(Schema):
    """The attribute to prove, and the code that was sent to it."""

    attribute = _attribute()
    code = account_fields.code(required=True)


class CodeSentSchema(Schema):
    """Where the code was sent."""

    delivery = fields.Nested(DeliverySchema, required=True)
