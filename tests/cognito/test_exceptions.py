"""Every exception of every call, sent through the real client, is the error that is documented for it."""

from collections.abc import Mapping
from typing import Final

import pytest

from service.cognito.refusals.errors import ERRORS
from service.domain.errors import (
    AccountChanged,
    AccountExists,
    AccountNotConfirmed,
    AliasExists,
    Blocked,
    CodeExpired,
    CodeMismatch,
    DeliveryFailed,
    FeatureUnavailable,
    InvalidCredentials,
    InvalidFields,
    InvalidParameter,
    MfaNotConfigured,
    Misconfigured,
    PasskeyChallengeExpired,
    PasskeyNotFound,
    PasskeyRejected,
    PasswordResetRequired,
    PasswordReused,
    RefreshTokenInvalid,
    RefreshTokenReused,
    RejectedByPolicy,
    ServiceError,
    SessionNotFound,
    SignUpDisabled,
    Throttled,
    TokenInvalid,
    TooManyAttempts,
    UnsupportedTokenType,
    UpstreamHookFailed,
    UpstreamUnavailable,
    WeakPassword,
)
from service.domain.identity_provider import IdentityProvider
from tests.cognito.calls import CALLS, operation_of
from tests.support.cognito_shapes import service_model
from tests.support.scripted_cognito import ScriptedCognito, refusal

pytestmark = pytest.mark.asyncio(loop_scope="module")

SILENT: Final = None  # a success: the caller is told nothing
Outcome = type[ServiceError] | None

