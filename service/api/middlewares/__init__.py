"""
The middlewares, outermost first.

1. request_context: the request's id, its log line, the headers that every answer carries;
2. cors: leave for pages of the listed origins to read the answer;
3. errors: every refusal and failure as one envelope;
4. limits: the number of requests in flight, and the time that each may take;
5. cross_site: no change on behalf of another site's page;
6. identity: who is asking, on the routes where that matters.
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
