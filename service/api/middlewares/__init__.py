"""
The middlewares, outermost first.

1. request_context: the request id, the log line, and the headers of every response;
2. cors: the response headers for pages of allowed origins;
3. errors: error responses in one format;
4. limits: the number of requests in flight, and the deadline of each;
5. cross_site: rejection of changes requested by pages of other origins;
6. identity: authentication.
"""

from typing import Final

from aiohttp.typedefs import Middleware

from service.api.middlewares import cors, cross_site, errors, identity, limits, request_context

IN_ORDER: Final[tuple[Middleware, ...]] = (
    request_context.middleware,
    cors.middleware,
    errors.middleware,
    limits.middleware,
    cross_site.middleware,
    identity.middleware,
)
