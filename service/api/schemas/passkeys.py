"""Bodies of `/api/auth/passkeys…`."""

from marshmallow import Schema, fields

from service.api.schemas.json_object import JsonObject


class PasskeyOptionsSchema(Schema):
    """The `publicKey` argument of `navigator.credentials.create`, in its JSON form."""

    options = fields.Dict(keys=fields.String(), required=True)


class RegisterPasskeySchema(Schema):
    """The result of `navigator.credentials.create`, in its JSON form."""

    credential = JsonObject(required=True)


class PasskeySchema(Schema):
    """A passkey."""

    credential_id = fields.String(required=True, data_key="id")
    name = fields.String(required=True)
    relying_party_id = fields.String(required=True, data_key="relyingPartyId")
    attachment = fields.String()
    transports = fields.List(fields.String(), required=True)
    created_at = fields.String(required=True, data_key="createdAt")


class PasskeysSchema(Schema):
    """All passkeys."""

    passkeys = fields.List(fields.Nested(PasskeySchema), required=True)
