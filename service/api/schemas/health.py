"""The bodies of `/health/…`."""

from marshmallow import Schema, fields


class HealthSchema(Schema):
    """How the process is."""

    status = fields.String(required=True, metadata={"examples": ["ready"]})
