"""
The errors that a request can end with, each named for the state that causes it.

ServiceError
├── RequestRefused            the HTTP request is not acceptable: see service/api/http_errors.py
│   └── InvalidFields
├── NotIdentified             the caller is not authenticated
│   ├── NotAuthenticated      TokenInvalid          InvalidCredentials
│   └── RefreshTokenInvalid   RefreshTokenReused    ChallengeExpired
├── AccountRefused            the account's state or the user pool's rules do not allow the request
│   ├── AccountExists         AliasExists           AccountNotConfirmed
│   ├── PasswordResetRequired WeakPassword          PasswordReused
│   ├── CodeMismatch          CodeExpired           SignUpDisabled
│   ├── Blocked               CaptchaRequired       RejectedByPolicy
│   ├── InsufficientScope     UserDisabled          TemporaryPasswordExpired
│   ├── InvalidParameter      UnsupportedTokenType  AccountChanged
│   ├── MfaNotConfigured      PasskeyRejected       PasskeyNotFound
│   ├── PasskeyChallengeExpired  AuthorizationCodeInvalid
│   └── SessionNotFound       SessionIsCurrent
├── ProfileRefused            the profile's state does not allow the request
│   ├── ProfileNotFound       ProfileChanged        PreconditionFailed
│   ├── ProfileTooLarge       AccountClosed
│   └── VersionNotFound       HistoryExpired
├── TryLater                  the same request may succeed later
│   ├── TooManyAttempts       Throttled             Overloaded
│   └── NotReady              UpstreamUnavailable   DeadlineExceeded
└── ServiceFault              the service or an upstream failed; a retry does not help
    └── UpstreamFault         DeliveryFailed        UpstreamHookFailed
        Misconfigured         FeatureUnavailable    InternalError
        ExportTooLarge

Only leaves are raised. A `code` is public and never renamed. A `detail` says what is wrong and what the
caller can do; it never repeats the request or an upstream's message, which belongs in the log.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

# Cognito requires it for each operation with an access token (developer guide, "Scopes, M2M, and
# resource servers"); its own sign-in API always grants it, OAuth 2.0 sign-ins only on request.
ACCOUNT_SCOPE: Final = "aws.cognito.signin.user.admin"


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A wrong field: its path, with dots between the levels, and what is wrong with it."""

    field: str
    message: str


class ServiceError(Exception):
    """
    The base of all errors with a public code.

    *retry_after_s* is None if waiting does not help. *problems* is empty if no field is wrong.
    """

    code: ClassVar[str]
    detail: ClassVar[str]

    def __init__(
        self,
        detail: str | None = None,
        *,
        retry_after_s: int | None = None,
        problems: tuple[FieldProblem, ...] = (),
    ) -> None:
        self.public_detail = detail if detail is not None else self.detail
        self.retry_after_s = retry_after_s
        self.problems = problems
        super().__init__(self.public_detail)


class RequestRefused(ServiceError):
    """The HTTP request is not acceptable."""


class InvalidFields(RequestRefused):
    """One or more fields are wrong; *problems* names each."""

    code = "invalid_fields"
    detail = "Correct the fields listed in errors and send the request again."

    @classmethod
    def of(cls, field: str, message: str) -> "InvalidFields":
        """Return the error for one field."""
        return cls(problems=(FieldProblem(field, message),))


class NotIdentified(ServiceError):
    """The caller is not authenticated."""


class NotAuthenticated(NotIdentified):
    """The request has no accepted credentials."""

    code = "not_authenticated"
    detail = "Sign in first: this path requires credentials that this deployment accepts."


class TokenInvalid(NotIdentified):
    """The access token is missing, malformed, expired or revoked."""

    code = "token_invalid"
    detail = (
        "Send a valid access token as Authorization: Bearer. Refresh the token or log in again."
    )


class InvalidCredentials(NotIdentified):
    """The user name or the password is wrong; the response does not say which."""

    code = "invalid_credentials"
    detail = "The user name or the password is wrong."


class RefreshTokenInvalid(NotIdentified):
    """The refresh token is malformed, expired, revoked or another client's, or lacks its device key."""

    code = "refresh_token_invalid"
    detail = (
        "This refresh token is not valid any more: log in again. "
        "If a deviceKey came with it, send that too."
    )


class RefreshTokenReused(NotIdentified):
    """The refresh token was exchanged before."""

    code = "refresh_token_reused"
    detail = "This refresh token was already exchanged. Log in again."


class ChallengeExpired(NotIdentified):
    """The session of a sign-in challenge has expired or is malformed."""

    code = "challenge_expired"
    detail = "The sign-in session has expired. Log in again."


class AccountRefused(ServiceError):
    """The account's state or the user pool's rules do not allow the request."""


