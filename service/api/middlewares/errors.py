"""Error responses: all errors, those of aiohttp and unexpected ones included, as problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web

from service.api.http_errors import (
    BodyTooLarge,
    MethodNotAllowed,
    RequestRejected,
    RouteNotFound,
    is_client_gone,
)
from service.api.middlewares import refresh_cookie
from service.api.problem_details import client_gone, problem
from service.domain.errors import InternalError, ServiceError

AIOHTTP_ERRORS: Final[Mapping[int, type[ServiceError]]] = {
    HTTPStatus.NOT_FOUND: RouteNotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge,
}


def response_to(request: web.Request, error: Exception) -> web.Response:
    """Return the response to an error, as problem details; unexpected exceptions are logged."""
    if isinstance(error, ServiceError):
        response = problem(request, error)
        refresh_cookie.write(request, response, error)
        return response
    if isinstance(error, web.HTTPException):
        response = problem(request, AIOHTTP_ERRORS.get(error.status, RequestRejected)())
        if hdrs.ALLOW in error.headers:
            response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return response
    if is_client_gone(request, error):
        return client_gone()
    structlog.get_logger().error("request_failed", exc_info=error)
    return problem(request, InternalError())
