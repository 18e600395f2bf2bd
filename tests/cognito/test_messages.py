"""Where one exception means several things, its message tells them apart."""

from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from service.domain.errors import (
    Blocked,
    CaptchaRequired,
    ChallengeExpired,
    CodeMismatch,
    FeatureUnavailable,
    InvalidCredentials,
    InvalidParameter,
    Misconfigured,
    RefreshTokenInvalid,
    ServiceError,
    SignUpDisabled,
    TokenInvalid,
    TooManyAttempts,
)
from service.domain.identity_provider import IdentityProvider
from tests.cognito.calls import CALLS, operation_of
from tests.support.scripted_cognito import ScriptedCognito, Step, raw, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_SECRET = "Client abc is configured with secret but SECRET_HASH was not received"  # noqa: S105 -- a message
NO_HASH = "Client abc is configured for secret but secret was not received"
WRONG_HASH = "Unable to verify secret hash for client abc"
OTHER_HASH = "SecretHash does not match for the client: abc"
UNWRITABLE = "A client attempted to write unauthorized attribute"
WRONG_SECRET = "Unable to verify secret for client abc"  # noqa: S105 -- a message


class Said(NamedTuple):
    """What Cognito says to which call: an exception without its "Exception", and a message."""

    call: str
    name: str
    message: str | None

    @property
    def step(self) -> Step:
        """Return the answer that says so."""
        return refusal(f"{self.name}Exception", self.message)


MEANINGS: list[tuple[Said, type[ServiceError]]] = [
    (Said("SignUp", "NotAuthorized", UNWRITABLE), InvalidParameter),
    (Said("RespondToAuthChallenge", "NotAuthorized", UNWRITABLE), InvalidParameter),
    (Said("UpdateUserAttributes", "NotAuthorized", UNWRITABLE), InvalidParameter),
    (Said("DeleteUserAttributes", "NotAuthorized", UNWRITABLE), InvalidParameter),
    (Said("UpdateUserAttributes", "NotAuthorized", "Access Token has expired"), TokenInvalid),
    (Said("DeleteUserAttributes", "NotAuthorized", "Access Token has expired"), TokenInvalid),
    (Said("SignUp", "NotAuthorized", "SignUp is not permitted for this user pool"), SignUpDisabled),
    (
        Said(
            "ConfirmSignUp",
            "NotAuthorized",
            "User cannot be confirmed. Current status is CONFIRMED",
        ),
        CodeMismatch,
    ),
    (Said("ConfirmSignUp", "NotAuthorized", "User is disabled."), CodeMismatch),
    (Said("ConfirmForgotPassword", "NotAuthorized", "User is disabled."), CodeMismatch),
    (Said("InitiateAuth", "NotAuthorized", "Incorrect username or password."), InvalidCredentials),
    (Said("InitiateAuth", "NotAuthorized", "User is disabled."), InvalidCredentials),
    (Said("InitiateAuth", "InvalidPassword", "Invalid password"), InvalidCredentials),
    (Said("InitiateAuth", "NotAuthorized", "Password attempts exceeded"), InvalidCredentials),
    (Said("InitiateAuth/begin", "NotAuthorized", "Password attempts exceeded"), InvalidCredentials),
    (
        Said("RespondToAuthChallenge", "NotAuthorized", "Incorrect username or password."),
        InvalidCredentials,
    ),
    (
        Said("RespondToAuthChallenge", "NotAuthorized", "Password attempts exceeded"),
        CodeMismatch,
    ),
    (
        Said("RespondToAuthChallenge", "NotAuthorized", "Invalid session for the user."),
        ChallengeExpired,
    ),
    (
        Said(
            "RespondToAuthChallenge",
            "NotAuthorized",
            "Invalid session for the user, session is expired.",
        ),
        ChallengeExpired,
    ),
    (
        Said("AssociateSoftwareToken/session", "NotAuthorized", "Invalid session for the user."),
        ChallengeExpired,
    ),
    (
        Said("VerifySoftwareToken/session", "NotAuthorized", "Invalid session for the user."),
        ChallengeExpired,
    ),
    (
        Said("AssociateSoftwareToken", "NotAuthorized", "Access Token has been revoked"),
        TokenInvalid,
    ),
    (Said("VerifySoftwareToken", "NotAuthorized", "Access Token has expired"), TokenInvalid),
    (
        Said("GetTokensFromRefreshToken", "NotAuthorized", "Refresh Token has been revoked"),
        RefreshTokenInvalid,
    ),
    (
        Said("GetTokensFromRefreshToken", "NotAuthorized", "Invalid Refresh Token."),
        RefreshTokenInvalid,
    ),
    (
        Said("ChangePassword", "NotAuthorized", "Incorrect username or password."),
        InvalidCredentials,
    ),
    (Said("ChangePassword", "NotAuthorized", "Password attempts exceeded"), TooManyAttempts),
    (Said("ChangePassword", "NotAuthorized", "Access Token has been revoked"), TokenInvalid),
    (Said("GlobalSignOut", "NotAuthorized", "Access Token has been revoked"), TokenInvalid),
    (Said("GetUser", "NotAuthorized", "Could not verify signature for Access Token"), TokenInvalid),
    (
        Said(
            "RespondToAuthChallenge",
            "CodeMismatch",
            "Invalid session for the user, session can only be used once.",
        ),
        ChallengeExpired,
    ),
    (
        Said("RespondToAuthChallenge", "CodeMismatch", "Invalid code received for user"),
        CodeMismatch,
    ),
    (
        Said(
            "VerifySoftwareToken/session",
            "CodeMismatch",
            "Invalid session for the user, session can only be used once.",
        ),
        ChallengeExpired,
    ),
    (Said("VerifySoftwareToken", "CodeMismatch", "Code mismatch"), CodeMismatch),
    (
        Said(
            "InitiateAuth",
            "InvalidParameter",
            "USER_PASSWORD_AUTH flow not enabled for this client",
        ),
        FeatureUnavailable,
    ),
    (
        Said("InitiateAuth/begin", "InvalidParameter", "Initiate Auth method not supported."),
        FeatureUnavailable,
    ),
    (
        Said("InitiateAuth", "InvalidParameter", "Missing required parameter USERNAME"),
        InvalidParameter,
    ),
    (Said("SignUp", "Forbidden", "Request not allowed due to WAF block."), Blocked),
    (Said("SignUp", "Forbidden", "WAF requires a CAPTCHA to be solved"), CaptchaRequired),
    (Said("GetUser", "Forbidden", "captcha required"), CaptchaRequired),
]
LEAST_TELLING: list[tuple[Said, type[ServiceError]]] = [
    (Said(call, name, message), kind)
    for message in (None, "")
    for call, name, kind in (
        ("SignUp", "NotAuthorized", SignUpDisabled),
        ("InitiateAuth", "NotAuthorized", InvalidCredentials),
        ("InitiateAuth", "InvalidParameter", InvalidParameter),
        ("RespondToAuthChallenge", "CodeMismatch", CodeMismatch),
        ("ChangePassword", "NotAuthorized", TokenInvalid),
        ("GetUser", "Forbidden", Blocked),
    )
]