# What an exception means wherever no other table says otherwise; without its "Exception".
ANYWHERE: Final[Mapping[str, Outcome]] = {
    "AliasExists": AliasExists,
    "CodeDeliveryFailure": DeliveryFailed,
    "CodeMismatch": CodeMismatch,
    "ConcurrentModification": AccountChanged,
    "EnableSoftwareTokenMFA": CodeMismatch,
    "ExpiredCode": CodeExpired,
    "FeatureUnavailableInTier": FeatureUnavailable,
    "Forbidden": Blocked,
    "InternalError": UpstreamUnavailable,
    "InvalidEmailRoleAccessPolicy": Misconfigured,
    "InvalidLambdaResponse": UpstreamHookFailed,
    "InvalidParameter": InvalidParameter,
    "InvalidPassword": WeakPassword,
    "InvalidSmsRoleAccessPolicy": Misconfigured,
    "InvalidSmsRoleTrustRelationship": Misconfigured,
    "InvalidUserPoolConfiguration": Misconfigured,
    "LimitExceeded": TooManyAttempts,
    "MFAMethodNotFound": MfaNotConfigured,
    "NotAuthorized": TokenInvalid,
    "OperationNotEnabled": FeatureUnavailable,
    "PasswordHistoryPolicyViolation": PasswordReused,
    "PasswordResetRequired": PasswordResetRequired,
    "RefreshTokenReuse": RefreshTokenReused,
    "ResourceNotFound": Misconfigured,
    "SoftwareTokenMFANotFound": MfaNotConfigured,
    "TooManyFailedAttempts": TooManyAttempts,
    "TooManyRequests": Throttled,
    "UnexpectedLambda": UpstreamHookFailed,
    "UnsupportedOperation": FeatureUnavailable,
    "UnsupportedTokenType": UnsupportedTokenType,
    "UserLambdaValidation": RejectedByPolicy,
    "UserNotConfirmed": AccountNotConfirmed,
    "UserNotFound": TokenInvalid,
    "UserPoolAddOnNotEnabled": FeatureUnavailable,
    "UsernameExists": AccountExists,
    "WebAuthnChallengeNotFound": PasskeyChallengeExpired,
    "WebAuthnClientMismatch": PasskeyRejected,
    "WebAuthnConfigurationMissing": FeatureUnavailable,
    "WebAuthnCredentialNotSupported": PasskeyRejected,
    "WebAuthnNotEnabled": FeatureUnavailable,
    "WebAuthnOriginNotAllowed": PasskeyRejected,
    "WebAuthnRelyingPartyMismatch": PasskeyRejected,
}
WRONG_CODE: Final[Mapping[str, Outcome]] = {  # a user's own limits, which unknown names have not
    "LimitExceeded": CodeMismatch,
    "TooManyFailedAttempts": CodeMismatch,
}
SIGN_IN: Final[Mapping[str, Outcome]] = {
    "NotAuthorized": InvalidCredentials,
    "UserNotFound": InvalidCredentials,
}
WRONG_PASSWORD: Final[Mapping[str, Outcome]] = {
    **SIGN_IN,
    "InvalidParameter": InvalidCredentials,  # of users who have no address for a code, for example
    "LimitExceeded": InvalidCredentials,
    "TooManyFailedAttempts": InvalidCredentials,
}
UNIFORM: Final[Mapping[str, Outcome]] = {  # decision 3: no answer tells of an account
    "CodeDeliveryFailure": SILENT,
    "InvalidEmailRoleAccessPolicy": SILENT,
    "InvalidLambdaResponse": SILENT,
    "InvalidParameter": SILENT,
    "InvalidSmsRoleAccessPolicy": SILENT,
    "InvalidSmsRoleTrustRelationship": SILENT,
    "LimitExceeded": SILENT,
    "TooManyFailedAttempts": SILENT,
    "UnexpectedLambda": SILENT,
    "UserLambdaValidation": SILENT,
    "NotAuthorized": SILENT,
    "UserNotFound": SILENT,
}
REFRESHING: Final[Mapping[str, Outcome]] = {
    "InvalidParameter": RefreshTokenInvalid,
    "NotAuthorized": RefreshTokenInvalid,
    "UserNotFound": RefreshTokenInvalid,
}
CONFIRMING: Final[Mapping[str, Outcome]] = {
    **WRONG_CODE,
    "InvalidParameter": CodeMismatch,
    "ExpiredCode": CodeMismatch,  # decision 3
    "NotAuthorized": CodeMismatch,
    "UserNotFound": CodeMismatch,
}
ENDING: Final[Mapping[str, Outcome]] = {
    "InvalidParameter": SessionNotFound,
    "ResourceNotFound": SessionNotFound,
}
# What an exception means to one call alone.
HERE: Final[Mapping[str, Mapping[str, Outcome]]] = {
    "SignUp": {"NotAuthorized": SignUpDisabled},
    "SignUp/no password": {"NotAuthorized": SignUpDisabled},
    "ConfirmSignUp": CONFIRMING,
    "ConfirmSignUp/session": CONFIRMING,
    "ResendConfirmationCode": UNIFORM,
    "InitiateAuth": WRONG_PASSWORD,
    "InitiateAuth/begin": WRONG_PASSWORD,
    "InitiateAuth/no preference": WRONG_PASSWORD,
    "InitiateAuth/session": WRONG_PASSWORD,
    "RespondToAuthChallenge": {**SIGN_IN, **WRONG_CODE},
    "GetTokensFromRefreshToken": REFRESHING,
    "GetTokensFromRefreshToken/device": REFRESHING,
    "RevokeToken": {"Unauthorized": SILENT},
    "ForgotPassword": UNIFORM,
    "ConfirmForgotPassword": {
        **WRONG_CODE,
        "InvalidParameter": CodeMismatch,
        "ExpiredCode": CodeMismatch,  # decision 3
        "NotAuthorized": CodeMismatch,
        "UserNotConfirmed": CodeMismatch,
        "UserNotFound": CodeMismatch,
    },
    "CompleteWebAuthnRegistration": {"InvalidParameter": InvalidFields},
    "DeleteUserAttributes": {"InvalidParameter": InvalidFields},
    "GetUserAttributeVerificationCode": {"InvalidParameter": InvalidFields},
    "SetUserMFAPreference": {"InvalidParameter": MfaNotConfigured},
    "SetUserMFAPreference/passkey": {"InvalidParameter": MfaNotConfigured},
    "UpdateUserAttributes": {"InvalidParameter": InvalidFields},
    "AssociateSoftwareToken/session": SIGN_IN,
    "VerifySoftwareToken/session": SIGN_IN,
    "DeleteWebAuthnCredential": {"ResourceNotFound": PasskeyNotFound},
    "ListDevices": {"InvalidUserPoolConfiguration": FeatureUnavailable},
    "RevokeUserSession": ENDING,
    "RevokeUserSession/linked": ENDING,
}
REASONS: Final[Mapping[str, str]] = {  # of one error, told apart by its detail
    "WebAuthnClientMismatch": "The options of this passkey are another app's.",
    "WebAuthnCredentialNotSupported": "Passkeys of this kind are not supported.",
    "WebAuthnOriginNotAllowed": "This passkey comes from another site's page.",
    "WebAuthnRelyingPartyMismatch": "This passkey was made for another site.",
}
RETRY_AFTER_S: Final[Mapping[Outcome, int]] = {
    Throttled: 1,
    TooManyAttempts: 3_600,
    UpstreamUnavailable: 1,
}
# What newer models than the installed one have, or the guide tells of.
ON_ALL: Final = frozenset({"OperationNotEnabled", "LimitExceeded", "TooManyFailedAttempts"})
NEWER: Final[Mapping[str, frozenset[str]]] = {
    "InitiateAuth": frozenset({"FeatureUnavailableInTier", "UnsupportedOperation"}),
    "RespondToAuthChallenge": frozenset({"FeatureUnavailableInTier", "UnsupportedOperation"}),
    "GetTokensFromRefreshToken": frozenset({"UnsupportedOperation"}),
    "GlobalSignOut": frozenset({"UserNotFound"}),
    "StartWebAuthnRegistration": frozenset({"PasswordResetRequired"}),
    "CompleteWebAuthnRegistration": frozenset({"PasswordResetRequired"}),
    "ListWebAuthnCredentials": frozenset({"PasswordResetRequired"}),
    "DeleteWebAuthnCredential": frozenset({"PasswordResetRequired"}),
}
# What is sent again after a failure inside Cognito: it does no harm, or a second call shows the outcome.
ASKED_TWICE: Final = frozenset(
    {
        "DeleteUser",
        "DeleteUserAttributes",
        "GetUser",
        "GetUserAuthFactors",
        "GlobalSignOut",
        "ListDevices",
        "ListUserSessions",
        "ListWebAuthnCredentials",
        "RevokeToken",
        "RevokeUserSession",
        "SetUserMFAPreference",
    }
)


