"""
What each exception of Cognito means to the caller, call by call.

Where one exception means several things, AWS tells them apart by the message alone; the texts matched
here are those of the service's documentation and public issue threads, and an unknown text falls to
the meaning that tells the caller least.
"""

from collections.abc import Callable, Mapping
from typing import Final

from botocore.exceptions import ClientError

from service.aws.errors import ErrorTable
from service.cognito.masked_errors import AS_SENT, AS_WRONG_CODE, AS_WRONG_PASSWORD, says_locked_out
from service.domain.errors import (
    AccountChanged,
    AccountExists,
    AccountNotConfirmed,
    AliasExists,
    Blocked,
    CaptchaRequired,
    ChallengeExpired,
    CodeExpired,
    CodeMismatch,
    DeliveryFailed,
    FeatureUnavailable,
    InvalidCredentials,
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
    SignUpDisabled,
    Throttled,
    TokenInvalid,
    TooManyAttempts,
    UnsupportedTokenType,
    UpstreamHookFailed,
    UpstreamUnavailable,
    WeakPassword,
)

LOCKOUT_S: Final = (
    15 * 60
)  # Cognito's longest lock after wrong passwords (developer guide, sign-in)
HOUR_S: Final = 60 * 60  # Cognito counts codes sent and tried per user and hour (its quotas page)


def too_many_attempts(_: ClientError) -> ServiceError:
    """Mean a limit per user, counted by the hour."""
    return TooManyAttempts(retry_after_s=HOUR_S)


def throttled(_: ClientError) -> ServiceError:
    """Mean a quota of the whole AWS account, counted by the second."""
    return Throttled(retry_after_s=1)


def blames_our_secret(error: ClientError) -> bool:
    """
    Tell a wrong setting of ours from a fault of the caller; both are one exception.

    Cognito has many words for it ("Unable to verify secret hash", "configured with secret but
    SECRET_HASH was not received", "SecretHash does not match") and no other use of this one.
    """
    return "secret" in _message(error)


def _message(error: ClientError) -> str:
    return str(error.response["Error"].get("Message") or "").lower()


def blames_attributes(error: ClientError) -> bool:
    """Tell an attribute that the app client may not write from a fault of who asks."""
    return "unauthorized attribute" in _message(error)


def firewall_refused(error: ClientError) -> ServiceError:
    """Mean ForbiddenException: AWS WAF on the user pool blocks, or wants a CAPTCHA."""
    return CaptchaRequired() if "captcha" in _message(error) else Blocked()


def sign_up_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of SignUp: a closed pool, an attribute, or our client secret."""
    if blames_attributes(error):
        return InvalidParameter()
    return Misconfigured() if blames_our_secret(error) else SignUpDisabled()


def code_refused(error: ClientError) -> ServiceError:
    """
    Mean NotAuthorizedException of a code that a stranger may try.

    That the account is confirmed already, or disabled, is no news for a stranger.
    """
    return Misconfigured() if blames_our_secret(error) else CodeMismatch()


def sending_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of a call that sends a code to a stranger: a disabled user."""
    return Misconfigured() if blames_our_secret(error) else InvalidParameter()


def sign_in_refused(error: ClientError) -> ServiceError:
    """
    Translate NotAuthorizedException of a sign-in: wrong password, locked out, disabled, or too late.

    The lockout is a wrong password: Cognito documents one for existing users only.
    """
    if says_locked_out(error):
        return InvalidCredentials()
    if "session" in _message(error):
        return ChallengeExpired()
    if blames_attributes(error):  # of NEW_PASSWORD_REQUIRED
        return InvalidParameter()
    return Misconfigured() if blames_our_secret(error) else InvalidCredentials()


def code_answer_refused(error: ClientError) -> ServiceError:
    """Translate NotAuthorizedException of a challenge that takes a code: locked out is a wrong code."""
    return CodeMismatch() if says_locked_out(error) else sign_in_refused(error)


def flow_refused(error: ClientError) -> ServiceError:
    """Mean InvalidParameterException of InitiateAuth: a wrong value, or a flow that the client lacks."""
    lacks = any(
        text in _message(error) for text in ("not enabled for this client", "not supported")
    )
    return FeatureUnavailable() if lacks else InvalidParameter()


def challenge_code_refused(error: ClientError) -> ServiceError:
    """Mean CodeMismatchException of a challenge: a wrong code, or a session that was used before."""
    return ChallengeExpired() if "session" in _message(error) else CodeMismatch()


