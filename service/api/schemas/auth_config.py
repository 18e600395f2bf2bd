"""Body of `/api/auth/config`."""

from marshmallow import Schema, fields


def _names(*examples: str) -> fields.List[str]:
    metadata = {"examples": [list(examples)]}
    return fields.List(fields.String(), required=True, metadata=metadata)


class SignUpOfferSchema(Schema):
    """The options of sign-up."""

    enabled = fields.Boolean(required=True)
    uniform = fields.Boolean(
        required=True,
        metadata={"description": "Sign-up does not reveal whether the user name is taken."},
    )
    attributes = _names("email", "name")
    passwordless = fields.Boolean(
        required=True,
        metadata={"description": "The password may be omitted: one-time codes sign in."},
    )


class PasswordRulesSchema(Schema):
    """The password rules."""

    min_length = fields.Integer(
        required=True,
        data_key="minLength",
        metadata={"examples": [8], "description": "In characters."},
    )
    requires = _names("lowercase", "uppercase", "digits", "symbols")


class FederationSchema(Schema):
    """The options of federated sign-in."""

    providers = _names("Google", "SignInWithApple")
    redirect_uris = fields.List(
        fields.String(),
        required=True,
        data_key="redirectUris",
        metadata={"examples": [["https://app.example.com/signed-in"]]},
    )


class WebAuthnOfferSchema(Schema):
    """The options of passkeys, if there are passkeys."""

    relying_party_id = fields.String(
        data_key="relyingPartyId",
        metadata={
            "examples": ["example.com"],
            "description": "The domain of the pages on which passkeys work, if it is configured.",
        },
    )
    user_verification = fields.String(
        required=True, data_key="userVerification", metadata={"examples": ["preferred", "required"]}
    )
    second_factor = fields.Boolean(
        required=True,
        data_key="secondFactor",
        metadata={"description": "A passkey can be both factors: WEB_AUTHN_MFA of /api/auth/mfa."},
    )


class OfferSchema(Schema):
    """The sign-up and sign-in options of this deployment, with Cognito's names."""

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
    metadata = fields.List(
        fields.String(),
        required=True,
        metadata={
            "examples": [["locale"]],
            "description": "The keys of `metadata`, which requests pass to Lambda triggers.",
        },
    )
    sessions = fields.Boolean(
        required=True,
        metadata={"description": "Users can list their sessions, and end them one by one."},
    )
    web_authn = fields.Nested(WebAuthnOfferSchema, data_key="webAuthn")
    refresh_cookie = fields.Boolean(
        required=True,
        data_key="refreshCookie",
        metadata={
            "description": "Pages have their refresh token in a cookie: see the scheme `refreshCookie`."
        },
    )
    password = fields.Nested(PasswordRulesSchema, required=True)
    federation = fields.Nested(
        FederationSchema,
        metadata={"description": "Only where federated sign-in is offered."},
    )
