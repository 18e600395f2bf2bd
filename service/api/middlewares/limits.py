"""
Limits of the requests in flight, of their time, and of their announced body size.

Requests that wait for Cognito, for DynamoDB and for neither have separate slots: if one upstream hangs,
the others are still served.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api import keys
from service.api.http_errors import BodyTooLarge
from service.domain.errors import Overloaded


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; raises BodyTooLarge, Overloaded and DeadlineExceeded."""
    if (request.content_length or 0) > request.client_max_size:
        raise BodyTooLarge  # before any of it is read
    if request.path.startswith(keys.HEALTH_PREFIX):  # a busy process is healthy
        return await handler(request)
    app = request.app
    slots = request[keys.SLOTS] = app[keys.SERVER_LOAD].slots_of(request.match_info.handler)
    if slots.in_flight >= app[keys.CONFIG].server.max_in_flight:
        app[keys.METRICS].request_shed("requests")
        raise Overloaded(retry_after_s=1)
    slots.in_flight += 1
    try:
        with app[keys.DEADLINES].begin():
            return await handler(request)
    finally:
        slots.in_flight -= 1
