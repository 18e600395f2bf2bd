"""The response of `/v1/user/export`."""

from marshmallow import Schema, fields

from service.api.schemas.activity import ActivityEventSchema
from service.api.schemas.mfa import EnabledFactorsSchema
from service.api.schemas.passkeys import PasskeySchema
from service.api.schemas.user_sessions import UserSessionSchema


class DeviceSchema(Schema):
    """A device that the user pool remembers."""

    device_key = fields.String(required=True, data_key="deviceKey")
    created_at = fields.String(required=True, data_key="createdAt")
    last_modified_at = fields.String(required=True, data_key="lastModifiedAt")
    last_authenticated_at = fields.String(data_key="lastAuthenticatedAt")
    attributes = fields.Dict(fields.String(), fields.String(), required=True)


class ExportedAccountSchema(Schema):
    """The account in the user pool; what the pool does not offer is left out."""

    user_id = fields.String(required=True, data_key="userId")
    username = fields.String(required=True)
    attributes = fields.Dict(fields.String(), fields.String(), required=True)
    mfa = fields.Nested(EnabledFactorsSchema)
    passkeys = fields.List(fields.Nested(PasskeySchema))
    devices = fields.List(fields.Nested(DeviceSchema))


class ExportSchema(Schema):
    """All data of the user."""

    exported_at = fields.String(required=True, data_key="exportedAt")
    account = fields.Nested(ExportedAccountSchema, required=True)
    sessions = fields.List(
        fields.Nested(UserSessionSchema),
        metadata={"description": "The active sessions, if the user pool tracks them."},
    )
    profile = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "As `GET /v1/user/profile` returns it; null if there is none."},
    )
    other_data = fields.Dict(
        required=True,
        data_key="otherData",
        metadata={
            "description": "What other applications store in the item of the profile. A set is a list, "
            "binary is Base64."
        },
    )
    other_items = fields.List(
        fields.Dict(),
        data_key="otherItems",
        metadata={"description": "Further items of the user that other applications have written."},
    )
    history = fields.List(
        fields.Dict(),
        metadata={
            "description": "All past states of the profile: `version`, `from`, `until`, `changed` and "
            "`fields`, if a history is or was kept."
        },
    )
    activity = fields.List(
        fields.Nested(ActivityEventSchema),
        metadata={"description": "All events, newest first, if activity is or was recorded."},
    )