class AccountExists(AccountRefused):
    """The user name is taken."""

    code = "user_exists"
    detail = "This user name is taken. Log in, or choose another one."


class AliasExists(AccountRefused):
    """Another account has this e-mail address or telephone number as its alias."""

    code = "alias_exists"
    detail = "Another account uses this e-mail address or telephone number."


class AccountNotConfirmed(AccountRefused):
    """The account is not confirmed."""

    code = "user_not_confirmed"
    detail = "The account is not confirmed. Confirm it with the code that was sent, then log in."


class PasswordResetRequired(AccountRefused):
    """The password must be reset before the next sign-in."""

    code = "password_reset_required"
    detail = "The password must be reset before you can log in. Request a code to set a new one."


class TemporaryPasswordExpired(AccountRefused):
    """The password that an administrator gave to the user has expired."""

    code = "temporary_password_expired"
    detail = "The temporary password has expired. Ask an administrator for a new one."


class UserDisabled(AccountRefused):
    """An administrator has disabled the user."""

    code = "user_disabled"
    detail = "This account is disabled. Contact the operator."


class InsufficientScope(AccountRefused):
    """The access token does not have *scope*, by default that of Cognito's calls about the account."""

    code = "insufficient_scope"
    detail = (
        "The access token needs the scope that WWW-Authenticate names. Request it when signing in, or "
        "at the token endpoint; refreshing the token does not add it."
    )

    def __init__(self, scope: str = ACCOUNT_SCOPE) -> None:
        self.scope = scope
        super().__init__()


class WeakPassword(AccountRefused):
    """The password in *field* violates the password policy of the user pool."""

    code = "weak_password"
    detail = "The password does not meet the password rules. GET /api/auth/config lists them."

    def __init__(self, field: str = "password") -> None:
        problem = FieldProblem(field, "Does not meet the password rules.")
        super().__init__(problems=(problem,))


class PasswordReused(AccountRefused):
    """The password in *field* was used before."""

    code = "password_reused"
    detail = "This password was used before. Choose another one."

    def __init__(self, field: str = "password") -> None:
        super().__init__(problems=(FieldProblem(field, "Was used before."),))


class CodeMismatch(AccountRefused):
    """The code is wrong or expired; the response does not reveal whether the account exists."""

    code = "code_mismatch"
    detail = "The code is wrong or expired. Check it, or request a new one."


class CodeExpired(AccountRefused):
    """The code has expired."""

    code = "code_expired"
    detail = "The code has expired. Request a new one."


class AuthorizationCodeInvalid(AccountRefused):
    """The code of a federated sign-in is wrong, expired, used, or not of this caller and redirect URI."""

    code = "authorization_code_invalid"
    detail = "This sign-in cannot be completed: its code is not valid, or was used. Sign in again."


class SignUpDisabled(AccountRefused):
    """Only administrators of the user pool can create accounts."""

    code = "signup_disabled"
    detail = "Only an administrator can create accounts in this deployment."


class Blocked(AccountRefused):
    """The web application firewall of the user pool blocked the request."""

    code = "blocked"
    detail = "The firewall of this service blocked the request."


class CaptchaRequired(AccountRefused):
    """The web application firewall of the user pool requires a CAPTCHA."""

    code = "captcha_required"
    detail = "The firewall of this service requires a CAPTCHA, which this API cannot present."


class RejectedByPolicy(AccountRefused):
    """
    A Lambda trigger of the user pool rejected the request.

    *trigger_message* is the trigger's own message, None where the settings keep it from the caller.
    """

    code = "rejected_by_policy"
    detail = "A rule of this deployment does not allow this request."

    def __init__(self, trigger_message: str | None = None) -> None:
        self.trigger_message = trigger_message
        super().__init__()


class InvalidParameter(AccountRefused):
    """Cognito rejected a value, and its message does not say which."""

    code = "invalid_parameter"
    detail = "One of the values is not valid. Check the user name, the code and the attributes."


class UnsupportedTokenType(AccountRefused):
    """The token to revoke is not a refresh token."""

    code = "unsupported_token_type"
    detail = "Only a refresh token can be revoked. Send the refresh token of the log-in response."


class AccountChanged(AccountRefused):
    """Another request changed the account at the same time."""

    code = "account_changed"
    detail = "Another request changed the account at the same time. Send the request again."


class MfaNotConfigured(AccountRefused):
    """The user has not set up the requested second factor."""

    code = "mfa_not_configured"
    detail = "This second factor is not set up. Set it up first, or choose another one."


class PasskeyRejected(AccountRefused):
    """The passkey was created for another site or client, or does not meet the pool's requirements."""

    code = "passkey_rejected"
    detail = "The passkey is not accepted. Create a new one on this site with new options."


