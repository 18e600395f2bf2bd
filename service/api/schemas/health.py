"""Bodies of `/health/…`."""

from marshmallow import Schema, fields


class HealthSchema(Schema):
    """The state of the process."""

    status = fields.String(required=True, metadata={"examples": ["ready"]})
