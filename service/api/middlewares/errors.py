"""Turns every refusal, aiohttp's own included, and every failure into the one envelope."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api.http_errors import BodyTooLarge, MethodNotAllowed, RequestRejected, RouteNotFound
from service.api.problem_details import problem
from service.domain.errors import InternalError, ServiceError

OF_AIOHTTP: Final[Mapping[int, type[ServiceError]]] = {
    HTTPStatus.NOT_FOUND: RouteNotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: MethodNotAllowed,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: BodyTooLarge,
}


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; whatever is raised becomes a problem, and a defect is logged in full."""
    try:
        return await handler(request)
    except ServiceError as error:
        return problem(request, error)
    except web.HTTPException as error:
        response = problem(request, OF_AIOHTTP.get(error.status, RequestRejected)())
        if hdrs.ALLOW in error.headers:
            response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return response
    except Exception:  # noqa: BLE001 -- the edge: a defect in any code below ends here, logged
        structlog.get_logger().exception("request_failed")
        return problem(request, InternalError())
