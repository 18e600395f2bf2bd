"""Operations: handlers with the contract that the API document publishes."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, NamedTuple, Required, TypeAlias, TypedDict, Unpack

from aiohttp import web
from marshmallow import Schema

from service.api import http_errors
from service.api.audit_log import AuditEvent
from service.api.keys import Access
from service.api.request_parsing import request_body
from service.domain import errors
from service.domain.errors import ServiceError
from service.domain.identity import ServiceScope
from service.rate_limiting.limited_actions import RateLimitedAction

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refusals: TypeAlias = tuple[type[ServiceError], ...]

COMMON_ERRORS: Final[Refusals] = (
    http_errors.MalformedRequest,
    http_errors.BodyTooLarge,
    http_errors.RequestRejected,
    errors.NotAuthenticated,  # a repeated header of an identity, on any path
    errors.DeadlineExceeded,
    errors.Overloaded,
    errors.InternalError,
)
BODY_ERRORS: Final[Refusals] = (
    http_errors.CrossSiteRefused,
    http_errors.RequestTimeout,
    http_errors.UnsupportedMediaType,
    errors.InvalidFields,
)
UPSTREAM_ERRORS: Final[Refusals] = (
    errors.Misconfigured,
    errors.UpstreamFault,
    errors.UpstreamUnavailable,
)
COGNITO_ERRORS: Final[Refusals] = (
    *UPSTREAM_ERRORS,
    errors.Blocked,
    errors.CaptchaRequired,
    errors.FeatureUnavailable,
    errors.InvalidParameter,
    errors.Throttled,
    errors.TooManyAttempts,
)
ACCESS_ERRORS: Final[Mapping[Access, Refusals]] = {
    Access.PUBLIC: (),
    Access.SIGNED_IN: (
        errors.AccountNotConfirmed,
        errors.ChallengeExpired,
        errors.InsufficientScope,
        errors.InvalidCredentials,
        errors.PasswordResetRequired,
        errors.TemporaryPasswordExpired,
        errors.TokenInvalid,
        errors.UserDisabled,
        errors.UpstreamUnavailable,  # the public keys of a token's issuer
    ),
    Access.IDENTIFIED: (
        errors.TokenInvalid,
        errors.UpstreamUnavailable,  # likewise
    ),
    Access.SERVICE: (
        errors.InsufficientScope,
        errors.TokenInvalid,
        errors.TooManyAttempts,
        errors.UpstreamUnavailable,  # likewise
    ),
}
TRIGGER_ERRORS: Final[Refusals] = (errors.RejectedByPolicy, errors.UpstreamHookFailed)
DELIVERY_ERRORS: Final[Refusals] = (errors.DeliveryFailed,)
PASSWORD_ERRORS: Final[Refusals] = (errors.PasswordReused, errors.WeakPassword)


@dataclass(frozen=True, slots=True)
class Success:
    """
    A successful response: its meaning and its content.

    *content* is a schema, several alternative schemas, or the media type of content that has no schema;
    None is an empty body. *headers* maps names to meanings.
    """

    description: str
    content: type[Schema] | tuple[type[Schema], ...] | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class QueryParameter(NamedTuple):
    """A parameter of the query: its meaning, and the JSON Schema of its value."""

    description: str
    schema: Mapping[str, object]


class PathParameter(NamedTuple):
    """A parameter of the path: its meaning, and an example."""

    description: str
    example: str


class Contract(TypedDict, total=False):
    """The fields of an Operation that a decorator takes."""

    tag: Required[str]
    answers: Required[Mapping[HTTPStatus, Success]]
    body: type[Schema]
    body_types: tuple[str, ...]
    headers: Mapping[str, str]
    flags: Mapping[str, str]
    query: Mapping[str, QueryParameter]
    path: Mapping[str, PathParameter]
    refusals: Refusals
    takes_refresh_cookie: bool
    operation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """
    A handler with its contract.

    *headers* are the request headers that it reads, with their meanings, *flags* the query parameters
    that are true or false, *query* the others, *path* the parameters of the path. *refusals* are its own
    errors, without those common to all operations of its kind. *operation_id* is None where it is derived
    from the handler's name. With *takes_refresh_cookie*, a request needs no body. Operations that call
    Cognito have a *limit*, by which the rate limiter counts them; *audit* and *refused* are the events of
    success and refusal, None where the handler or nothing writes them. Operations for other services
    have a *scope*, which the caller's token needs.
    """

    call: Handler
    summary: str
    tag: str
    answers: Mapping[HTTPStatus, Success]
    body: type[Schema] | None = None
    body_types: tuple[str, ...] = (request_body.JSON,)
    headers: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, QueryParameter] = field(default_factory=dict)
    path: Mapping[str, PathParameter] = field(default_factory=dict)
    refusals: Refusals = ()
    takes_refresh_cookie: bool = False
    operation_id: str | None = None
    limit: RateLimitedAction | None = None
    audit: AuditEvent | None = None
    refused: AuditEvent | None = None
    scope: ServiceScope | None = None

    @property
    def described(self) -> str:
        """The description in the API document: the first paragraph of the handler's docstring."""
        paragraph, _, _ = (inspect.getdoc(self.call) or "").partition("\n\n")
        return " ".join(paragraph.split())

    def all_refusals(self, access: Access) -> Refusals:
        """Return every error that a caller can receive; some may be listed twice."""
        return (
            *COMMON_ERRORS,
            *(BODY_ERRORS if self.body is not None else ()),
            *ACCESS_ERRORS[access],
            *(COGNITO_ERRORS if self.limit is not None else ()),
            *self.refusals,
        )


def operation(summary: str, **contract: Unpack[Contract]) -> Callable[[Handler], Operation]:
    """Return a decorator that makes a handler an Operation."""
    return lambda handler: Operation(call=handler, summary=summary, **contract)
