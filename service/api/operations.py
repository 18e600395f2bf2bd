"""An operation: a handler together with what the API document says of it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, TypeAlias

from aiohttp import web
from marshmallow import Schema

from service.api import http_errors, request_body
from service.api.keys import Access
from service.domain import errors
from service.domain.errors import ServiceError

Call: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
Refusals: TypeAlias = tuple[type[ServiceError], ...]

OF_EVERY_CALL: Final[Refusals] = (
    http_errors.MalformedRequest,
    http_errors.BodyTooLarge,
    http_errors.RequestRejected,
    errors.DeadlineExceeded,
    errors.Overloaded,
    errors.InternalError,
)
OF_A_BODY: Final[Refusals] = (
    http_errors.CrossSiteRefused,
    http_errors.RequestTimeout,
    http_errors.UnsupportedMediaType,
    http_errors.InvalidFields,
)
OF_AN_UPSTREAM: Final[Refusals] = (
    errors.Misconfigured,
    errors.UpstreamFault,
    errors.UpstreamUnavailable,
)
OF_AN_IDENTITY: Final[Refusals] = (
    errors.NotAuthenticated,
    errors.TokenInvalid,
    errors.UpstreamUnavailable,  # the key server of a token
)
OF_AN_ACCESS_TOKEN: Final[Refusals] = (
    errors.AccountNotConfirmed,
    errors.PasswordResetRequired,
    errors.TokenInvalid,
    errors.UpstreamUnavailable,  # the key server of a token
)
OF_COGNITO: Final[Refusals] = (
    *OF_AN_UPSTREAM,
    errors.Blocked,
    errors.CaptchaRequired,
    errors.FeatureUnavailable,
    errors.InvalidParameter,
    errors.Throttled,
    errors.TooManyAttempts,
)
OF_ACCESS: Final[Mapping[Access, Refusals]] = {
    Access.PUBLIC: (),
    Access.SIGNED_IN: OF_AN_ACCESS_TOKEN,
    Access.IDENTIFIED: OF_AN_IDENTITY,
}
OF_A_TRIGGER: Final[Refusals] = (errors.RejectedByPolicy, errors.UpstreamHookFailed)
OF_SENDING: Final[Refusals] = (errors.DeliveryFailed,)
OF_A_PASSWORD: Final[Refusals] = (errors.PasswordReused, errors.WeakPassword)


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A success: what it means and what it holds.

    *content* is a schema, or one of several, or a media type for what is no JSON of ours; None is an
    empty body.
    """

    description: str
    content: type[Schema] | tuple[type[Schema], ...] | str | None = None
    headers: Mapping[str, str] | None = None  # name -> meaning


@dataclass(frozen=True, slots=True)
class Operation:
    """
    A handler and its contract; *headers* are the request headers that it heeds, with their meaning.

    *refusals* are its own, without those that every call of its kind can meet. *operation_id* is None
    where the handler's name says it well enough.
    """

    call: Call
    summary: str
    tag: str
    answers: Mapping[HTTPStatus, Answer]
    body: type[Schema] | None
    body_types: tuple[str, ...]
    headers: Mapping[str, str]
    refusals: Refusals
    operation_id: str | None

    def all_refusals(self, access: Access) -> Refusals:
        """Return every refusal that a caller can meet."""
        return (
            *OF_EVERY_CALL,
            *(OF_A_BODY if self.body is not None else ()),
            *OF_ACCESS[access],
            *self.refusals,
        )


def operation(  # noqa: PLR0913 -- each is a line of the API document
    summary: str,
    *,
    tag: str,
    answers: Mapping[HTTPStatus, Answer],
    body: type[Schema] | None = None,
    body_types: tuple[str, ...] = (request_body.JSON,),
    headers: Mapping[str, str] | None = None,
    refusals: Refusals = (),
    operation_id: str | None = None,
) -> Callable[[Call], Operation]:
    """Make a handler an Operation."""

    def decorate(call: Call) -> Operation:
        return Operation(
            call,
            summary,
            tag,
            answers,
            body,
            body_types,
            headers or {},
            refusals,
            operation_id,
        )

    return decorate
