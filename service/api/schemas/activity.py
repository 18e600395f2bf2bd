"""Bodies of `/v1/user/activity`."""

from marshmallow import Schema, fields


class ActivityEventSchema(Schema):
    """An event; `address` and `device` are those of the request that caused it."""

    at = fields.String(required=True, metadata={"examples": ["2026-11-23T03:14:15.926Z"]})
    event = fields.String(
        required=True,
        metadata={"examples": ["signed_in"], "description": "The name of the security event."},
    )
    address = fields.String(metadata={"examples": ["203.0.113.7"]})
    device = fields.String(
        metadata={"examples": ["Mozilla/5.0 (X11; Linux x86_64)"], "description": "User-Agent."}
    )
    detail = fields.String(
        metadata={
            "examples": ["invalid_credentials"],
            "description": "The names of what changed, or the `code` of a refusal.",
        }
    )


class ActivitySchema(Schema):
    """A page of events, newest first."""

    events = fields.List(fields.Nested(ActivityEventSchema), required=True)
    next = fields.String(
        metadata={"description": "`before` of the page with older events, if there may be some."}
    )
