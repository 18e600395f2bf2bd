"""Bounds the requests in flight, and the time of each."""

import asyncio

from aiohttp import web
from aiohttp.typedefs import Handler

from service.domain.errors import DeadlineExceeded, Overloaded
from service.web import keys
from service.web.handlers.health import PREFIX as HEALTH


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request; raises Overloaded and DeadlineExceeded."""
    if request.path.startswith(HEALTH):  # a process that is merely busy is healthy
        return await handler(request)
    server = request.app[keys.CONFIG].server
    load = request.app[keys.LOAD]
    if load.in_flight >= server.max_in_flight:
        request.app[keys.METRICS].request_shed("requests")
        raise Overloaded(retry_after_s=1)
    load.in_flight += 1
    try:
        async with asyncio.timeout(server.request_deadline_s) as deadline:
            return await handler(request)
    except TimeoutError:
        if deadline.expired():
            raise DeadlineExceeded(retry_after_s=1) from None
        raise
    finally:
        load.in_flight -= 1
