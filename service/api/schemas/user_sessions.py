"""Bodies of `/api/auth/sessions…`."""

from marshmallow import Schema, fields

from service.api.schemas.account_fields import text_like


class SessionLocationSchema(Schema):
    """Where the last activity came from, by its address."""

    city = text_like("Mumbai")
    country = text_like("India")


class UserSessionSchema(Schema):
    """An active session; *device*, *address* and *location* are those of its last activity."""

    session_id = text_like("3f9d2c1b-6a7e-4d58-9b0c-1e2f3a4b5c6d", required=True, data_key="id")
    kind = fields.String(
        required=True,
        metadata={
            "examples": ["token"],
            "description": "`token`, or `sso` of Cognito's own pages.",
        },
    )
    client_id = text_like("3n4b5c6d7e8f9g0h1i2j3k4l5m", required=True, data_key="clientId")
    created_at = text_like("2026-11-23T03:14:15.926Z", required=True, data_key="createdAt")
    last_active_at = text_like("2026-11-23T04:00:00.000Z", required=True, data_key="lastActiveAt")
    device = text_like("Chrome on Mac")
    address = text_like("203.0.113.7")
    location = fields.Nested(SessionLocationSchema)
    current = fields.Boolean(
        required=True, metadata={"description": "The session of the access token of this request."}
    )


class UserSessionsSchema(Schema):
    """All active sessions; a new one appears within seconds."""

    sessions = fields.List(fields.Nested(UserSessionSchema), required=True)
