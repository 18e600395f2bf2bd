"""Translation of Cognito's exceptions that have several meanings, for each kind of call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeAlias

from service.cognito.refusals.messages import lower_message, meaning_of
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
    PasskeyRejected,
    PasswordResetRequired,
    RefreshTokenInvalid,
    RefreshTokenReused,
    ServiceError,
    SignUpDisabled,
    TemporaryPasswordExpired,
    Throttled,
    TokenInvalid,
    TooManyAttempts,
    UserDisabled,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.exceptions import ClientError

    Rule: TypeAlias = Callable[[ClientError], ServiceError]

OTHER_CLIENT: Final = "This refresh token is another app client's. Use it there, or log in here."
# "Refresh Token has different Client.", "Refresh token doesn't match client"
OTHERS_TOKEN: Final = re.compile(r"different client|match client")
LOCKOUT_S: Final = 15 * 60  # the longest lockout after wrong passwords (developer guide, sign-in)
# "USER_PASSWORD_AUTH flow not enabled for this client", "Initiate Auth method not supported", "Custom
# auth lambda trigger is not configured for the user pool"
DISABLED_FLOW: Final = re.compile(r"not enabled for|not supported|trigger is not configured")
HOUR_S: Final = 60 * 60  # codes are counted per user and hour (developer guide, quotas)


def user_limit(_: ClientError) -> ServiceError:
    """Translate an exceeded limit of the user, which Cognito counts per hour."""
    return TooManyAttempts(retry_after_s=HOUR_S)


def account_quota(_: ClientError) -> ServiceError:
    """Translate an exceeded quota of the AWS account, which Cognito counts per second."""
    return Throttled(retry_after_s=1)


def waf_refusal(error: ClientError) -> ServiceError:
    """Translate ForbiddenException of AWS WAF: blocked, or a CAPTCHA is required."""
    return CaptchaRequired() if "captcha" in lower_message(error) else Blocked()


def not_authorized(default: type[ServiceError], *visible: type[ServiceError]) -> Rule:
    """
    Return the rule for NotAuthorizedException of a kind of call.

    A meaning that is not *visible* to the caller, and an unknown message, become *default*. A wrong
    client secret is always Misconfigured.
    """
    shown = {Misconfigured, *visible}

    def rule(error: ClientError) -> ServiceError:
        meaning = meaning_of(error)
        if meaning is None or meaning not in shown:
            return default()
        return meaning(retry_after_s=LOCKOUT_S) if meaning is TooManyAttempts else meaning()

    return rule


# Of an access token: the caller is known, so every meaning is visible that such a call can have.
account_refusal: Final = not_authorized(
    TokenInvalid,
    AccountNotConfirmed,
    Blocked,
    ChallengeExpired,
    FeatureUnavailable,
    InsufficientScope,
    InvalidCredentials,
    InvalidFields,
    PasswordResetRequired,
    TemporaryPasswordExpired,
    TooManyAttempts,
    UserDisabled,
)
# Cognito locks and disables existing users only: to a caller who is not signed in, that is a wrong
# password, or a wrong code.
sign_in_refusal: Final = not_authorized(
    InvalidCredentials, ChallengeExpired, InvalidFields, TemporaryPasswordExpired
)
sign_up_refusal: Final = not_authorized(SignUpDisabled, InvalidFields)
# A used or expired code, or a confirmed or disabled account.
unauthenticated_code_refusal: Final = not_authorized(CodeMismatch)
# Likewise, or a session of a sign-up that is not valid.
sign_up_session_refusal: Final = not_authorized(CodeMismatch, ChallengeExpired)
# A disabled user.
unauthenticated_message_refusal: Final = not_authorized(InvalidParameter)


def of_refresh_token(default: type[ServiceError], *visible: type[ServiceError]) -> Rule:
    """Return the rule for a refusal of a refresh token, which may be another app client's."""
    rule = not_authorized(default, *visible)

    def named(error: ClientError) -> ServiceError:
        is_others = OTHERS_TOKEN.search(lower_message(error))
        return RefreshTokenInvalid(OTHER_CLIENT) if is_others else rule(error)

    return named


refresh_refusal: Final = of_refresh_token(RefreshTokenInvalid, RefreshTokenReused, UserDisabled)
revocation_refusal: Final = of_refresh_token(TokenInvalid)


def challenge_code_refusal(error: ClientError) -> ServiceError:
    """Translate NotAuthorizedException of a challenge with a code; the lockout is a wrong code."""
    return CodeMismatch() if meaning_of(error) is TooManyAttempts else sign_in_refusal(error)


def flow_refusal(error: ClientError) -> ServiceError:
    """Translate InvalidParameterException of InitiateAuth: a value, or a flow that is not enabled."""
    disabled = DISABLED_FLOW.search(lower_message(error))
    return FeatureUnavailable() if disabled else InvalidParameter()


def challenge_code_mismatch(error: ClientError) -> ServiceError:
    """Translate CodeMismatchException of a challenge: a wrong code, or a used session."""
    return ChallengeExpired() if "session" in lower_message(error) else CodeMismatch()


def passkey_rejected(reason: str) -> Rule:
    """Return the rule for a passkey that is rejected for *reason*, a sentence."""

    def rule(_: ClientError) -> ServiceError:
        return PasskeyRejected(f"{reason} Create a new one on this site with new options.")

    return rule
