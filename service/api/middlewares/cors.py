"""
CORS for the pages of the allowed origins (Fetch standard, section 3.3).

aiohttp-cors requires each route to be registered with it and responds to preflights in its own format;
one middleware for a list of exact origins is less code.
"""

from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api import keys

PREFLIGHT_AGE_S: Final = 600
EXPOSED_HEADERS: Final = "ETag, Location, Retry-After, X-Request-Id"
ALLOWED_HEADERS: Final = (
    "Authorization, Content-Type, If-Match, If-None-Match, If-Unmodified-Since, X-Request-Id"
)


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; pages of allowed origins may read the response."""
    if not request.app[keys.CONFIG].cors.allowed_origins:
        return await handler(request)
    origin = allowed_origin(request)
    requested_method = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
    if origin is not None and request.method == hdrs.METH_OPTIONS and requested_method is not None:
        response: web.StreamResponse = _preflight(requested_method)
    else:
        response = await handler(request)
    response.headers.add(hdrs.VARY, hdrs.ORIGIN)
    if origin is not None:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS
    return response


def allowed_origin(request: web.Request) -> str | None:
    """Return the request's origin if it is exactly one of the allowed ones."""
    origins = request.headers.getall(hdrs.ORIGIN, ())
    allowed = request.app[keys.CONFIG].cors.allowed_origins
    return origins[0] if len(origins) == 1 and origins[0] in allowed else None


def _preflight(requested_method: str) -> web.Response:
    method = requested_method if requested_method in hdrs.METH_ALL else hdrs.METH_GET
    return web.Response(
        status=HTTPStatus.NO_CONTENT,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: method,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ALLOWED_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_AGE_S),
        },
    )
