"""The trace that a request belongs to, by W3C's `traceparent`, else by `X-Amzn-Trace-Id`."""

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

# The later one wins: a load balancer adds its header to every request, a client's traceparent is chosen.
_PROPAGATOR: Final = CompositePropagator([AwsXRayPropagator(), TraceContextTextMapPropagator()])
_ROOT: Final = re.compile(r"(?:^|;)Root=1-([0-9a-f]{8})-([0-9a-f]{24})(?:;|$)")

_TRACE_ID: Final[ContextVar[int | None]] = ContextVar("trace_id", default=None)


class TraceIds(RandomIdGenerator):
    """A generator of ids that uses the load balancer's trace id where there is one."""

    def generate_trace_id(self) -> int:
        """Return the id of a new trace."""
        return _TRACE_ID.get() or super().generate_trace_id()


def parent_of(request: web.Request) -> Context:
    """
    Return the parent context of a request's span.

    A load balancer of AWS assigns each request a trace without a span of its own: then the request's span
    is the root of that trace.
    """
    headers = {name: request.headers.getall(name, []) for name in _PROPAGATOR.fields}
    found = _PROPAGATOR.extract(headers, Context())
    trace_id = None
    if not get_current_span(found).get_span_context().is_valid:
        match = _ROOT.search(request.headers.get(TRACE_HEADER, ""))
        trace_id = None if match is None else int(match[1] + match[2], 16)
    _TRACE_ID.set(trace_id)
    return found