@pytest.mark.parametrize(("said", "expected"), MEANINGS + LEAST_TELLING)
async def test_message_tells_the_meanings_apart(
    said: Said,
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """One exception means what its message says, without words the least telling; it goes no further."""
    cognito.answers(operation_of(said.call), said.step)

    with pytest.raises(ServiceError) as raised:
        await CALLS[said.call](provider)

    assert type(raised.value) is expected
    assert raised.value.public_detail == expected.detail
    assert raised.value.retry_after_s == (900 if expected is TooManyAttempts else None)


@pytest.mark.parametrize("message", [NO_SECRET, NO_HASH, WRONG_HASH, OTHER_HASH, WRONG_SECRET])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("SignUp", "NotAuthorizedException"),
        ("ConfirmSignUp", "NotAuthorizedException"),
        ("ResendConfirmationCode", "NotAuthorizedException"),
        ("InitiateAuth", "NotAuthorizedException"),
        ("RespondToAuthChallenge", "NotAuthorizedException"),
        ("GetTokensFromRefreshToken", "NotAuthorizedException"),
        ("ForgotPassword", "NotAuthorizedException"),
        ("ConfirmForgotPassword", "NotAuthorizedException"),
        ("RevokeToken", "UnauthorizedException"),
    ],
)
async def test_wrong_client_secret_is_the_operators(
    call: str, name: str, message: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A secret that is missing or wrong is a mistake of the settings, and the log says where."""
    cognito.answers(call, refusal(name, message))

    with capture_logs() as logs, pytest.raises(Misconfigured):
        await CALLS[call](provider)

    assert [(event["operation"], event["error"]) for event in logs] == [(call, name)]


@pytest.mark.parametrize("message", [None, "Refresh Token has been revoked"])
async def test_refused_revocation_is_done(
    message: str | None, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A token that no session has is signed out, by whichever of its two names Cognito says so."""
    cognito.answers("RevokeToken", refusal("NotAuthorizedException", message))

    await CALLS["RevokeToken"](provider)

    assert cognito.operations == ["RevokeToken"]


@pytest.mark.parametrize("message", [b"null", b"5", b"{}"])
async def test_message_that_is_no_text_is_none(
    message: bytes, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A message of another type says nothing, and breaks nothing."""
    body = b'{"__type": "NotAuthorizedException", "message": ' + message + b"}"
    cognito.answers("InitiateAuth", raw(body, 400))

    with pytest.raises(InvalidCredentials):
        await CALLS["InitiateAuth"](provider)


async def test_reason_code_changes_nothing(
    provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """The documented reason of an InvalidParameterException is taken, and is not told."""
    reason = refusal("InvalidParameterException", "no", reasonCode="a reason")
    cognito.answers("SignUp", reason)

    with pytest.raises(InvalidParameter) as raised:
        await CALLS["SignUp"](provider)

    assert raised.value.public_detail == InvalidParameter.detail
