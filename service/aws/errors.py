"""Translation of botocore's errors into the errors of the domain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeAlias

import structlog
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)

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
ERROR_CODE = re.compile(r"[A-Za-z0-9.]{1,64}")
RETRY_AFTER_S = 1  # for throttling and outages; clients then apply their own backoff


@contextmanager
def translated(
    table: ErrorTable, resource: AwsResource | None = None, operation: str | None = None
) -> Iterator[None]:
    """
    Raise errors of botocore as errors of the domain, with the original as `__cause__`.

    An exception that neither *table* nor COMMON_ERRORS names is an UpstreamFault, or, with an HTTP
    status from 500, an UpstreamUnavailable, but with 501 a FeatureUnavailable. Whatever kept an answer
    from coming is an UpstreamUnavailable, and so is what the breaker refused; that there are no
    credentials to ask with, Misconfigured. The log names *resource* and *operation*.
    """
    try:
        yield
    except UpstreamRefused as refused:  # the circuit breaker has logged the outage
        raise UpstreamUnavailable(retry_after_s=refused.retry_after_s) from refused
    except ClientError as error:
        meaning = _meaning(table, error)
        if isinstance(meaning, ServiceFault | UpstreamUnavailable):
            _report(error, meaning, resource)
        raise meaning from error
    except (NeverConnected, HTTPClientError, CredentialRetrievalError) as error:
        _report_unanswered(error, resource, operation)
        raise UpstreamUnavailable(retry_after_s=RETRY_AFTER_S) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        _report_unanswered(error, resource, operation)
        raise Misconfigured from error
    except Exception as error:
        if not (isinstance(error, BotoCoreError) or _is_botocores(error)):
            raise
        _report_unanswered(error, resource, operation)
        raise UpstreamFault from error


def required(response: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 -- botocore's
    """
    Return a member that a response must have; raises UpstreamFault without it.

    botocore parses a web page with status 200, such as a proxy's, as an empty response.
    """
    if name not in response:
        raise UpstreamFault
    return response[name]


def _is_botocores(error: Exception) -> bool:
    """
    Tell whether an error came about inside botocore, which takes AWS's answers on trust.

    JSON that is a list where an object should be is an AttributeError there, for one.
    """
    return any(
        frame.f_globals["__name__"].startswith(BOTOCORES)
        for frame, _ in walk_tb(error.__traceback__)
    )


def _report_unanswered(
    error: Exception, resource: AwsResource | None, operation: str | None
) -> None:
    """Log why there is no answer, without the message: it may repeat what was to be sent."""
    calling = {} if operation is None else {"operation": operation}
    structlog.get_logger().warning(
        "aws_call_failed", error=type(error).__name__, **calling, **_advice(error, resource)
    )


def _report(error: ClientError, meaning: ServiceError, resource: AwsResource | None) -> None:
    """
    Log what the operator must know.

    A message of AWS is logged only if it cannot be about a user: of a known cause, or of credentials.
    """
    name = error.response.get("Error", {}).get("Code")
    known = isinstance(name, str) and NAME.fullmatch(name)
    advice = _advice(error, resource)
    ours = isinstance(meaning, Misconfigured) and name in COMMON_ERRORS
    message = {"message": message_of(error)} if ours or "advice" in advice else {}
    structlog.get_logger().warning(
        "aws_call_failed",
        operation=error.operation_name,
        error=name if known else "unknown",  # whoever answers may write anything there
        **message,
        **advice,
    )


def _advice(error: Exception, resource: AwsResource | None) -> dict[str, str]:
    """Return the fields that name what the call was about, and what to do if the cause is known."""
    cause = known_cause(error, resource.upstream if resource else None)
    advice = {} if cause is None else {"setting": cause.setting, "advice": cause.advice}
    return {**(resource.log_fields() if resource else {}), **advice}


def _meaning(table: ErrorTable, error: ClientError) -> ServiceError:
    name = error.response.get("Error", {}).get("Code")
    meaning = None
    if isinstance(name, str):  # it is whatever the answer had in that place
        meaning = table.get(name) or COMMON_ERRORS.get(name)
    if meaning is None:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        kind = _error_of_status(status)
    if not isinstance(kind, type):
        return kind(error)
    return kind(retry_after_s=RETRY_AFTER_S) if kind is UpstreamUnavailable else kind()


def _error_of_status(status: int) -> type[ServiceError]:
    if status == HTTPStatus.NOT_IMPLEMENTED:  # a local AWS responds so for operations that it lacks
        return FeatureUnavailable
    return UpstreamUnavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else UpstreamFault
