"""
The errors of the HTTP request itself.

RequestRefused
├── MalformedRequest      RouteNotFound         MethodNotAllowed
├── BodyTooLarge          UnsupportedMediaType  RequestTimeout
└── CrossSiteRefused      RequestRejected       InvalidFields (service/domain/errors.py)
"""

from collections.abc import Iterator
from typing import Final

from aiohttp import web

from service.domain.errors import RequestRefused, ServiceError

CLIENT_GONE: Final = "client_gone"
CLIENT_GONE_STATUS: Final = 499  # nginx's; nobody receives it, it is for the log and the metrics


def is_client_gone(request: web.BaseRequest, error: BaseException | None) -> bool:
    """Return whether *error* only says that the client has closed its connection."""
    if not isinstance(error, ConnectionError | web.RequestPayloadError):
        return False
    transport = request.transport
    return transport is None or transport.is_closing()


def leaves(root: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    """Yield the errors that can be raised: the classes without subclasses, those of HTTP included."""
    children = root.__subclasses__()
    if not children:
        yield root
    for child in children:
        yield from leaves(child)


class MalformedRequest(RequestRefused):
    """The request is not valid HTTP, or its body is not valid JSON."""

    code = "malformed_request"
    detail = "The request could not be parsed. Send valid HTTP with a JSON object as the body."


class RouteNotFound(RequestRefused):
    """No route has this path."""

    code = "route_not_found"
    detail = "There is nothing at this path. /openapi.json lists all paths."


class MethodNotAllowed(RequestRefused):
    """The path does not support the method."""

    code = "method_not_allowed"
    detail = "This path does not support the method. The Allow header lists the supported ones."


class BodyTooLarge(RequestRefused):
    """The body has more than `[server] max-body-bytes`."""

    code = "body_too_large"
    detail = "The request body is too large. Send a smaller one."


class RequestTimeout(RequestRefused):
    """The body was not received in time."""

    code = "request_timeout"
    detail = "The request body was not received in time. Send the request again."


class UnsupportedMediaType(RequestRefused):
    """The body has a media type or an encoding that the route does not accept."""

    code = "unsupported_media_type"
    detail = "Send the body as JSON, with Content-Type: application/json."


class CrossSiteRefused(RequestRefused):
    """A page of another origin requests a change."""

    code = "cross_site_refused"
    detail = "A page of another origin cannot change anything here unless that origin is allowed."


class RequestRejected(RequestRefused):
    """The HTTP server rejected the request for a reason that no other error names."""

    code = "request_rejected"
    detail = "The server rejected the request."
