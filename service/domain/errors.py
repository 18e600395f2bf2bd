"""
Every way in which a request can be refused, named for the state that refuses it.

ServiceError
├── RequestRefused            the request itself is not acceptable
│   ├── MalformedRequest      RouteNotFound         MethodNotAllowed
│   ├── BodyTooLarge          UnsupportedMediaType  InvalidFields
│   └── CrossSiteRefused      RequestRejected       RequestTimeout
├── NotIdentified             nobody, or not surely who they say
│   ├── NotAuthenticated      TokenInvalid          InvalidCredentials
│   └── RefreshTokenInvalid   RefreshTokenReused    ChallengeExpired
├── AccountRefused            the account's state, or the pool's rules, stand against it
│   ├── AccountExists         AliasExists           AccountNotConfirmed
│   ├── PasswordResetRequired WeakPassword          PasswordReused
│   ├── CodeMismatch          CodeExpired           SignUpDisabled
│   ├── Blocked               CaptchaRequired       RejectedByPolicy
│   ├── InvalidParameter      UnsupportedTokenType  AccountChanged
│   ├── MfaNotConfigured      PasskeyRejected       PasskeyNotFound
│   └── PasskeyChallengeExpired
├── ProfileRefused            the profile's state stands against it
│   ├── ProfileNotFound       ProfileChanged        PreconditionFailed
│   └── ProfileTooLarge       AccountClosed
├── TryLater                  the same request may succeed later
│   ├── TooManyAttempts       Throttled             Overloaded
│   └── NotReady              UpstreamUnavailable   DeadlineExceeded
└── ServiceFault              not the caller's doing, and waiting does not help
    └── UpstreamFault         DeliveryFailed        UpstreamHookFailed
        Misconfigured         FeatureUnavailable    InternalError

Only a leaf is raised. Its `code` is public and is never renamed; its `detail` says to the caller what to
do and never repeats the request or an upstream's message. What only the log may know is the
exception's cause.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One wrong field: its path, dots between the levels, and what is wrong with it."""

    field: str
    message: str


class ServiceError(Exception):
    """
    The root: a refusal with a public code.

    *retry_after_s* is None where waiting does not help. *problems* is empty where no field is to blame.
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


def leaves(root: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """Yield the errors that can be raised: the classes without subclasses."""
    children = root.__subclasses__()
    if not children:
        yield root
    for child in children:
        yield from leaves(child)


class RequestRefused(ServiceError):
    """The request itself is not acceptable."""


class MalformedRequest(RequestRefused):
    """The request is not HTTP or JSON as it should be."""

    code = "malformed_request"
    detail = "The request could not be read. Send well-formed HTTP with a JSON object as its body."


class RouteNotFound(RequestRefused):
    """There is nothing at this path."""

    code = "route_not_found"
    detail = "There is nothing at this path. /openapi.json lists every path."


class MethodNotAllowed(RequestRefused):
    """The path does not take this method."""

    code = "method_not_allowed"
    detail = "This path does not take this method. The Allow header lists those that it takes."


class BodyTooLarge(RequestRefused):
    """The body is longer than the service accepts."""

    code = "body_too_large"
    detail = "The request body is too large."


class RequestTimeout(RequestRefused):
    """The body did not come within the time that it has."""

    code = "request_timeout"
    detail = "The request's body did not come in time. Send it again."


class UnsupportedMediaType(RequestRefused):
    """The body is not in a format that the path takes."""

    code = "unsupported_media_type"
    detail = "Send the body as JSON, with Content-Type: application/json."


class InvalidFields(RequestRefused):
    """One or more fields are wrong; each is named in *problems*."""

    code = "invalid_fields"
    detail = "Correct the fields listed in errors and send the request again."


class CrossSiteRefused(RequestRefused):
    """A browser says that another site's page wants to change something."""

    code = "cross_site_refused"
    detail = "Pages of other sites may not change anything here. List the origin to allow it."


class RequestRejected(RequestRefused):
    """Another refusal of the HTTP server that no other error names."""

    code = "request_rejected"
    detail = "The server cannot serve this request."