def exceptions_of(operation: str) -> list[str]:
    """Return the exceptions of an operation, without their "Exception"."""
    modelled = service_model().operation_model(operation).error_shapes
    known = {shape.name.removesuffix("Exception") for shape in modelled}
    return sorted(known | ON_ALL | NEWER.get(operation, frozenset()))


def pairs() -> list[tuple[str, str]]:
    """Return every call with every exception of it."""
    return [(call, name) for call in CALLS for name in exceptions_of(operation_of(call))]


async def test_every_operation_of_the_adapter_is_tried() -> None:
    """Every operation of the adapters is called here, ConfirmDevice in test_devices.py."""
    assert {operation_of(call) for call in CALLS} == set(ERRORS) - {"ConfirmDevice"}


@pytest.mark.parametrize(("call", "name"), pairs())
async def test_exception_is_its_documented_error(
    call: str, name: str, provider: IdentityProvider, cognito: ScriptedCognito
) -> None:
    """Each exception is one error of the domain, without Cognito's message; few calls are retried."""
    operation = operation_of(call)
    cognito.answers(operation, refusal(f"{name}Exception"))
    expected = {**ANYWHERE, **HERE.get(call, {})}[name]

    if expected is SILENT:
        await CALLS[call](provider)
    else:
        with pytest.raises(ServiceError) as raised:
            await CALLS[call](provider)
        assert type(raised.value) is expected
        assert raised.value.retry_after_s == RETRY_AFTER_S.get(expected)
        assert raised.value.public_detail.startswith(REASONS.get(name, expected.detail))

    again = (
        name == "ConcurrentModification"
        or (name == "InternalError" and operation in ASKED_TWICE)
        or (call, name) == ("ConfirmSignUp/session", "InvalidParameter")  # of the session, perhaps
    )
    assert cognito.operations.count(operation) == (2 if again else 1)
