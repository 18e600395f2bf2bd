"""
Lets pages of the listed origins read the answers (CORS, the Fetch standard, section 3.3).

aiohttp-cors wants every route registered with it and answers preflights by itself; one middleware over
a list of exact origins is less than its configuration, and keeps the envelope.
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
    """Serve the request, and tell a browser of a listed origin that its page may read the answer."""
    if not request.app[keys.CONFIG].cors.allowed_origins:
        return await handler(request)
    origin = listed_origin(request)
    asked = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
    if origin is not None and request.method == hdrs.METH_OPTIONS and asked is not None:
        response: web.StreamResponse = _preflight(asked)
    else:
        response = await handler(request)
    response.headers.add(hdrs.VARY, hdrs.ORIGIN)
    if origin is not None:
        response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
        response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS
    return response


def listed_origin(request: web.Request) -> str | None:
    """Return the origin of the page that asks, if it is listed, letter by letter."""
    origins = request.headers.getall(hdrs.ORIGIN, ())
    allowed = request.app[keys.CONFIG].cors.allowed_origins
    return origins[0] if len(origins) == 1 and origins[0] in allowed else None


def _preflight(asked: str) -> web.Response:
    method = asked if asked in hdrs.METH_ALL else hdrs.METH_GET
    return web.Response(
        status=HTTPStatus.NO_CONTENT,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: method,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ALLOWED_HEADERS,
            hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_AGE_S),
        },
    )
