"""What a request says of the trace that it belongs to: W3C's traceparent, else AWS X-Ray's header."""

import re
from contextvars import ContextVar
from typing import Final

from aiohttp import web
from opentelemetry.context import Context
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.api.middlewares.request_context import TRACE_HEADER

# The later wins: whoever speaks W3C's means it, while a load balancer adds its own to everything.
_PROPAGATOR: Final = CompositePropagator([AwsXRayPropagator(), TraceContextTextMapPropagator()])
_ROOT: Final = re.compile(r"(?:^|;)Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)")

_GIVEN: Final[ContextVar[int | None]] = ContextVar("trace_id", default=None)


class TraceIds(RandomIdGenerator):
    """Gives a new trace the id that the load balancer has given the request, if it has."""

    def generate_trace_id(self) -> int:
        """Return the id of a new trace."""
        return _GIVEN.get() or super().generate_trace_id()


def parent_of(request: web.Request) -> Context:
    """
    Return the context that a request's span goes on from.

    A load balancer of AWS gives each request a trace, but has no span in it: then the request's span is
    the first one of that trace.
    """
    headers = {name: request.headers.getall(name, []) for name in _PROPAGATOR.fields}
    found = _PROPAGATOR.extract(headers, Context())
    given = None
    if not get_current_span(found).get_span_context().is_valid:
        match = _ROOT.search(request.headers.get(TRACE_HEADER, ""))
        given = None if match is None else int(match[1] + match[2], 16)
    _GIVEN.set(given)
    return found
