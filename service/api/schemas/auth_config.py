"""The body of `/api/auth/config`."""

from marshmallow import Schema, fields


def _names(*examples: str) -> fields.List[str]:
    metadata = {"examples": [list(examples)]}
    return fields.List(fields.String(), required=True, metadata=metadata)


class SignUpOfferSchema(Schema):
    """Whether and with what people sign up."""

    enabled = fields.Boolean(required=True)
    uniform = fields.Boolean(
        required=True,
        metadata={"description": "A user name that is taken gets the answer of a new one."},
    )
    attributes = _names("email", "name")


class PasswordRulesSchema(Schema):
    """What a password must be like."""

    min_length = fields.Integer(
        required=True,
        data_key="minLength",
        metadata={"examples": [8], "description": "Characters."},
    )
    requires = _names("lowercase", "uppercase", "digits", "symbols")


class OfferSchema(Schema):
    """What this deployment offers, in Cognito's own names."""

    sign_up = fields.Nested(SignUpOfferSchema, required=True, data_key="signUp")
    flows = _names("USER_PASSWORD_AUTH")
    first_factors = fields.List(
        fields.String(),
        required=True,
        data_key="firstFactors",
        metadata={"examples": [["PASSWORD", "EMAIL_OTP"]]},
    )
    mfa = _names("SOFTWARE_TOKEN_MFA")
    passkeys = fields.Boolean(required=True)
    password = fields.Nested(PasswordRulesSchema, required=True)