def refresh_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of GetTokensFromRefreshToken."""
    return Misconfigured() if blames_our_secret(error) else RefreshTokenInvalid()


def revocation_refused(error: ClientError) -> ServiceError:
    """Mean either refusal of RevokeToken: a token of another client, or a wrong secret."""
    return Misconfigured() if blames_our_secret(error) else TokenInvalid()


def change_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of ChangePassword: the current password is wrong, or the token."""
    if says_locked_out(error):
        return TooManyAttempts(retry_after_s=LOCKOUT_S)
    return InvalidCredentials() if "incorrect" in _message(error) else TokenInvalid()


def attributes_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of a change of attributes: one of them, or the token."""
    return InvalidParameter() if blames_attributes(error) else TokenInvalid()


def rejected(reason: str) -> Callable[[ClientError], ServiceError]:
    """Return what means a passkey that is not accepted, and says why."""

    def meaning(_: ClientError) -> ServiceError:
        return PasskeyRejected(f"{reason} Create a new one on this site with new options.")

    return meaning


EVERY_CALL: Final[ErrorTable] = {
    "FeatureUnavailableInTierException": FeatureUnavailable,
    "ForbiddenException": firewall_refused,
    "InternalErrorException": UpstreamUnavailable,
    "InvalidParameterException": InvalidParameter,
    "InvalidUserPoolConfigurationException": Misconfigured,
    "LimitExceededException": too_many_attempts,
    "OperationNotEnabledException": FeatureUnavailable,
    "ResourceNotFoundException": Misconfigured,  # the pool's or the client's id
    "TooManyFailedAttemptsException": too_many_attempts,
    "TooManyRequestsException": throttled,
    "Unsupported": FeatureUnavailable,  # of an operation that cognito-local lacks
    "UnsupportedOperationException": FeatureUnavailable,
    "UserPoolAddOnNotEnabledException": FeatureUnavailable,
}
TRIGGERS: Final[ErrorTable] = {
    "InvalidLambdaResponseException": UpstreamHookFailed,
    "UnexpectedLambdaException": UpstreamHookFailed,
    "UserLambdaValidationException": RejectedByPolicy,
}
SENDING: Final[ErrorTable] = {
    "CodeDeliveryFailureException": DeliveryFailed,
    "InvalidEmailRoleAccessPolicyException": Misconfigured,
    "InvalidSmsRoleAccessPolicyException": Misconfigured,
    "InvalidSmsRoleTrustRelationshipException": Misconfigured,
}
PASSWORDS: Final[ErrorTable] = {
    "InvalidPasswordException": WeakPassword,
    "PasswordHistoryPolicyViolationException": PasswordReused,
}
STRANGERS_CODE: Final[ErrorTable] = {
    **AS_WRONG_CODE,
    "CodeMismatchException": CodeMismatch,
    # Cognito says "expired" of a user that it does not know, where the client hides who has an
    # account; said on, it would tell what Cognito was asked to hide.
    "ExpiredCodeException": CodeMismatch,
    "NotAuthorizedException": code_refused,
    "UserNotFoundException": CodeMismatch,
}
# Nobody waits for a code, or none can be sent to them: one meaning, which is not told to strangers.
STRANGERS_MESSAGE: Final[ErrorTable] = {
    **AS_SENT,
    "NotAuthorizedException": sending_refused,
    "UserNotFoundException": InvalidParameter,
}
CODES: Final[ErrorTable] = {
    "CodeMismatchException": CodeMismatch,
    "ExpiredCodeException": CodeExpired,
}
SIGNING_IN: Final[ErrorTable] = {
    **TRIGGERS,
    **SENDING,
    **AS_WRONG_PASSWORD,
    "NotAuthorizedException": sign_in_refused,
    "PasswordResetRequiredException": PasswordResetRequired,
    "UserNotConfirmedException": AccountNotConfirmed,
    "UserNotFoundException": InvalidCredentials,
}
SIGNED_IN: Final[ErrorTable] = {  # of every call by an access token
    "NotAuthorizedException": TokenInvalid,
    "PasswordResetRequiredException": PasswordResetRequired,
    "UserNotConfirmedException": AccountNotConfirmed,
    "UserNotFoundException": TokenInvalid,  # deleted
}
PASSKEYS: Final[ErrorTable] = {
    "WebAuthnChallengeNotFoundException": PasskeyChallengeExpired,
    "WebAuthnClientMismatchException": rejected("The options of this passkey are another app's."),
    "WebAuthnConfigurationMissingException": FeatureUnavailable,
    "WebAuthnCredentialNotSupportedException": rejected("Passkeys of this kind are not supported."),
    "WebAuthnNotEnabledException": FeatureUnavailable,
    "WebAuthnOriginNotAllowedException": rejected("This passkey comes from another site's page."),
    "WebAuthnRelyingPartyMismatchException": rejected("This passkey was made for another site."),
}

_OF_THE_CALL: Final[Mapping[str, ErrorTable]] = {
    "SignUp": {
        **TRIGGERS,
        **SENDING,
        **PASSWORDS,
        "NotAuthorizedException": sign_up_refused,
        "UsernameExistsException": AccountExists,
    },
    "ConfirmSignUp": {
        **TRIGGERS,
        **STRANGERS_CODE,
        "AliasExistsException": AliasExists,
    },
    "ResendConfirmationCode": STRANGERS_MESSAGE,
    "InitiateAuth": {
        **SIGNING_IN,
        "InvalidParameterException": flow_refused,
        "InvalidPasswordException": InvalidCredentials,  # not documented; of a wrong one
    },
    "RespondToAuthChallenge": {
        **SIGNING_IN,
        **PASSWORDS,
        "AliasExistsException": AliasExists,
        "CodeMismatchException": challenge_code_refused,
        "ExpiredCodeException": CodeExpired,
        "MFAMethodNotFoundException": MfaNotConfigured,
        "SoftwareTokenMFANotFoundException": MfaNotConfigured,
    },
    "GetTokensFromRefreshToken": {
        **TRIGGERS,
        "NotAuthorizedException": refresh_refused,
        "RefreshTokenReuseException": RefreshTokenReused,
        "UserNotFoundException": RefreshTokenInvalid,
    },
    "RevokeToken": {
        "NotAuthorizedException": revocation_refused,  # not documented
        "UnauthorizedException": revocation_refused,
        "UnsupportedTokenTypeException": UnsupportedTokenType,
    },
    "GlobalSignOut": SIGNED_IN,
    "ForgotPassword": STRANGERS_MESSAGE,
    "ConfirmForgotPassword": {
        **TRIGGERS,
        **PASSWORDS,
        **STRANGERS_CODE,
        # Nobody who is not confirmed is ever sent such a code, so there is none that is valid.
        "UserNotConfirmedException": CodeMismatch,
    },
    "ChangePassword": {
        **PASSWORDS,
        **SIGNED_IN,
        "NotAuthorizedException": change_refused,
    },
    "GetUser": SIGNED_IN,
    "UpdateUserAttributes": {
        **TRIGGERS,
        **SENDING,
        **CODES,
        **SIGNED_IN,
        "AliasExistsException": AliasExists,
        "NotAuthorizedException": attributes_refused,
    },
    "DeleteUserAttributes": {**SIGNED_IN, "NotAuthorizedException": attributes_refused},
    "GetUserAttributeVerificationCode": {**TRIGGERS, **SENDING, **SIGNED_IN},
    "VerifyUserAttribute": {
        **CODES,
        **SIGNED_IN,
        "AliasExistsException": AliasExists,
    },
    "DeleteUser": SIGNED_IN,
    "AssociateSoftwareToken": {
        **SIGNED_IN,
        "ConcurrentModificationException": AccountChanged,
        "SoftwareTokenMFANotFoundException": MfaNotConfigured,
    },
    "VerifySoftwareToken": {
        **SIGNED_IN,
        "CodeMismatchException": CodeMismatch,
        "EnableSoftwareTokenMFAException": CodeMismatch,
        "SoftwareTokenMFANotFoundException": MfaNotConfigured,
    },
    "SetUserMFAPreference": SIGNED_IN,
    "GetUserAuthFactors": SIGNED_IN,
    "StartWebAuthnRegistration": {**PASSKEYS, **SIGNED_IN},
    "CompleteWebAuthnRegistration": {**PASSKEYS, **SIGNED_IN},
    "ListWebAuthnCredentials": {**PASSKEYS, **SIGNED_IN},
    "DeleteWebAuthnCredential": {
        **PASSKEYS,
        **SIGNED_IN,
        "ResourceNotFoundException": PasskeyNotFound,
    },
}
# operation -> what each of its exceptions means
ERRORS: Final[Mapping[str, ErrorTable]] = {
    operation: {**EVERY_CALL, **table} for operation, table in _OF_THE_CALL.items()
}
# A code that answers a challenge: the limits of a user are a wrong code, as for an unknown name.
BY_CODE: Final[ErrorTable] = {**AS_WRONG_CODE, "NotAuthorizedException": code_answer_refused}
# A challenge's session takes the place of the access token while a factor is set up at sign-in.
BY_SESSION: Final[ErrorTable] = {
    "CodeMismatchException": challenge_code_refused,
    "NotAuthorizedException": sign_in_refused,
    "UserNotFoundException": InvalidCredentials,
}
