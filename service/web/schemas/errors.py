"""The body of every refusal."""

from marshmallow import Schema, fields


class FieldProblemSchema(Schema):
    """One wrong field."""

    field = fields.String(required=True, metadata={"examples": ["attributes.email"]})
    message = fields.String(required=True)


class ProblemSchema(Schema):
    """A refusal (RFC 9457); switch on `code`."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    request_id = fields.String(required=True, data_key="requestId")
    errors = fields.List(fields.Nested(FieldProblemSchema))
