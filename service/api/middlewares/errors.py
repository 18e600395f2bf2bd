"""Error responses: all errors, those of aiohttp and unexpected ones included, as problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

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


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; errors become problem details, and unexpected exceptions are logged."""
    try:
        return await handler(request)
    except ServiceError as error:
        response = problem(request, error)
        refresh_cookie.write(request, response, error)
        return response
    except web.HTTPException as error:
        response = problem(request, AIOHTTP_ERRORS.get(error.status, RequestRejected)())
        if hdrs.ALLOW in error.headers:
            response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return response
    except Exception as error:  # noqa: BLE001 -- the outermost handler, which logs it
        if is_client_gone(request, error):
            return client_gone()
        structlog.get_logger().exception("request_failed")
        return problem(request, InternalError())
