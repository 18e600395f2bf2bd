"""Bodies of `/api/auth/sessions…`."""

from typing import Any

from marshmallow import Schema, fields


def _text(example: str, **options: Any) -> fields.String:  # noqa: ANN401 -- marshmallow's own field options
    return fields.String(metadata={"examples": [example]}, **options)


class SessionLocationSchema(Schema):
    """Where the last activity came from, by its address."""

    city = _text("Mumbai")
    country = _text("India")


class UserSessionSchema(Schema):
    """An active session; *device*, *address* and *location* are those of its last activity."""

    session_id = _text("3f9d2c1b-6a7e-4d58-9b0c-1e2f3a4b5c6d", required=True, data_key="id")
    kind = fields.String(
        required=True,
        metadata={
            "examples": ["token"],
            "description": "`token`, or `sso` of Cognito's own pages.",
        },
    )
    client_id = _text("3n4b5c6d7e8f9g0h1i2j3k4l5m", required=True, data_key="clientId")
    created_at = _text("2026-11-23T03:14:15.926Z", required=True, data_key="createdAt")
    last_active_at = _text("2026-11-23T04:00:00.000Z", required=True, data_key="lastActiveAt")
    device = _text("Chrome on Mac")
    address = _text("203.0.113.7")
    location = fields.Nested(SessionLocationSchema)
    current = fields.Boolean(
        required=True, metadata={"description": "The session of the access token of this request."}
    )


class UserSessionsSchema(Schema):
    """All active sessions; a new one appears within seconds."""

    sessions = fields.List(fields.Nested(UserSessionSchema), required=True)
