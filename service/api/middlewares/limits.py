"""
Bounds the requests in flight, the time of each, and the body that it announces.

Those that wait for Cognito have places of their own, and so have those that wait for DynamoDB: one that
hangs must not shut out who needs the other.
"""

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api import keys
from service.api.handlers.health import PREFIX as HEALTH
from service.api.http_errors import BodyTooLarge
from service.domain.errors import Overloaded


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; raises BodyTooLarge, Overloaded and DeadlineExceeded."""
    if (request.content_length or 0) > request.client_max_size:
        raise BodyTooLarge  # whether or not a body is wanted; none of it is read
    if request.path.startswith(HEALTH):  # a process that is merely busy is healthy
        return await handler(request)
    app = request.app
    room = request[keys.SLOTS] = app[keys.SERVER_LOAD].room(request.match_info.handler)
    if room.in_flight >= app[keys.CONFIG].server.max_in_flight:
        app[keys.METRICS].request_shed("requests")
        raise Overloaded(retry_after_s=1)
    room.in_flight += 1
    try:
        with app[keys.DEADLINES].begin():
            return await handler(request)
    finally:
        room.in_flight -= 1