class PasskeyNotFound(AccountRefused):
    """The user has no passkey of this id."""

    code = "passkey_not_found"
    detail = "There is no passkey of this id. GET /api/auth/passkeys lists the passkeys."


class PasskeyChallengeExpired(AccountRefused):
    """The options for creating a passkey were not requested or have expired."""

    code = "passkey_challenge_expired"
    detail = "The options have expired. Request new ones with POST /api/auth/passkeys/options."


class SessionNotFound(AccountRefused):
    """The user has no active session of this id."""

    code = "session_not_found"
    detail = "There is no session of this id. GET /api/auth/sessions lists the sessions."


class SessionIsCurrent(AccountRefused):
    """The session to revoke is that of the access token itself."""

    code = "session_is_current"
    detail = "This is the current session. Log out to end it."


class ProfileRefused(ServiceError):
    """The profile's state does not allow the request."""


class ProfileNotFound(ProfileRefused):
    """The user has no profile."""

    code = "profile_not_found"
    detail = "There is no profile. Its user creates it with POST /v1/user/profile."


class ProfileChanged(ProfileRefused):
    """Another write changed the profile between the read and the write."""

    code = "profile_changed"
    detail = "Other requests are changing the profile at the same time. Send the request again."


class ProfileTooLarge(ProfileRefused):
    """The profile, including attributes of other applications, exceeds the item size limit."""

    code = "profile_too_large"
    detail = "The profile would be too large. Remove or shorten fields."


class AccountClosed(ProfileRefused):
    """The account is being deleted; no new data is stored for it."""

    code = "account_closed"
    detail = "This account is being deleted. Its profile can no longer be written."


class VersionNotFound(ProfileRefused):
    """The profile has no such version, or it is not kept any more."""

    code = "version_not_found"
    detail = "There is no such version. GET /v1/user/profile/history lists the past versions."


class HistoryExpired(ProfileRefused):
    """The state of the profile at a past time is not kept."""

    code = "history_expired"
    detail = (
        "How the profile was at this time is not kept, or not any more. GET /v1/user/profile/history "
        "lists what is kept."
    )


class PreconditionFailed(ProfileRefused):
    """The profile does not match If-Match, If-None-Match or If-Unmodified-Since."""

    code = "precondition_failed"
    detail = "The profile does not match the conditions of the request. Read it again first."


class TryLater(ServiceError):
    """The same request may succeed later."""


class TooManyAttempts(TryLater):
    """A limit of the client's address, the account or the recipient is reached."""

    code = "too_many_attempts"
    detail = "Too many attempts. Wait before you try again."


class Throttled(TryLater):
    """A limit of all callers together, or of an upstream, is reached."""

    code = "throttled"
    detail = "The service is receiving too many requests. Try again shortly."


class Overloaded(TryLater):
    """The process serves as many requests as it can."""

    code = "overloaded"
    detail = "The service is busy. Try again shortly."


class NotReady(TryLater):
    """A readiness check fails; *problems* lists the failing checks."""

    code = "not_ready"
    detail = "The service is not ready. The failing checks are listed in errors."


class UpstreamUnavailable(TryLater):
    """An upstream did not respond or is unavailable."""

    code = "upstream_unavailable"
    detail = "A service that this one depends on is not available. Try again shortly."


class DeadlineExceeded(TryLater):
    """The request did not complete within its deadline."""

    code = "deadline_exceeded"
    detail = "The request took too long and was cancelled. Read the current state, then try again."


class ServiceFault(ServiceError):
    """The service or an upstream failed; a retry does not help."""


class UpstreamFault(ServiceFault):
    """An upstream failed with an unexpected error."""

    code = "upstream_fault"
    detail = "A service that this one depends on failed."


class DeliveryFailed(ServiceFault):
    """The account exists, but the message could not be sent."""

    code = "delivery_failed"
    detail = "The message could not be sent. Request it again later."


class UpstreamHookFailed(ServiceFault):
    """A Lambda trigger of the user pool failed."""

    code = "upstream_hook_failed"
    detail = "An extension of the sign-in service failed. Contact the operator if this persists."


class Misconfigured(ServiceFault):
    """The settings or the IAM role of this deployment are wrong."""

    code = "misconfigured"
    detail = (
        "This deployment is not configured correctly. Its operator finds the reason in the log."
    )


class FeatureUnavailable(ServiceFault):
    """The feature is not enabled in this deployment."""

    code = "feature_unavailable"
    detail = "This deployment does not offer this feature."


class ExportTooLarge(ServiceFault):
    """The data of a user are more than one response holds."""

    code = "export_too_large"
    detail = "There is more data than one export holds. Contact the operator for it."


class InternalError(ServiceFault):
    """An unexpected exception in the service."""

    code = "internal_error"
    detail = "An internal error occurred. Its log entry has the request id of this response."
