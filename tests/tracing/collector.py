"""An OpenTelemetry collector on loopback that keeps the spans it receives."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Span:
    """A received span: ids in hexadecimal, *parent* empty for the root of a trace."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    details: dict[str, Any]


@dataclass(slots=True)
class Collector:
    """The collector's URL, the spans, and the attributes of the service that sent them."""

    url: str = ""
    spans: list[Span] = field(default_factory=list)
    services: list[dict[str, Any]] = field(default_factory=list)

    def named(self, name: str) -> Span:
        """Return the only span of that name."""
        (span,) = (span for span in self.spans if span.name == name)
        return span

    async def take(self, request: web.Request) -> web.Response:
        """Receive a batch of spans."""
        batch = ExportTraceServiceRequest.FromString(await request.read())
        for of_service in batch.resource_spans:
            self.services.append(_plain(of_service.resource.attributes))
            for of_scope in of_service.scope_spans:
                self.spans += map(_span, of_scope.spans)
        return web.Response()


@asynccontextmanager
async def collector(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Collector]:
    """Serve a collector, over TLS if *tls* is set."""
    collecting = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", collecting.take)
    server = TestServer(app, host="127.0.0.1" if tls is None else "localhost")
    await server.start_server(ssl=tls)
    try:
        collecting.url = str(server.make_url("/"))
        yield collecting
    finally:
        await server.close()


def _span(sent: Any) -> Span:  # noqa: ANN401 -- made by protobuf at run time
    return Span(
        name=sent.name,
        trace=sent.trace_id.hex(),
        id=sent.span_id.hex(),
        parent=sent.parent_span_id.hex(),
        kind=sent.kind,
        failed=sent.status.code == 2,  # STATUS_CODE_ERROR
        details=_plain(sent.attributes),
    )


def _plain(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 -- likewise
    return {each.key: _value(each.value) for each in attributes}


def _value(value: Any) -> Any:  # noqa: ANN401 -- likewise
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [_value(each) for each in value.array_value.values]
    return getattr(value, kind)
