"""
The middlewares of an application, in one coroutine.

As a middleware of aiohttp, each would cost a request 0.5 %, and look the application up for itself.
"""

import time

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api.middlewares import cross_site, errors
from service.api.middlewares.cors import Cors
from service.api.middlewares.identity import Authentication
from service.api.middlewares.limits import Limits
from service.api.middlewares.request_context import RequestContext
from service.observability import logs


class Pipeline:
    """
    The steps of every request of *app*, from the outermost inwards and back.

    With *is_traced*, a middleware around it sets the trace id.
    """

    def __init__(self, app: web.Application, *, is_traced: bool) -> None:
        self._context = RequestContext(app, is_traced=is_traced)
        self._cors = Cors(app)
        self._limits = Limits(app)
        self._authentication = Authentication(app)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve the request; the exceptions of *handler* become responses."""
        started_s = time.perf_counter()
        token = logs.REQUEST_FIELDS.set(self._context.begin(request))
        try:
            origin = self._cors.allowed_page(request)
            response = self._cors.preflight(request, origin)
            if response is None:
                try:
                    with self._limits.admitted(request):
                        cross_site.check(request)
                        await self._authentication.authenticate(request)
                        response = await handler(request)
                except Exception as error:  # noqa: BLE001 -- unexpected ones are logged there
                    response = errors.response_to(request, error)
            self._cors.complete(request, response, origin)
            self._context.finish(request, response, started_s)
        finally:
            logs.REQUEST_FIELDS.reset(token)
        return response
