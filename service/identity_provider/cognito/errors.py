"""
What each exception of Cognito means to the caller, call by call.

Where one exception means several things, AWS tells them apart by the message alone; the texts matched
here are those of the service's documentation and public issue threads, and an unknown text falls to
the meaning that tells the caller least.
"""

from typing import Final

from botocore.exceptions import ClientError

from service.aws import ErrorTable
from service.domain.errors import (
    AccountExists,
    AccountNotConfirmed,
    AliasExists,
    Blocked,
    ChallengeExpired,
    CodeMismatch,
    DeliveryFailed,
    FeatureUnavailable,
    InvalidCredentials,
    InvalidParameter,
    Misconfigured,
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
    """Tell a wrong setting of ours from a fault of the caller; both are NotAuthorizedException."""
    message = _message(error)
    return any(text in message for text in ("secret hash", "secrethash", "secret was not received"))


def _message(error: ClientError) -> str:
    return error.response["Error"].get("Message", "").lower()


def sign_up_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of SignUp: a closed pool, or a client secret that is wrong."""
    return Misconfigured() if blames_our_secret(error) else SignUpDisabled()


def confirmation_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of ConfirmSignUp: confirmed already is no news for a stranger."""
    return Misconfigured() if blames_our_secret(error) else CodeMismatch()


def log_in_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of InitiateAuth: wrong password, locked, or disabled."""
    if "attempts exceeded" in _message(error):
        return TooManyAttempts(retry_after_s=LOCKOUT_S)
    if "session" in _message(error):
        return ChallengeExpired()
    return Misconfigured() if blames_our_secret(error) else InvalidCredentials()


def refresh_refused(error: ClientError) -> ServiceError:
    """Mean NotAuthorizedException of GetTokensFromRefreshToken."""
    return Misconfigured() if blames_our_secret(error) else RefreshTokenInvalid()


EVERY_CALL: Final[ErrorTable] = {
    "ForbiddenException": Blocked,  # AWS WAF on the user pool
    "InternalErrorException": UpstreamUnavailable,
    "InvalidParameterException": InvalidParameter,
    "OperationNotEnabledException": FeatureUnavailable,
    "ResourceNotFoundException": Misconfigured,  # the pool's or the client's id
    "TooManyRequestsException": throttled,
}
LIMITED: Final[ErrorTable] = {
    "LimitExceededException": too_many_attempts,
    "TooManyFailedAttemptsException": too_many_attempts,
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

SIGN_UP: Final[ErrorTable] = {
    **EVERY_CALL,
    **LIMITED,
    **TRIGGERS,
    **SENDING,
    **PASSWORDS,
    "NotAuthorizedException": sign_up_refused,
    "UsernameExistsException": AccountExists,
}
CONFIRM_SIGN_UP: Final[ErrorTable] = {
    **EVERY_CALL,
    **LIMITED,
    **TRIGGERS,
    "AliasExistsException": AliasExists,
    "CodeMismatchException": CodeMismatch,
    # Cognito says "expired" of a user that it does not know, where the client hides who has an
    # account; said on, it would tell what Cognito was asked to hide.
    "ExpiredCodeException": CodeMismatch,
    "NotAuthorizedException": confirmation_refused,
    "UserNotFoundException": CodeMismatch,
}
RESEND_CONFIRMATION_CODE: Final[ErrorTable] = {
    **EVERY_CALL,
    **LIMITED,
    **TRIGGERS,
    **SENDING,
    "NotAuthorizedException": Misconfigured,
}
INITIATE_AUTH: Final[ErrorTable] = {
    **EVERY_CALL,
    **LIMITED,
    **TRIGGERS,
    **SENDING,
    "FeatureUnavailableInTierException": FeatureUnavailable,
    "InvalidUserPoolConfigurationException": Misconfigured,
    "NotAuthorizedException": log_in_refused,
    "PasswordResetRequiredException": PasswordResetRequired,
    "UnsupportedOperationException": FeatureUnavailable,
    "UserNotConfirmedException": AccountNotConfirmed,
    "UserNotFoundException": InvalidCredentials,
}
GET_TOKENS_FROM_REFRESH_TOKEN: Final[ErrorTable] = {
    **EVERY_CALL,
    **LIMITED,
    **TRIGGERS,
    "NotAuthorizedException": refresh_refused,
    "RefreshTokenReuseException": RefreshTokenReused,
    "UnsupportedOperationException": FeatureUnavailable,
    "UserNotFoundException": RefreshTokenInvalid,
}
REVOKE_TOKEN: Final[ErrorTable] = {
    **EVERY_CALL,
    "UnsupportedOperationException": FeatureUnavailable,
}
GLOBAL_SIGN_OUT: Final[ErrorTable] = {
    **EVERY_CALL,
    "NotAuthorizedException": TokenInvalid,
    "PasswordResetRequiredException": PasswordResetRequired,
    "UserNotConfirmedException": AccountNotConfirmed,
}
