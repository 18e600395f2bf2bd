"""Bodies of `/api/auth/passkeys…`."""

from marshmallow import Schema, fields

from service.api.schemas.account_fields import text_like
from service.api.schemas.json_object import JsonObject


class PasskeyOptionsSchema(Schema):
    """The `publicKey` argument of `navigator.credentials.create`, in its JSON form."""

    options = fields.Dict(
        keys=fields.String(),
        required=True,
        metadata={"examples": [{"challenge": "c29tZSBieXRlcw", "rp": {"id": "example.com"}}]},
    )


class RegisterPasskeySchema(Schema):
    """The result of `navigator.credentials.create`, in its JSON form."""

    credential = JsonObject(
        required=True,
        metadata={
            "examples": [{"id": "from-navigator.credentials.create", "type": "public-key"}],
        },
    )


class PasskeySchema(Schema):
    """A passkey."""

    credential_id = text_like("bXktcGFzc2tleQ", required=True, data_key="id")
    name = text_like("Chrome on Mac", required=True)
    relying_party_id = text_like("example.com", required=True, data_key="relyingPartyId")
    attachment = text_like("platform")
    transports = fields.List(
        fields.String(), required=True, metadata={"examples": [["internal", "hybrid"]]}
    )
    created_at = text_like("2026-11-23T03:14:15.926Z", required=True, data_key="createdAt")


class PasskeysSchema(Schema):
    """All passkeys."""

    passkeys = fields.List(fields.Nested(PasskeySchema), required=True)
