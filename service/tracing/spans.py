"""The spans: a server span for each request, and in it a client span for each call to an upstream."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

from aiohttp import web
from aiohttp.typedefs import Handler
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NoOpTracer,
    SpanKind,
    Status,
    StatusCode,
    Tracer,
    format_trace_id,
    get_current_span,
)

from service.api import keys
from service.api.middlewares.request_context import REQUEST_ID_HEADER
from service.observability.metrics.catalogue import METHODS
from service.observability.upstream_calls import COGNITO, DYNAMODB
from service.tracing.propagation import TraceIds, parent_of

SERVICE: Final = "user-profile-service"
TRACES: Final = "/v1/traces"  # below the collector's address: OTLP/HTTP
EXPORT_S: Final = 3.0  # of one batch, with all tries
FLUSH_S: Final = 2.0  # of the spans that are left at the end of the process
ERROR: Final = Status(StatusCode.ERROR)

Span: TypeAlias = Callable[[str, str], AbstractContextManager[object]]


class Tracing:
    """
    Exports spans to the collector at *endpoint*, in batches and from a thread.

    A request follows the sampling decision of its trace; of the traces that begin here, the share
    *sample_ratio* is sampled. Spans that cannot be sent are dropped.
    """

    def __init__(self, endpoint: str, *, sample_ratio: float, version: str) -> None:
        self._endpoint = endpoint.rstrip("/") + TRACES
        self._sample_ratio = sample_ratio
        self._version = version
        self._tracer: Tracer = NoOpTracer()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Span]:
        """Start the exporter and yield the function that opens a call's span; flush at the end."""
        provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(self._sample_ratio)),
            resource=Resource.create({"service.name": SERVICE, "service.version": self._version}),
            id_generator=TraceIds(),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(
            endpoint=self._endpoint, timeout=EXPORT_S, certificate_file=_ca_bundle()
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = provider.get_tracer(SERVICE, self._version)
        try:
            yield self.span
        finally:
            last = threading.Thread(target=provider.shutdown, name="last_spans", daemon=True)
            last.start()
            await asyncio.to_thread(last.join, FLUSH_S)
            if last.is_alive():
                # The SDK would wait for 30 s, the time after which ECS kills a task.
                exporter.shutdown()  # type: ignore[no-untyped-call]  # a gap of the SDK's types

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Serve the request inside its span, unless it is a health check; log its trace id."""
        if request.path.startswith(keys.HEALTH_PREFIX):
            return await handler(request)
        resource = request.match_info.route.resource
        method = request.method if request.method in METHODS else "_OTHER"
        details = {"http.request.method": method}
        if resource is not None:
            details["http.route"] = resource.canonical  # never the path as sent
        with self._tracer.start_as_current_span(
            f"{method} {resource.canonical}" if resource is not None else method,
            context=parent_of(request),
            kind=SpanKind.SERVER,
            attributes=details,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            request[keys.TRACE_ID] = format_trace_id(span.get_span_context().trace_id)
            response = await handler(request)
            span.set_attribute("http.response.status_code", response.status)
            request_id = response.headers[REQUEST_ID_HEADER]
            span.set_attribute("http.response.header.x-request-id", (request_id,))
            if response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                span.set_attribute("error.type", response.get(keys.PROBLEM_CODE, ""))
                span.set_status(ERROR)
        return response

    @contextmanager
    def span(self, upstream: str, operation: str) -> Iterator[None]:
        """Open the span of a call inside the request's; a call outside a request has none."""
        if not get_current_span().get_span_context().is_valid:
            yield
            return
        details = {"rpc.service": upstream, "rpc.method": operation}
        if upstream in {COGNITO, DYNAMODB}:
            details["rpc.system"] = "aws-api"
        with self._tracer.start_as_current_span(
            f"{upstream} {operation}",
            kind=SpanKind.CLIENT,
            attributes=details,
            record_exception=False,  # its message may repeat what was sent
            set_status_on_exception=False,
        ) as span:
            try:
                yield
            except BaseException as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(ERROR)
                raise


def _ca_bundle() -> str | None:
    """Return the file of trusted authorities: OpenTelemetry's own setting, or that of AWS calls."""
    names = (
        "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
        "OTEL_EXPORTER_OTLP_CERTIFICATE",
        "AWS_CA_BUNDLE",
    )
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
