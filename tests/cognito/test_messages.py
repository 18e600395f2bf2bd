"""Exceptions with several meanings are distinguished by their messages."""

from typing import NamedTuple

import pytest
from structlog.testing import capture_logs

from service.domain.errors import (
    AccountNotConfirmed,
    Blocked,
    CaptchaRequired,
    ChallengeExpired,
    CodeMismatch,
    FeatureUnavailable,
    InsufficientScope,
    InvalidCredentials,
    InvalidFields,
    InvalidParameter,
    Misconfigured,
    PasswordResetRequired,
    RefreshTokenInvalid,
    RefreshTokenReused,
    ServiceError,
    SignUpDisabled,
    TemporaryPasswordExpired,
    TokenInvalid,
    TooManyAttempts,
    UserDisabled,
)
from service.domain.identity_provider import IdentityProvider
from tests.cognito.calls import CALLS, operation_of
from tests.support.cognito_shapes import service_model
from tests.support.scripted_cognito import ScriptedCognito, Step, raw, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

NO_SECRET = "Client abc is configured with secret but SECRET_HASH was not received"  # noqa: S105 -- a message
NO_HASH = "Client abc is configured for secret but secret was not received"
WRONG_HASH = "Unable to verify secret hash for client abc"
OTHER_HASH = "SecretHash does not match for the client: abc"
UNWRITABLE = "A client attempted to write unauthorized attribute"
WRONG_SECRET = "Unable to verify secret for client abc"  # noqa: S105 -- a message


class Said(NamedTuple):
    """An exception of a call, without its "Exception", and its message."""

    call: str
    name: str
    message: str | None

    @property
    def step(self) -> Step:
        """Return the scripted error response."""
        return refusal(f"{self.name}Exception", self.message)


MEANINGS: list[tuple[Said, type[ServiceError]]] = [
    (Said("SignUp", "NotAuthorized", UNWRITABLE), InvalidFields),
    (Said("RespondToAuthChallenge", "NotAuthorized", UNWRITABLE), InvalidFields),
    (Said("UpdateUserAttributes", "NotAuthorized", UNWRITABLE), InvalidFields),
    (Said("DeleteUserAttributes", "NotAuthorized", UNWRITABLE), InvalidFields),
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
        InvalidFields,
    ),
    (
        Said(
            "InitiateAuth/begin", "InvalidParameter", "CUSTOM_AUTH is not enabled for the client."
        ),
        FeatureUnavailable,
    ),
    (
        Said(
            "InitiateAuth/begin",
            "InvalidParameter",
            "Custom auth lambda trigger is not configured for the user pool.",
        ),
        FeatureUnavailable,
    ),
    *(
        (Said("InitiateAuth", "NotAuthorized", text), TemporaryPasswordExpired)
        for text in (
            "Temporary password has expired and must be reset by an administrator.",
            "User account has expired, it must be reset by an administrator.",
        )
    ),
    (Said("InitiateAuth", "NotAuthorized", "Blocked for security reasons"), InvalidCredentials),
    (Said("GetTokensFromRefreshToken", "NotAuthorized", "User is disabled."), UserDisabled),
    (
        Said("GetTokensFromRefreshToken", "NotAuthorized", "Refresh token has already been used."),
        RefreshTokenReused,
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
        ("InitiateAuth", "InvalidParameter", InvalidCredentials),
        ("RespondToAuthChallenge", "CodeMismatch", CodeMismatch),
        ("ChangePassword", "NotAuthorized", TokenInvalid),
        ("GetUser", "Forbidden", Blocked),
    )
]


