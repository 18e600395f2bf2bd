"""Translation of botocore's errors into those of the domain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from traceback import walk_tb
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
from botocore.exceptions import ConnectionError as NeverConnected

from service.circuit_breaker import UpstreamRefused
from service.domain.errors import (
    FeatureUnavailable,
    Misconfigured,
    ServiceError,
    ServiceFault,
    UpstreamFault,
    UpstreamUnavailable,
)

# An exception's name on the wire -> the domain's error, or what makes one where a name means several.
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
BOTOCORES = (  # with the modules that do what botocore does
    "aiobotocore.",
    "botocore.",
    "service.aws.connections",
    "service.aws.dynamodb.",
    "service.aws.http_session",
)
NAME = re.compile(r"[A-Za-z0-9.]{1,64}")  # of an exception, as AWS has them
RETRY_AFTER_S = 1  # of what is throttled or down: a client's own backoff takes over from there


@contextmanager
def translated(table: ErrorTable) -> Iterator[None]:
    """
    Raise what botocore raises as the domain's error; the original stays its cause, for the log.

    An exception that neither *table* nor COMMON_ERRORS names is an UpstreamFault, or, with an HTTP
    status from 500, an UpstreamUnavailable, but with 501 a FeatureUnavailable. Whatever kept an answer
    from coming is an UpstreamUnavailable, and so is what the breaker refused; that there are no
    credentials to ask with, Misconfigured.
    """
    try:
        yield
    except UpstreamRefused as refused:  # its breaker has told the log
        raise UpstreamUnavailable(retry_after_s=refused.retry_after_s) from refused
    except ClientError as error:
        meaning = _meaning(table, error)
        if isinstance(meaning, ServiceFault | UpstreamUnavailable):
            _report(error, meaning)
        raise meaning from error
    except (NeverConnected, HTTPClientError, CredentialRetrievalError) as error:
        _report_unanswered(error)
        raise UpstreamUnavailable(retry_after_s=RETRY_AFTER_S) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        _report_unanswered(error)
        raise Misconfigured from error
    except Exception as error:
        if not (isinstance(error, BotoCoreError) or _is_botocores(error)):
            raise
        _report_unanswered(error)
        raise UpstreamFault from error


def required(answer: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 -- botocore's value
    """
    Return a member that an answer must have; raises UpstreamFault without it.

    botocore makes an empty answer of a page that is no answer, such as a proxy's with status 200.
    """
    if name not in answer:
        raise UpstreamFault
    return answer[name]


def _is_botocores(error: Exception) -> bool:
    """
    Tell whether an error came about inside botocore, which takes AWS's answers on trust.

    JSON that is a list where an object should be is an AttributeError there, for one.
    """
    return any(
        frame.f_globals["__name__"].startswith(BOTOCORES)
        for frame, _ in walk_tb(error.__traceback__)
    )


def _report_unanswered(error: Exception) -> None:
    """Log why there is no answer, without the message: it may repeat what was to be sent."""
    structlog.get_logger().warning("aws_call_failed", error=type(error).__name__)


def _report(error: ClientError, meaning: ServiceError) -> None:
    """Log what the operator must know; a message only where it is of credentials or permissions."""
    told = error.response.get("Error", {})
    ours = isinstance(meaning, Misconfigured) and told.get("Code") in COMMON_ERRORS
    details = {"message": told.get("Message")} if ours else {}
    name = told.get("Code")
    known = isinstance(name, str) and NAME.fullmatch(name)
    structlog.get_logger().warning(
        "aws_call_failed",
        operation=error.operation_name,
        error=name if known else "unknown",  # whoever answers may write anything there
        **details,
    )


def _meaning(table: ErrorTable, error: ClientError) -> ServiceError:
    name = error.response.get("Error", {}).get("Code")
    meaning = None
    if isinstance(name, str):  # it is whatever the answer had in that place
        meaning = table.get(name) or COMMON_ERRORS.get(name)
    if meaning is None:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        meaning = _meaning_of_status(status)
    if not isinstance(meaning, type):
        return meaning(error)
    return meaning(retry_after_s=RETRY_AFTER_S) if meaning is UpstreamUnavailable else meaning()


def _meaning_of_status(status: int) -> type[ServiceError]:
    if status == HTTPStatus.NOT_IMPLEMENTED:  # as local AWSs say of operations that they lack
        return FeatureUnavailable
    return UpstreamUnavailable if status >= HTTPStatus.INTERNAL_SERVER_ERROR else UpstreamFault
