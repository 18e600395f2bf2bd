"""Body of every error response."""

from marshmallow import Schema, fields, validate

from service.api.http_errors import leaves


class FieldProblemSchema(Schema):
    """A wrong field."""

    field = fields.String(required=True, metadata={"examples": ["attributes.email"]})
    message = fields.String(required=True)


def _code() -> fields.String:
    known = sorted(leaves(), key=lambda error: error.code)
    first_sentences = ((error.code, error.detail.partition(". ")[0].rstrip(".")) for error in known)
    meaning = "\n".join(f"- `{code}`: {sentence}." for code, sentence in first_sentences)
    return fields.String(
        required=True,
        validate=validate.OneOf([error.code for error in known]),
        metadata={"description": f"What programs act on.\n{meaning}"},
    )


def _text(example: str) -> fields.String:
    return fields.String(required=True, metadata={"examples": [example]})


class ProblemSchema(Schema):
    """An error (RFC 9457), identified by `code`."""

    type = _text("about:blank")
    title = _text("Service Unavailable")
    status = fields.Integer(required=True, metadata={"examples": [503]})
    detail = _text("The service is busy. Try again shortly.")
    code = _code()
    request_id = fields.String(
        required=True,
        data_key="requestId",
        metadata={"examples": ["8d1f0c3a5b7e4f62a9c0d4e6b8f1a2c3"]},
    )
    errors = fields.List(fields.Nested(FieldProblemSchema))
    trigger_message = fields.String(
        data_key="triggerMessage",
        metadata={"description": "The message of a Lambda trigger; only with `trigger-messages`."},
    )