class NotIdentified(ServiceError):
    """Nobody, or not surely who they say."""


class NotAuthenticated(NotIdentified):
    """No accepted proof of identity came with the request."""

    code = "not_authenticated"
    detail = "Sign in first: this path needs a proof of identity that this deployment accepts."


class TokenInvalid(NotIdentified):
    """The access token is missing, expired, revoked or not one."""

    code = "token_invalid"
    detail = "Send a valid access token as Authorization: Bearer. Refresh it or log in again."


class InvalidCredentials(NotIdentified):
    """The user name and the password do not belong together; which of them is wrong is not said."""

    code = "invalid_credentials"
    detail = "The user name or the password is wrong."


class RefreshTokenInvalid(NotIdentified):
    """The refresh token is expired, revoked or not one."""

    code = "refresh_token_invalid"
    detail = "This refresh token is no longer valid. Log in again."


class RefreshTokenReused(NotIdentified):
    """A refresh token that was exchanged already came again."""

    code = "refresh_token_reused"
    detail = "This refresh token was exchanged before. Log in again."


class ChallengeExpired(NotIdentified):
    """The session of a sign-in challenge is over."""

    code = "challenge_expired"
    detail = "This sign-in is no longer open. Log in again from the start."


class AccountRefused(ServiceError):
    """The account's state, or the rules of the user pool, stand against it."""


class AccountExists(AccountRefused):
    """The user name is taken."""

    code = "user_exists"
    detail = "This user name is taken. Log in, or choose another one."


class AliasExists(AccountRefused):
    """Another account has this e-mail address or telephone number as its alias."""

    code = "alias_exists"
    detail = "Another account uses this e-mail address or telephone number."


class AccountNotConfirmed(AccountRefused):
    """The account has not been confirmed with its code yet."""

    code = "user_not_confirmed"
    detail = "Confirm the account with the code that was sent, then log in."


class PasswordResetRequired(AccountRefused):
    """The password must be reset before the next sign-in."""

    code = "password_reset_required"
    detail = "The password must be reset before you can log in."


class WeakPassword(AccountRefused):
    """The password does not keep the rules of the user pool."""

    code = "weak_password"
    detail = "The password does not meet this service's password rules."


class PasswordReused(AccountRefused):
    """The password was used before."""

    code = "password_reused"
    detail = "This password was used before. Choose another one."


class CodeMismatch(AccountRefused):
    """The code is not the one that was sent last, or nobody waits for one; which is not said."""

    code = "code_mismatch"
    detail = "This is not a code that is valid now. Check it, or ask for a new one."


class CodeExpired(AccountRefused):
    """The code was right once and is too old now."""

    code = "code_expired"
    detail = "This code is too old. Ask for a new one."


class SignUpDisabled(AccountRefused):
    """The user pool takes new accounts from its administrators only."""

    code = "signup_disabled"
    detail = "Only an administrator can create accounts here."


class Blocked(AccountRefused):
    """The user pool's firewall refused the request."""

    code = "blocked"
    detail = "The firewall of this service does not allow this request."


class CaptchaRequired(AccountRefused):
    """The user pool's firewall wants a CAPTCHA to be solved first."""

    code = "captcha_required"
    detail = "The firewall of this service wants a CAPTCHA to be solved first."


class RejectedByPolicy(AccountRefused):
    """A trigger of the user pool refused the request."""

    code = "rejected_by_policy"
    detail = "A rule of this service does not allow this request."


class InvalidParameter(AccountRefused):
    """Cognito found a value that it does not take and did not say which."""

    code = "invalid_parameter"
    detail = "One of the values is not accepted. Check the user name, the code and the attributes."


class UnsupportedTokenType(AccountRefused):
    """The token to be revoked is no refresh token."""

    code = "unsupported_token_type"
    detail = "Only a refresh token can be revoked. Send the one that logging in gave."


class AccountChanged(AccountRefused):
    """Two requests changed one account at the same time."""

    code = "account_changed"
    detail = "The account is being changed by another request at the same time. Send it again."