@pytest.mark.parametrize(("said", "expected"), MEANINGS + LEAST_TELLING)
async def test_message_selects_the_error(
    said: Said,
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """The message selects the error; an unknown message gets the least revealing one."""
    cognito.answers(operation_of(said.call), said.step)

    with pytest.raises(ServiceError) as raised:
        await CALLS[said.call](provider)

    assert type(raised.value) is expected
    assert raised.value.public_detail == expected.detail
    assert raised.value.retry_after_s == (900 if expected is TooManyAttempts else None)


@pytest.mark.parametrize(
    ("call", "name"),
    [("GetTokensFromRefreshToken", "NotAuthorized"), ("RevokeToken", "Unauthorized")],
)
@pytest.mark.parametrize(
    "message", ["Refresh Token has different Client.", "Refresh token doesn't match client"]
)
async def test_refresh_token_of_another_client_is_named(
    call: str, name: str, message: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A refresh token works with the app client that issued it; its session has not ended."""
    cognito.answers(call, refusal(f"{name}Exception", message))

    with pytest.raises(RefreshTokenInvalid) as raised:
        await CALLS[call](provider)

    assert "another app client's" in raised.value.public_detail


def of_account(call: str) -> bool:
    """Return whether a call has an access token."""
    shape = service_model().operation_model(operation_of(call)).input_shape
    return shape is not None and "AccessToken" in shape.members and not call.endswith("/session")


@pytest.mark.parametrize("call", [*filter(of_account, CALLS)])
@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Access Token does not have required scopes", InsufficientScope),
        ("access token does not have the required scope.", InsufficientScope),
        ("Token lacks aws.cognito.signin.user.admin", InsufficientScope),
        ("User is disabled.", UserDisabled),
        ("User account disabled", UserDisabled),
        ("User is not confirmed.", AccountNotConfirmed),
        ("Password reset required for the user", PasswordResetRequired),
        ("Password reset is required for the user", PasswordResetRequired),
        ("Password attempts exceeded", TooManyAttempts),
        ("User temporarily locked. Try again soon.", TooManyAttempts),
        ("Too many invalid credentials attempts. Please try after few seconds.", TooManyAttempts),
        ("Incorrect username or password.", InvalidCredentials),
        ("Invalid password", InvalidCredentials),
        ("Unable to login because of security reasons.", Blocked),
        ("Software Token MFA is not enabled for the user pool.", FeatureUnavailable),
        ("Not permitted for users of an external provider", FeatureUnavailable),
        ("Unable to verify secret hash for client abc", Misconfigured),
        ("Token is not from a supported provider of this identity pool.", Misconfigured),
        ("Access Token has expired", TokenInvalid),
        ("Access Token has been revoked", TokenInvalid),
        ("Invalid Access Token", TokenInvalid),
        ("A message that AWS has not had yet", TokenInvalid),
    ],
)
async def test_message_of_an_account_call_has_its_own_meaning(
    call: str,
    message: str,
    expected: type[ServiceError],
    provider: IdentityProvider,
    cognito: ScriptedCognito,
) -> None:
    """NotAuthorizedException of a call with an access token is TokenInvalid only if the token is."""
    cognito.answers(operation_of(call), refusal("NotAuthorizedException", message))

    with capture_logs() as logs, pytest.raises(ServiceError) as raised:
        await CALLS[call](provider)

    assert type(raised.value) is expected
    logged = [event["message"] for event in logs]
    routine = {AccountNotConfirmed, InvalidCredentials, PasswordResetRequired, TooManyAttempts}
    known = expected in routine or (expected is TokenInvalid and "Access" in message)
    assert logged == ([] if known else [message])


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
async def test_wrong_client_secret_is_misconfigured(
    call: str, name: str, message: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A missing or wrong client secret is Misconfigured and logged."""
    cognito.answers(call, refusal(name, message))

    with capture_logs() as logs, pytest.raises(Misconfigured):
        await CALLS[call](provider)

    assert [(event["operation"], event["error"]) for event in logs] == [(call, name)]


@pytest.mark.parametrize("message", [None, "Refresh Token has been revoked"])
async def test_revocation_of_an_unknown_token_succeeds(
    message: str | None, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Revoking an unknown token succeeds, for both exceptions of Cognito."""
    cognito.answers("RevokeToken", refusal("NotAuthorizedException", message))

    await CALLS["RevokeToken"](provider)

    assert cognito.operations == ["RevokeToken"]


@pytest.mark.parametrize("message", [b"null", b"5", b"{}"])
async def test_message_that_is_not_a_string_is_ignored(
    message: bytes, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """A message that is not a string is ignored."""
    body = b'{"__type": "NotAuthorizedException", "message": ' + message + b"}"
    cognito.answers("InitiateAuth", raw(body, 400))

    with pytest.raises(InvalidCredentials):
        await CALLS["InitiateAuth"](provider)


async def test_reason_code_is_ignored(provider: IdentityProvider, cognito: ScriptedCognito) -> None:
    """The documented reason code of InvalidParameterException is ignored."""
    reason = refusal("InvalidParameterException", "no", reasonCode="a reason")
    cognito.answers("SignUp", reason)

    with pytest.raises(InvalidParameter) as raised:
        await CALLS["SignUp"](provider)

    assert raised.value.public_detail == InvalidParameter.detail
