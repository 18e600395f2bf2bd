"""Bodies of `/api/auth/federated/…`."""

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, post_load, validate, validates_schema

from service.api.schemas import account_fields
from service.domain.federation import AuthorizationCode, AuthorizationRequest

VISIBLE: Final = r"[!-~]+\Z"
VISIBLE_ERROR: Final = "Must be visible ASCII characters."
MAX_URI_CHARACTERS: Final = 2_048
MAX_STATE_CHARACTERS: Final = 1_024  # it returns in a URL; Cognito documents no limit
MAX_NONCE_CHARACTERS: Final = 512
MAX_CODE_CHARACTERS: Final = 2_048  # Cognito's are UUIDs


def _nonce() -> fields.String:
    return account_fields.text(
        MAX_NONCE_CHARACTERS, pattern=VISIBLE, error=VISIBLE_ERROR, load_default=None
    )


class RedirectSchema(Schema):
    """A redirect URI, which must be one of *redirect_uris*."""

    redirect_uri = account_fields.text(
        MAX_URI_CHARACTERS,
        required=True,
        data_key="redirectUri",
        metadata={"examples": ["https://app.example.com/signed-in"]},
    )

    def __init__(self, *, redirect_uris: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._redirect_uris = redirect_uris

    @validates_schema
    def check_redirect_uri(self, data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Reject any other redirect URI."""
        if data["redirect_uri"] not in self._redirect_uris:
            raise ValidationError(["Must be a redirect URI of this deployment."], "redirectUri")


class FederatedSignInSchema(RedirectSchema):
    """The beginning of a sign-in; *providers* are the ones that may be chosen."""

    code_challenge = fields.String(
        required=True,
        data_key="codeChallenge",
        validate=validate.Regexp(
            r"[A-Za-z0-9_-]{43}\Z",
            error="Must be the SHA-256 of the code verifier in base64url (S256).",
        ),
        metadata={"examples": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]},
    )
    state = account_fields.text(
        MAX_STATE_CHARACTERS,
        pattern=VISIBLE,
        error=VISIBLE_ERROR,
        required=True,
        metadata={"examples": ["af0ifjsldkj"]},
    )
    provider = fields.String(load_default=None, metadata={"examples": ["Google"]})
    nonce = _nonce()

    def __init__(
        self, *, redirect_uris: tuple[str, ...] = (), providers: tuple[str, ...] = ()
    ) -> None:
        super().__init__(redirect_uris=redirect_uris)
        self._providers = providers

    @validates_schema
    def check_provider(self, data: dict[str, Any], **_: Any) -> None:  # noqa: ANN401 -- marshmallow's hook
        """Reject any other provider."""
        if data["provider"] not in (None, *self._providers):
            raise ValidationError(["Must be a provider of this deployment."], "provider")

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> AuthorizationRequest:  # noqa: ANN401 -- marshmallow's hook
        """Return the request."""
        return AuthorizationRequest(**data)


class FederatedTokensSchema(RedirectSchema):
    """The code that the user returned with, and the verifier of its challenge (RFC 7636)."""

    code = account_fields.text(
        MAX_CODE_CHARACTERS,
        pattern=VISIBLE,
        error=VISIBLE_ERROR,
        required=True,
        metadata={"examples": ["5e31d2c9-4f52-4b6e-9a3a-3b1d1a2f4c77"]},
    )
    code_verifier = fields.String(
        required=True,
        data_key="codeVerifier",
        validate=validate.Regexp(
            r"[A-Za-z0-9._~-]{43,128}\Z",
            error="Must be 43 to 128 letters, digits or -._~ characters.",
        ),
        metadata={"examples": ["dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"]},
    )
    nonce = _nonce()

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> AuthorizationCode:  # noqa: ANN401 -- marshmallow's hook
        """Return the code."""
        return AuthorizationCode(**data)


class UrlSchema(Schema):
    """A URL to open."""

    url = fields.String(required=True, metadata={"format": "uri"})
