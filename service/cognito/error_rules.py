"""
Translation of Cognito's exceptions that have several meanings.

AWS distinguishes those meanings by the message alone. The texts are taken from AWS's documentation and
public issues; an unknown text gets the meaning that reveals least.
"""

from collections.abc import Callable

from botocore.exceptions import ClientError

from service.cognito.malformed_values import refused_value
from service.cognito.user_existence_errors import is_lockout, message
from service.domain.errors import (
    Blocked,
    CaptchaRequired,
    ChallengeExpired,
    CodeMismatch,
    FeatureUnavailable,
    InvalidCredentials,
    InvalidParameter,
    Misconfigured,
    PasskeyRejected,
    RefreshTokenInvalid,
    ServiceError,
    SignUpDisabled,
    Throttled,
    TokenInvalid,
    TooManyAttempts,
)

OTHER_CLIENT = "This refresh token is another app client's. Use it there, or log in here."
LOCKOUT_S = 15 * 60  # the longest lockout after wrong passwords (developer guide, sign-in)
HOUR_S = 60 * 60  # codes are counted per user and hour (developer guide, quotas)


def user_limit(_: ClientError) -> ServiceError:
    """Translate an exceeded limit of the user, which Cognito counts per hour."""
    return TooManyAttempts(retry_after_s=HOUR_S)


def account_quota(_: ClientError) -> ServiceError:
    """Translate an exceeded quota of the AWS account, which Cognito counts per second."""
    return Throttled(retry_after_s=1)


def waf_refusal(error: ClientError) -> ServiceError:
    """Translate ForbiddenException of AWS WAF: blocked, or a CAPTCHA is required."""
    return CaptchaRequired() if "captcha" in message(error) else Blocked()


def is_client_secret_error(error: ClientError) -> bool:
    """
    Return whether the configured client secret is wrong.

    Cognito has several messages for it ("Unable to verify secret hash", "configured with secret but
    SECRET_HASH was not received", "SecretHash does not match"); no other message has the word.
    """
    return "secret" in message(error)


def is_attribute_error(error: ClientError) -> bool:
    """Return whether the app client may not write an attribute."""
    return "unauthorized attribute" in message(error)


def unless_secret(refusal: type[ServiceError]) -> Callable[[ClientError], ServiceError]:
    """Return the rule for an exception that means *refusal*, or a wrong client secret."""

    def rule(error: ClientError) -> ServiceError:
        return Misconfigured() if is_client_secret_error(error) else refusal()

    return rule


def invalid_parameter(error: ClientError) -> ServiceError:
    """Translate InvalidParameterException: a malformed token, session or code, or any other value."""
    return refused_value(str(error.response["Error"].get("Message", ""))) or InvalidParameter()


def sign_up_refusal(error: ClientError) -> ServiceError:
    """Translate NotAuthorizedException of SignUp: disabled, an attribute, or the client secret."""
    if is_attribute_error(error):
        return InvalidParameter()
    return Misconfigured() if is_client_secret_error(error) else SignUpDisabled()


def sign_in_refusal(error: ClientError) -> ServiceError:
    """
    Translate NotAuthorizedException of a sign-in.

    The lockout is a wrong password, as Cognito has one for existing users only.
    """
    if is_lockout(error):
        return InvalidCredentials()
    if "session" in message(error):
        return ChallengeExpired()
    if is_attribute_error(error):  # of NEW_PASSWORD_REQUIRED
        return InvalidParameter()
    return Misconfigured() if is_client_secret_error(error) else InvalidCredentials()


def challenge_code_refusal(error: ClientError) -> ServiceError:
    """Translate NotAuthorizedException of a challenge with a code; the lockout is a wrong code."""
    return CodeMismatch() if is_lockout(error) else sign_in_refusal(error)


def flow_refusal(error: ClientError) -> ServiceError:
    """Translate InvalidParameterException of InitiateAuth: a value, or a flow that is not enabled."""
    text = message(error)
    disabled = "not enabled for this client" in text or "not supported" in text
    return FeatureUnavailable() if disabled else invalid_parameter(error)


def challenge_code_mismatch(error: ClientError) -> ServiceError:
    """Translate CodeMismatchException of a challenge: a wrong code, or a used session."""
    return ChallengeExpired() if "session" in message(error) else CodeMismatch()


def password_change_refusal(error: ClientError) -> ServiceError:
    """Translate NotAuthorizedException of ChangePassword: the lockout, the password or the token."""
    if is_lockout(error):
        return TooManyAttempts(retry_after_s=LOCKOUT_S)
    return InvalidCredentials() if "incorrect" in message(error) else TokenInvalid()


def attribute_refusal(error: ClientError) -> ServiceError:
    """Translate NotAuthorizedException of a change of attributes: an attribute or the token."""
    return InvalidParameter() if is_attribute_error(error) else TokenInvalid()


def refresh_refusal(error: ClientError) -> ServiceError:
    """Translate NotAuthorizedException of a refresh: the token, or the client secret."""
    if is_client_secret_error(error):
        return Misconfigured()
    return RefreshTokenInvalid(OTHER_CLIENT if _is_of_other_client(error) else None)


def revocation_refusal(error: ClientError) -> ServiceError:
    """Translate the refusal to revoke a token: another app client's, unknown, or the client secret."""
    if is_client_secret_error(error):
        return Misconfigured()
    return RefreshTokenInvalid(OTHER_CLIENT) if _is_of_other_client(error) else TokenInvalid()


def _is_of_other_client(error: ClientError) -> bool:
    """Return whether a refresh token was issued to another app client (aws/aws-sdk-js issue 4016)."""
    return "different client" in message(error)


def passkey_rejected(reason: str) -> Callable[[ClientError], ServiceError]:
    """Return the rule for a passkey that is rejected for *reason*, a sentence."""

    def rule(_: ClientError) -> ServiceError:
        return PasskeyRejected(f"{reason} Create a new one on this site with new options.")

    return rule


# A used or expired code, or a confirmed or disabled account.
unauthenticated_code_refusal = unless_secret(CodeMismatch)
# A disabled user.
unauthenticated_message_refusal = unless_secret(InvalidParameter)
