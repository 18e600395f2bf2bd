"""Bodies of `/api/auth/sessions…`."""

from marshmallow import Schema, fields


class SessionLocationSchema(Schema):
    """Where the last activity came from, by its address."""

    city = fields.String()
    country = fields.String(metadata={"examples": ["India"]})


class UserSessionSchema(Schema):
    """An active session; *device*, *address* and *location* are those of its last activity."""

    session_id = fields.String(required=True, data_key="id")
    kind = fields.String(
        required=True,
        metadata={
            "examples": ["token"],
            "description": "`token`, or `sso` of Cognito's own pages.",
        },
    )
    client_id = fields.String(required=True, data_key="clientId")
    created_at = fields.String(required=True, data_key="createdAt")
    last_active_at = fields.String(required=True, data_key="lastActiveAt")
    device = fields.String()
    address = fields.String()
    location = fields.Nested(SessionLocationSchema)
    current = fields.Boolean(
        required=True, metadata={"description": "The session of the access token of this request."}
    )


class UserSessionsSchema(Schema):
    """All active sessions; a new one appears within seconds."""

    sessions = fields.List(fields.Nested(UserSessionSchema), required=True)
