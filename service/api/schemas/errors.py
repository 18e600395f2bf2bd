"""Body of every error response."""

from marshmallow import Schema, fields, validate

from service.api.http_errors import leaves


class FieldProblemSchema(Schema):
    """A wrong field."""

    field = fields.String(required=True, metadata={"examples": ["attributes.email"]})
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """An error (RFC 9457), identified by `code`."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(
        required=True, validate=validate.OneOf(sorted(error.code for error in leaves()))
    )
    request_id = fields.String(required=True, data_key="requestId")
    errors = fields.List(fields.Nested(FieldProblemSchema))
    trigger_message = fields.String(
        data_key="triggerMessage",
        metadata={"description": "The message of a Lambda trigger; only with `trigger-messages`."},
    )
