"""Translation of botocore's errors into the errors of the domain."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Protocol, TypeAlias

import structlog
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from botocore.exceptions import ConnectionError as NotConnected
from botocore.parsers import ResponseParserError

from service.aws.failure_advice import AwsResource, known_cause, message_of
from service.circuit_breaker import UpstreamRefused
from service.domain.errors import (
    FeatureUnavailable,
    Misconfigured,
    ServiceError,
    ServiceFault,
    UpstreamFault,
    UpstreamUnavailable,
)

# The code of an error response -> the domain's error, or a function that chooses one.
ErrorTable: TypeAlias = Mapping[str, "type[ServiceError] | Callable[[ClientError], ServiceError]"]

COMMON_ERRORS: ErrorTable = {  # of every AWS service
    "AccessDeniedException": Misconfigured,
    "ExpiredTokenException": Misconfigured,
    "IncompleteSignature": Misconfigured,
    "InvalidSignatureException": Misconfigured,
    "MissingAuthenticationTokenException": Misconfigured,
    "RequestLimitExceeded": UpstreamUnavailable,
    "ThrottlingException": UpstreamUnavailable,
    "UnknownOperationException": FeatureUnavailable,
    "UnrecognizedClientException": Misconfigured,
}
ERROR_CODE = re.compile(r"[A-Za-z0-9._]{1,64}")
RETRY_AFTER_S = 1  # for throttling and outages; clients then apply their own backoff


class CallDetails(Protocol):
    """What the table does not know about an error response: the request that it belongs to."""

    def refined(self, error: ClientError, translation: ServiceError) -> ServiceError:
        """Return *translation* with the details of the response and the request."""

    def message(self, error: ClientError) -> str:
        """Return the message for the log, without anything that a user sent."""

    def log(self, error: ClientError) -> None:
        """Log an error response that is the caller's to act on."""


class translated:  # noqa: N801 -- read as a phrase after `with`, like those of contextlib
    """
    A context manager that raises errors of botocore as errors of the domain, their `__cause__`.

    *table*, then COMMON_ERRORS, then the status decides what an error response becomes. No response and a
    refusal by the circuit breaker become UpstreamUnavailable, missing credentials Misconfigured, all else
    UpstreamFault. The log names *resource* and *operation*; it has messages as *details* returns them.
    """

    __slots__ = ("_details", "_operation", "_resource", "_table")

    def __init__(
        self,
        table: ErrorTable,
        resource: AwsResource | None = None,
        operation: str | None = None,
        details: CallDetails | None = None,
    ) -> None:
        self._table = table
        self._resource = resource
        self._operation = operation
        self._details = details

    def __enter__(self) -> None:
        """Do nothing."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Raise the translation of an error of botocore."""
        match error:
            case None:
                pass
            case UpstreamRefused():  # the circuit breaker has logged the outage
                raise UpstreamUnavailable(retry_after_s=error.retry_after_s) from without_frames(
                    error
                )
            case ClientError():
                raise self._translation(error) from without_frames(error)
            case NotConnected() | HTTPClientError() | CredentialRetrievalError():
                _log_failure(error, self._resource, self._operation)
                raise UpstreamUnavailable(retry_after_s=RETRY_AFTER_S) from without_frames(error)
            case NoCredentialsError() | PartialCredentialsError():
                _log_failure(error, self._resource, self._operation)
                raise Misconfigured from without_frames(error)
            case BotoCoreError() | ResponseParserError():
                _log_failure(error, self._resource, self._operation)
                raise UpstreamFault from without_frames(error)

    def _translation(self, error: ClientError) -> ServiceError:
        translation = _translate(self._table, error)
        if self._details is not None:
            translation = self._details.refined(error, translation)
        if isinstance(translation, ServiceFault | UpstreamUnavailable):
            _log_response(error, translation, self._resource, self._details)
        elif self._details is not None:
            self._details.log(error)
        return translation


def without_frames(error: Exception) -> Exception:
    """
    Return *error* after removal of its traceback and of the tracebacks of its causes.

    A frame of botocore that handles an error refers to it, and the traceback of the error refers to that
    frame or to one that it called: a cycle of a hundred objects for each failed call, which the garbage
    collector would stop the process for tens of milliseconds to find.
    """
    chained: BaseException | None = error
    while chained is not None:
        chained.__traceback__ = None
        chained = chained.__cause__ or chained.__context__
    return error


def required(response: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 -- botocore's
    """
    Return a member that a response must have; raises UpstreamFault without it.

    botocore parses a web page with status 200, such as a proxy's, as an empty response.
    """
    if name not in response:
        raise UpstreamFault
    return response[name]


def _log_failure(error: Exception, resource: AwsResource | None, operation: str | None) -> None:
    """Log the type of an error; the message may repeat what was to be sent."""
    calling = {} if operation is None else {"operation": operation}
    structlog.get_logger().warning(
        "aws_call_failed", error=type(error).__name__, **calling, **_advice(error, resource)
    )


def _log_response(
    error: ClientError,
    translation: ServiceError,
    resource: AwsResource | None,
    details: CallDetails | None,
) -> None:
    """Log an error response; without *details*, its message only where that cannot be about a user."""
    code = error.response.get("Error", {}).get("Code")
    is_code = isinstance(code, str) and ERROR_CODE.fullmatch(code)
    cause = known_cause(error, resource.upstream if resource else None)
    has_known_message = cause is not None and cause.message is not None
    about_access = isinstance(translation, Misconfigured) and code in COMMON_ERRORS
    message: dict[str, str] = {}
    if details is not None:
        message = {"message": details.message(error)}
    elif has_known_message or about_access:
        message = {"message": message_of(error)}
    structlog.get_logger().warning(
        "aws_call_failed",
        operation=error.operation_name,
        error=code if is_code else "unknown",  # a server other than AWS may send anything
        **message,
        **_advice(error, resource),
    )


def _advice(error: Exception, resource: AwsResource | None) -> dict[str, str]:
    """Return the log fields that name the resource, and the setting and remedy of a known cause."""
    cause = known_cause(error, resource.upstream if resource else None)
    advice = {} if cause is None else {"setting": cause.setting, "advice": cause.advice}
    return {**(resource.log_fields() if resource else {}), **advice}


def _translate(table: ErrorTable, error: ClientError) -> ServiceError:
    code = error.response.get("Error", {}).get("Code")
    kind = None
    if isinstance(code, str):
        kind = table.get(code) or COMMON_ERRORS.get(code)
    if kind is None:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = _error_of_status(status)
    if not isinstance(kind, type):
        return kind(error)
    return kind(retry_after_s=RETRY_AFTER_S) if kind is UpstreamUnavailable else kind()


def _error_of_status(status: int) -> type[ServiceError]:
    if status == HTTPStatus.NOT_IMPLEMENTED:  # a local AWS responds so for operations that it lacks
        return FeatureUnavailable
    return UpstreamUnavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else UpstreamFault
