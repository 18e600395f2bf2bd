"""The details of a refused call: the wrong fields for the caller, Cognito's message for the log."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import structlog

from service.aws.failure_advice import code_of, message_of, one_line
from service.cognito.refusals.messages import meaning_of
from service.cognito.refusals.user_existence_errors import OnMasked, Reason, masked_reason
from service.cognito.refusals.wrong_fields import invalid_parameter, unauthorized_attribute
from service.domain.errors import (
    ACCOUNT_SCOPE,
    AccountNotConfirmed,
    ChallengeExpired,
    CodeMismatch,
    InsufficientScope,
    InvalidCredentials,
    InvalidFields,
    InvalidParameter,
    Misconfigured,
    PasswordResetRequired,
    PasswordReused,
    RefreshTokenInvalid,
    RefreshTokenReused,
    RejectedByPolicy,
    ServiceError,
    TokenInvalid,
    TooManyAttempts,
    WeakPassword,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from botocore.exceptions import ClientError

    from service.cognito.cognito_request import CognitoRequest

REDACTED: Final = "[redacted]"
MAX_READ_CHARACTERS: Final = 4_096  # of a message; what follows is ignored
MIN_SUBSTRING_CHARACTERS: Final = 4  # a shorter value is redacted where it is a word of its own
# Arguments whose values are names from a closed list or the configuration.
NAMES: Final = frozenset(
    {"AttributeName", "AuthFlow", "ChallengeName", "ClientId", "Name", "UserAttributeNames"}
)
# Exceptions and meanings that the error's code says completely, and that occur in normal operation.
ROUTINE_EXCEPTIONS: Final = frozenset(
    f"{name}Exception"
    for name in (
        "AliasExists", "CodeMismatch", "EnableSoftwareTokenMFA", "ExpiredCode", "LimitExceeded",
        "PasswordResetRequired", "RefreshTokenReuse", "TooManyFailedAttempts", "TooManyRequests",
        "UserNotConfirmed", "UserNotFound", "UsernameExists",
    )
)  # fmt: skip
ROUTINE_MEANINGS: Final = frozenset(
    {
        AccountNotConfirmed,
        ChallengeExpired,
        CodeMismatch,
        InvalidCredentials,
        PasswordResetRequired,
        RefreshTokenInvalid,
        RefreshTokenReused,
        TokenInvalid,
        TooManyAttempts,
    }
)

# What an operator can do about a meaning.
ADVICE: Final[Mapping[type[ServiceError] | None, Mapping[str, str]]] = {
    InsufficientScope: {
        "setting": "OAuth 2.0 scopes",
        "advice": f"Request the scope {ACCOUNT_SCOPE} at sign-in, and allow it at the app client "
        "(AllowedOAuthScopes); for a load balancer, in Scope of the listener's authenticate action.",
    },
    InvalidFields: {
        "setting": "[auth] writable-attributes",
        "advice": "The app client may not write an attribute that this setting allows: add it to the "
        "client's WriteAttributes, or remove it from AUTH_WRITABLE_ATTRIBUTES.",
    },
}
_ECHO: Final = re.compile(r"Value '.*?' at '(?=[\w.]+' failed to satisfy)", re.DOTALL)
_PERSONAL: Final = re.compile(
    r"[^\s<>'\"(),;:@]{1,64}@[^\s<>'\"(),;:@]{1,255}|\+\d{7,15}\b|\beyJ[\w.-]+"
)
# "PreSignUp failed with error …": the trigger's source, then the message of its exception
_TRIGGER: Final = re.compile(r"^\w+ failed with error ")


@dataclass(frozen=True, slots=True)
class RefusedCall:
    """
    The details of a *request* for the translation of its error response.

    With *trigger_messages* the caller gets the message of a Lambda trigger that rejects the request.
    """

    request: CognitoRequest
    on_masked: OnMasked
    trigger_messages: bool

    def refined(self, error: ClientError, translation: ServiceError) -> ServiceError:
        """Return *translation* with the details that the message and the request have."""
        match translation:
            case InvalidParameter() if code_of(error) == "InvalidParameterException":
                return invalid_parameter(raw_message(error), self.request)
            case Misconfigured() if raw_message(error) == self.request.arguments.get("Session"):
                return ChallengeExpired()  # moto's response to an unknown session
            case InvalidFields():
                return unauthorized_attribute(self.request)
            case WeakPassword() | PasswordReused():
                # Of a sign-in it is not a new one, and refused as by InitiateAuth.
                is_new = "PASSWORD" not in self.request.arguments.get("ChallengeResponses", {})
                field = self.request.password_field()
                return type(translation)(field) if is_new else InvalidCredentials()
            case RejectedByPolicy() if self.trigger_messages:
                return RejectedByPolicy(trigger_message(error))
            case _:
                return translation

    def message(self, error: ClientError) -> str:
        """Return Cognito's message for the log, without any value of the request."""
        return redacted(raw_message(error), self.request.arguments)

    def log(self, error: ClientError) -> None:
        """Log a refusal, unless it is routine."""
        operation, name = self.request.operation, one_line(code_of(error))
        reason = masked_reason(operation, error)
        log = structlog.get_logger()
        if reason is not None:
            self.on_masked(operation, reason.value)
            expected = reason in {Reason.USER_LIMIT, Reason.LOCKOUT}
            (log.info if expected else log.warning)(
                "cognito_refusal_masked",
                operation=operation,
                error=name,
                reason=reason.value,
                message=self.message(error),
            )
        elif not _is_routine(error):
            log.info(
                "cognito_call_refused",
                operation=operation,
                error=name,
                message=self.message(error),
                **ADVICE.get(_meaning(error), {}),
            )


def raw_message(error: ClientError) -> str:
    """Return the start of a message as Cognito sent it."""
    message = error.response["Error"].get("Message")
    return message[:MAX_READ_CHARACTERS] if isinstance(message, str) else ""


def trigger_message(error: ClientError) -> str | None:
    """Return the message of a trigger's exception, one bounded line; None if it has none."""
    return _TRIGGER.sub("", message_of(error)).strip() or None


def redacted(message: str, arguments: object) -> str:
    """Return *message* as one bounded line, without the values in *arguments* and personal data."""
    for value in sorted(set(_values(arguments)), key=len, reverse=True):
        if len(value) <= len(message):
            pattern = re.escape(value)
            if len(value) < MIN_SUBSTRING_CHARACTERS:
                pattern = rf"(?<!\w){pattern}(?!\w)"
            message = re.sub(pattern, REDACTED, message, flags=re.IGNORECASE)
    message = _ECHO.sub(f"Value {REDACTED} at '", message)
    return one_line(_PERSONAL.sub(REDACTED, message))


def _meaning(error: ClientError) -> type[ServiceError] | None:
    names = {"NotAuthorizedException", "UnauthorizedException"}
    return meaning_of(error) if code_of(error) in names else None


def _is_routine(error: ClientError) -> bool:
    return code_of(error) in ROUTINE_EXCEPTIONS or _meaning(error) in ROUTINE_MEANINGS


def _values(arguments: Any) -> Iterator[str]:  # noqa: ANN401 -- JSON
    """Yield the strings that a user may have sent, each also without white space around it."""
    match arguments:
        case str() if arguments.strip():
            yield arguments
            yield arguments.strip()
        case dict():
            for name, value in arguments.items():
                if name not in NAMES:
                    yield from _values(value)
        case list() | tuple():
            for value in arguments:
                yield from _values(value)
