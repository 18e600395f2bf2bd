"""
Limits of the requests in flight, of their time, and of their announced body size.

Requests that wait for Cognito, for DynamoDB and for neither have separate slots: if one upstream hangs,
the others are still served.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Final

from aiohttp import web

from service.api import keys
from service.api.http_errors import BodyTooLarge
from service.domain.errors import Overloaded

UNLIMITED: Final = nullcontext()


class Limits:
    """The limits of the requests of *app*."""

    def __init__(self, app: web.Application) -> None:
        load = app[keys.SERVER_LOAD]
        self._slots = {handler: load.slots[each] for handler, each in load.dependencies.items()}
        self._other_slots = load.slots[keys.Dependency.NOTHING]
        self._max_in_flight = app[keys.CONFIG].server.max_in_flight
        self._deadlines = app[keys.DEADLINES]
        self._metrics = app[keys.METRICS]

    def admitted(self, request: web.Request) -> AbstractContextManager[None]:
        """
        Return the context in which a request is served; it raises DeadlineExceeded.

        Raises BodyTooLarge and Overloaded.
        """
        if (request.content_length or 0) > request.client_max_size:
            raise BodyTooLarge  # before any of it is read
        if request.path.startswith(keys.HEALTH_PREFIX):  # a busy process is healthy
            return UNLIMITED
        slots = request[keys.SLOTS] = self._slots.get(request.match_info.handler, self._other_slots)
        if slots.in_flight >= self._max_in_flight:
            self._metrics.request_shed("requests")
            raise Overloaded(retry_after_s=1)
        return self._deadlines.begin(slots)
