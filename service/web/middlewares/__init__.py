"""
The middlewares, outermost first.

1. request_context: the request's id, its log line, the headers that every answer carries;
2. errors: every refusal and failure as one envelope;
3. limits: the number of requests in flight, and the time that each may take;
4. identity: who is asking, on the routes where that matters.
"""

from typing import Final

from aiohttp.typedefs import Middleware

from service.web.middlewares import errors, identity, limits, request_context

IN_ORDER: Final[tuple[Middleware, ...]] = (
    request_context.middleware,
    errors.middleware,
    limits.middleware,
    identity.middleware,
)
