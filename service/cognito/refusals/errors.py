"""The error of the domain for each exception of each Cognito operation."""

from collections.abc import Mapping
from typing import Final

from service.aws.errors import ErrorTable
from service.cognito.refusals import error_rules as rules
from service.cognito.refusals.user_existence_errors import AS_SENT, AS_WRONG_CODE, AS_WRONG_PASSWORD
from service.domain.errors import (
    AccountChanged,
    AccountExists,
    AccountNotConfirmed,
    AliasExists,
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
    PasswordResetRequired,
    PasswordReused,
    RefreshTokenInvalid,
    RefreshTokenReused,
    RejectedByPolicy,
    SessionNotFound,
    TokenInvalid,
    UnsupportedTokenType,
    UpstreamHookFailed,
    UpstreamUnavailable,
    WeakPassword,
)

EVERY_CALL: Final[ErrorTable] = {
    "FeatureUnavailableInTierException": FeatureUnavailable,
    "ForbiddenException": rules.waf_refusal,
    "InternalErrorException": UpstreamUnavailable,
    "InvalidParameterException": InvalidParameter,
    "InvalidUserPoolConfigurationException": Misconfigured,
    "LimitExceededException": rules.user_limit,
    "OperationNotEnabledException": FeatureUnavailable,
    "ResourceNotFoundException": Misconfigured,  # the id of the user pool or the app client
    "TooManyFailedAttemptsException": rules.user_limit,
    "TooManyRequestsException": rules.account_quota,
    "Unsupported": FeatureUnavailable,  # cognito-local, of an operation that it lacks
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
UNAUTHENTICATED_CODE: Final[ErrorTable] = {
    **AS_WRONG_CODE,
    "CodeMismatchException": CodeMismatch,
    # With PreventUserExistenceErrors, Cognito returns it for unknown users.
    "ExpiredCodeException": CodeMismatch,
    "NotAuthorizedException": rules.unauthenticated_code_refusal,
    "UserNotFoundException": CodeMismatch,
}
# No account, none that needs a code, or none that can receive one.
UNAUTHENTICATED_MESSAGE: Final[ErrorTable] = {
    **AS_SENT,
    "NotAuthorizedException": rules.unauthenticated_message_refusal,
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
    "NotAuthorizedException": rules.sign_in_refusal,
    "PasswordResetRequiredException": PasswordResetRequired,
    "UserNotConfirmedException": AccountNotConfirmed,
    "UserNotFoundException": InvalidCredentials,
}
ACCESS_TOKEN: Final[ErrorTable] = {  # of every operation with an access token
    "NotAuthorizedException": rules.account_refusal,
    "PasswordResetRequiredException": PasswordResetRequired,
    "UserNotConfirmedException": AccountNotConfirmed,
    "UserNotFoundException": TokenInvalid,  # deleted
}
PASSKEYS: Final[ErrorTable] = {
    "WebAuthnChallengeNotFoundException": PasskeyChallengeExpired,
    "WebAuthnClientMismatchException": rules.passkey_rejected(
        "The options of this passkey are another app's."
    ),
    "WebAuthnConfigurationMissingException": FeatureUnavailable,
    "WebAuthnCredentialNotSupportedException": rules.passkey_rejected(
        "Passkeys of this kind are not supported."
    ),
    "WebAuthnNotEnabledException": FeatureUnavailable,
    "WebAuthnOriginNotAllowedException": rules.passkey_rejected(
        "This passkey comes from another site's page."
    ),
    "WebAuthnRelyingPartyMismatchException": rules.passkey_rejected(
        "This passkey was made for another site."
    ),
}

_BY_OPERATION: Final[Mapping[str, ErrorTable]] = {
    "SignUp": {
        **TRIGGERS,
        **SENDING,
        **PASSWORDS,
        "NotAuthorizedException": rules.sign_up_refusal,
        "UsernameExistsException": AccountExists,
    },
    "ConfirmSignUp": {
        **TRIGGERS,
        **UNAUTHENTICATED_CODE,
        "AliasExistsException": AliasExists,
    },
    "ResendConfirmationCode": UNAUTHENTICATED_MESSAGE,
    "InitiateAuth": {
        **SIGNING_IN,
        "InvalidParameterException": rules.flow_refusal,
        "InvalidPasswordException": InvalidCredentials,  # not documented; a wrong password
    },
    "RespondToAuthChallenge": {
        **SIGNING_IN,
        **PASSWORDS,
        "AliasExistsException": AliasExists,
        "CodeMismatchException": rules.challenge_code_mismatch,
        "ExpiredCodeException": CodeExpired,
        "MFAMethodNotFoundException": MfaNotConfigured,
        "SoftwareTokenMFANotFoundException": MfaNotConfigured,
    },
    "GetTokensFromRefreshToken": {
        **TRIGGERS,
        "NotAuthorizedException": rules.refresh_refusal,
        "RefreshTokenReuseException": RefreshTokenReused,
        "UserNotFoundException": RefreshTokenInvalid,
    },
    "RevokeToken": {
        "NotAuthorizedException": rules.revocation_refusal,  # not documented
        "UnauthorizedException": rules.revocation_refusal,
        "UnsupportedTokenTypeException": UnsupportedTokenType,
    },
    "ConfirmDevice": {
        **ACCESS_TOKEN,
        "DeviceKeyExistsException": AccountChanged,
        "InvalidLambdaResponseException": UpstreamHookFailed,
        "ResourceNotFoundException": InvalidParameter,  # the device
    },
    "GlobalSignOut": ACCESS_TOKEN,
    "ForgotPassword": UNAUTHENTICATED_MESSAGE,
    "ConfirmForgotPassword": {
        **TRIGGERS,
        **PASSWORDS,
        **UNAUTHENTICATED_CODE,
        # An unconfirmed user is never sent a code.
        "UserNotConfirmedException": CodeMismatch,
    },
    "ChangePassword": {**PASSWORDS, **ACCESS_TOKEN},
    "GetUser": ACCESS_TOKEN,
    "UpdateUserAttributes": {
        **TRIGGERS,
        **SENDING,
        **CODES,
        **ACCESS_TOKEN,
        "AliasExistsException": AliasExists,
    },
    "DeleteUserAttributes": ACCESS_TOKEN,
    "GetUserAttributeVerificationCode": {**TRIGGERS, **SENDING, **ACCESS_TOKEN},
    "VerifyUserAttribute": {
        **CODES,
        **ACCESS_TOKEN,
        "AliasExistsException": AliasExists,
    },
    "DeleteUser": ACCESS_TOKEN,
    "AssociateSoftwareToken": {
        **ACCESS_TOKEN,
        "ConcurrentModificationException": AccountChanged,
        "SoftwareTokenMFANotFoundException": MfaNotConfigured,
    },
    "VerifySoftwareToken": {
        **ACCESS_TOKEN,
        "CodeMismatchException": CodeMismatch,
        "EnableSoftwareTokenMFAException": CodeMismatch,
        "SoftwareTokenMFANotFoundException": MfaNotConfigured,
    },
    "SetUserMFAPreference": ACCESS_TOKEN,
    "GetUserAuthFactors": ACCESS_TOKEN,
    "StartWebAuthnRegistration": {**PASSKEYS, **ACCESS_TOKEN},
    "CompleteWebAuthnRegistration": {**PASSKEYS, **ACCESS_TOKEN},
    "ListWebAuthnCredentials": {**PASSKEYS, **ACCESS_TOKEN},
    "DeleteWebAuthnCredential": {
        **PASSKEYS,
        **ACCESS_TOKEN,
        "ResourceNotFoundException": PasskeyNotFound,
    },
    "ListDevices": {
        **ACCESS_TOKEN,
        "InvalidUserPoolConfigurationException": FeatureUnavailable,  # the pool remembers none
    },
    "ListUserSessions": ACCESS_TOKEN,
    "RevokeUserSession": {**ACCESS_TOKEN, "ResourceNotFoundException": SessionNotFound},
}
# operation -> exception -> error
ERRORS: Final[Mapping[str, ErrorTable]] = {
    operation: {**EVERY_CALL, **table} for operation, table in _BY_OPERATION.items()
}
# Overrides of RespondToAuthChallenge with a code: the limits of a user are a wrong code.
CHALLENGE_CODE: Final[ErrorTable] = {
    **AS_WRONG_CODE,
    "NotAuthorizedException": rules.challenge_code_refusal,
}
# Overrides of ConfirmSignUp with the session of a sign-up: all that may be about the session.
SIGN_UP_SESSION: Final[ErrorTable] = {
    "CodeMismatchException": rules.challenge_code_mismatch,
    "InvalidParameterException": ChallengeExpired,
    "NotAuthorizedException": rules.sign_up_session_refusal,
}
# Overrides of operations with the session of a challenge in place of an access token.
CHALLENGE_SESSION: Final[ErrorTable] = {
    "CodeMismatchException": rules.challenge_code_mismatch,
    "NotAuthorizedException": rules.sign_in_refusal,
    "UserNotFoundException": InvalidCredentials,
}