class MfaNotConfigured(AccountRefused):
    """The user has not set up the second factor that is asked for."""

    code = "mfa_not_configured"
    detail = "This second factor is not set up. Set it up first, or choose another one."


class PasskeyRejected(AccountRefused):
    """The passkey was made for another site, another client, or by means that are not accepted."""

    code = "passkey_rejected"
    detail = "This passkey is not accepted here. Make a new one on this site with new options."


class PasskeyNotFound(AccountRefused):
    """The user has no passkey of that id."""

    code = "passkey_not_found"
    detail = "There is no such passkey. GET /api/auth/passkeys lists those that there are."


class PasskeyChallengeExpired(AccountRefused):
    """The options for making a passkey were not asked for, or too long ago."""

    code = "passkey_challenge_expired"
    detail = "The options are too old. Ask for new ones with POST /api/auth/passkeys/options."


class ProfileRefused(ServiceError):
    """The profile's state stands against it."""


class ProfileNotFound(ProfileRefused):
    """The user has no profile."""

    code = "profile_not_found"
    detail = "There is no profile yet. Create it with POST."


class ProfileChanged(ProfileRefused):
    """Another write came between reading the profile and writing it."""

    code = "profile_changed"
    detail = "The profile is being changed by other requests at the same time. Send it again."


class ProfileTooLarge(ProfileRefused):
    """The profile, with what other programs keep in it, would be larger than the store takes."""

    code = "profile_too_large"
    detail = "The profile would become too large. Remove or shorten fields."


class AccountClosed(ProfileRefused):
    """The account is being deleted; nothing may come into being for it any more."""

    code = "account_closed"
    detail = "This account is being deleted. Its profile cannot be written any more."


class PreconditionFailed(ProfileRefused):
    """The profile is not as If-Match or If-None-Match requires."""

    code = "precondition_failed"
    detail = "The profile is not as If-Match or If-None-Match requires. Read it again first."


class TryLater(ServiceError):
    """The same request may succeed later."""


class TooManyAttempts(TryLater):
    """The caller's own limit is reached."""

    code = "too_many_attempts"
    detail = "Too many attempts. Wait before you try again."


class Throttled(TryLater):
    """An upstream takes no more requests for now."""

    code = "throttled"
    detail = "The service is receiving too many requests. Try again shortly."


class Overloaded(TryLater):
    """The process has as many requests in flight as it takes."""

    code = "overloaded"
    detail = "The service is busy. Try again shortly."


class NotReady(TryLater):
    """A check of readiness fails; each failing one is named in *problems*."""

    code = "not_ready"
    detail = "The service is not ready. The failing checks are listed in errors."


class UpstreamUnavailable(TryLater):
    """An upstream did not answer, or said that it can't for now."""

    code = "upstream_unavailable"
    detail = "A service that this one depends on is not available. Try again shortly."


class DeadlineExceeded(TryLater):
    """The request took longer than it may."""

    code = "deadline_exceeded"
    detail = (
        "The request took too long and was given up. It is safe to read the state and try again."
    )


class ServiceFault(ServiceError):
    """Not the caller's doing, and waiting does not help."""


class UpstreamFault(ServiceFault):
    """An upstream answered with an error that nothing here foresees."""

    code = "upstream_fault"
    detail = "A service that this one depends on failed."


class DeliveryFailed(ServiceFault):
    """The account exists, but its message could not be sent."""

    code = "delivery_failed"
    detail = "The message could not be sent. Ask for it again later."


class UpstreamHookFailed(ServiceFault):
    """A trigger of the user pool failed."""

    code = "upstream_hook_failed"
    detail = "An extension of the sign-in service failed."


class Misconfigured(ServiceFault):
    """This deployment's settings or roles are wrong; its operator has to act."""

    code = "misconfigured"
    detail = "This deployment is not configured correctly. Its operator has been told in the log."


class FeatureUnavailable(ServiceFault):
    """This deployment does not offer the feature."""

    code = "feature_unavailable"
    detail = "This deployment does not offer this feature."


class InternalError(ServiceFault):
    """A defect of the service."""

    code = "internal_error"
    detail = "The service failed. The request id finds the reason in its log."
