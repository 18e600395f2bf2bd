"""A request is a span, its calls are spans inside it, and the log has the id of the trace."""

import asyncio
import functools
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from service.app import Adapters, OpenAdapters, aws_adapters, create_app
from service.config.settings import Config
from service.domain.errors import UpstreamUnavailable
from service.domain.profiles import Profile
from service.observability import logs as log
from service.tracing import spans
from service.tracing.spans import Tracing
from tests.api.conftest import ALICE, AT_ONCE, Api
from tests.support.accounts import PASSWORD, new_user
from tests.support.configs import CREDENTIALS, configured, opening
from tests.support.fakes.profiles import MemoryProfileStore
from tests.support.private_authority import PrivateAuthority
from tests.tracing.collector import Collector, collector

SERVER, CLIENT = 2, 3  # SpanKind
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
W3C = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
BALANCER = {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"}
BALANCERS_TRACE = "67891233abcdef012345678912345678"
XRAY = {"X-Amzn-Trace-Id": f"{BALANCER['X-Amzn-Trace-Id']};Parent={SPAN};Sampled=1"}
PROFILE = "/v1/user/profile"


@asynccontextmanager
async def _traced(
    adapters: OpenAdapters,
    config: Config,
    *,
    ratio: float = 1,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[tuple[Api, Collector]]:
    """Start the service with a collector, which has all spans when the block has ended."""
    async with collector(tls=tls) as collecting:
        endpoint = configured(
            {"tracing": {"otlp-endpoint": collecting.url, "sample-ratio": str(ratio)}}
        )
        app = create_app(replace(config, tracing=endpoint.tracing), adapters)
        async with TestClient(TestServer(app)) as client:
            yield client, collecting


@pytest.mark.parametrize(
    "variables", [("AWS_CA_BUNDLE",), ("OTEL_EXPORTER_OTLP_CERTIFICATE", "AWS_CA_BUNDLE")]
)
async def test_collector_may_have_a_certificate_of_a_private_authority(
    memory: Adapters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: tuple[str, ...]
) -> None:
    """AWS_CA_BUNDLE is trusted for spans as for calls, but for OpenTelemetry's own setting."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # which the exporter's library prefers
        monkeypatch.delenv(name, raising=False)
    used, *unused = variables
    monkeypatch.setenv(used, str((authority := PrivateAuthority(tmp_path, "private")).bundle))
    for name in unused:
        monkeypatch.setenv(name, str(PrivateAuthority(tmp_path, "other").bundle))
    async with _traced(
        opening(memory), configured(), tls=authority.server_context("localhost")
    ) as (api, collecting):
        await api.get("/docs/page.css")

    assert [span.name for span in collecting.spans] == ["GET /docs/{asset}"]


async def test_request_is_a_span_of_its_route(memory: Adapters) -> None:
    """The span has method, route, status and request id, and never the path."""
    config = configured({"server": {"readiness-interval-s": "300"}})
    async with _traced(opening(memory), config) as (api, collecting):
        async with api.get("/docs/page.css") as answer:
            request_id = answer.headers["X-Request-Id"]
        async with api.request("PROPFIND", "/coffee") as answer:
            assert answer.status == 404
        async with api.get("/health/live") as answer:
            assert answer.status == 200

    assert {span.name for span in collecting.spans} == {"GET /docs/{asset}", "_OTHER"}
    span = collecting.named("GET /docs/{asset}")
    assert (span.kind, span.parent, span.failed) == (SERVER, "", False)
    assert span.details == {
        "http.request.method": "GET",
        "http.route": "/docs/{asset}",
        "http.response.status_code": 200,
        "http.response.header.x-request-id": [request_id],
    }
    assert collecting.named("_OTHER").details["http.response.status_code"] == 404
    assert collecting.services[0]["service.name"] == "user-profile-service"


@pytest.mark.parametrize(
    ("headers", "trace", "parent"),
    [
        (W3C, TRACE, SPAN),
        (XRAY, BALANCERS_TRACE, SPAN),
        (BALANCER, BALANCERS_TRACE, ""),
        ({**BALANCER, **W3C}, TRACE, SPAN),
        ({**XRAY, **W3C}, TRACE, SPAN),
    ],
    ids=["W3C", "X-Ray", "balancer", "W3C through a balancer", "both"],
)
async def test_request_continues_its_trace(
    memory: Adapters, headers: dict[str, str], trace: str, parent: str
) -> None:
    """The trace of the request is continued, W3C's rather than X-Ray's."""
    async with (
        _traced(opening(memory), configured()) as (api, collecting),
        api.get("/docs", headers=headers) as answer,
    ):
        assert answer.status == 200

    span = collecting.named("GET /docs")
    assert (span.trace, span.parent) == (trace, parent)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"traceparent": "00-nonsense-01"},
        {"X-Amzn-Trace-Id": "Root=1-67891233"},
        {"X-Amzn-Trace-Id": "Root=1-67891233-abcdef01234567891234567G"},
    ],
    ids=["none", "no W3C", "short", "no digits"],
)
async def test_request_without_a_trace_begins_one(
    memory: Adapters, headers: dict[str, str]
) -> None:
    """An invalid trace is ignored; the next request on the connection has another trace."""
    async with _traced(opening(memory), configured()) as (api, collecting):
        for more in (BALANCER, headers, headers):
            async with api.get("/docs", headers=more) as answer:
                assert answer.status == 200

    first, second, third = (span.trace for span in collecting.spans)
    assert first == BALANCERS_TRACE
    assert len({first, second, third}) == 3
    assert [span.parent for span in collecting.spans] == [""] * 3


@pytest.mark.parametrize(
    ("headers", "sent"), [({}, 0), (W3C, 1)], ids=["begins a trace", "belongs to one"]
)
async def test_share_is_of_those_that_begin_a_trace(
    memory: Adapters, headers: dict[str, str], sent: int
) -> None:
    """A request of a sampled trace is exported, whatever the sample ratio."""
    async with (
        _traced(opening(memory), configured(), ratio=0) as (api, collecting),
        api.get("/docs", headers=headers) as answer,
    ):
        assert answer.status == 200

    assert len(collecting.spans) == sent


async def test_log_names_the_trace(memory: Adapters) -> None:
    """The events of a request have the id of its trace."""
    processors = [log.CommonFields()]
    async with _traced(opening(memory), configured()) as (api, _):
        with capture_logs(processors=processors) as logs:
            async with api.get("/docs", headers=W3C) as answer:
                assert answer.status == 200

    (line,) = (event for event in logs if event["event"] == "request_finished")
    assert line["trace_id"] == TRACE


class _Broken(MemoryProfileStore):
    """A store that is unavailable."""

    async def find(self, user_id: str) -> Profile | None:  # noqa: ARG002 -- the same for every user
        raise UpstreamUnavailable(retry_after_s=1)


async def test_failed_request_is_an_error(memory: Adapters) -> None:
    """A span with a status of 500 or more is an error, with its code."""
    adapters = replace(memory, profile_store=_Broken())
    async with (
        _traced(opening(adapters), configured()) as (api, collecting),
        api.get(PROFILE, headers=ALICE) as answer,
    ):
        assert answer.status == 503

    span = collecting.named(f"GET {PROFILE}")
    assert span.failed
    assert span.details["error.type"] == "upstream_unavailable"


async def test_calls_are_spans_inside_the_requests(config: Config) -> None:
    """Each call to AWS is a client span in its request's; readiness checks have none."""
    user = {"x-amzn-oidc-identity": new_user()}
    adapters = functools.partial(aws_adapters, credentials=CREDENTIALS)
    settings = replace(config, auth=configured(AT_ONCE).auth)
    async with _traced(adapters, settings) as (api, collecting):
        async with api.post(PROFILE, headers=user, json={"city": "Pune"}) as answer:
            assert answer.status == 201
        async with api.get(PROFILE, headers=user) as answer:
            assert answer.status == 200
        login = {"username": "nobody", "password": PASSWORD}
        async with api.post("/api/auth/login", json=login) as answer:
            assert answer.status == 401

    def calls_of(name: str) -> list[str]:
        request = collecting.named(name)
        inside = [span for span in collecting.spans if span.parent == request.id]
        assert all((span.trace, span.kind) == (request.trace, CLIENT) for span in inside)
        return [span.name for span in inside]

    assert calls_of(f"POST {PROFILE}") == ["dynamodb Query", "dynamodb TransactWriteItems"]
    assert calls_of(f"GET {PROFILE}") == ["dynamodb batched_read"]
    assert calls_of("POST /api/auth/login") == ["cognito InitiateAuth"]
    read = collecting.named("dynamodb batched_read")  # of a single caller, so the call is inside it
    assert collecting.named("dynamodb GetItem").parent == read.id
    assert len(collecting.spans) == 8
    refused = collecting.named("cognito InitiateAuth")
    assert (refused.failed, refused.details) == (
        True,
        {
            "rpc.system": "aws-api",
            "rpc.service": "cognito",
            "rpc.method": "InitiateAuth",
            "error.type": "NotAuthorizedException",
        },
    )


async def test_fetch_of_keys_is_a_span_of_no_aws() -> None:
    """The span of a key fetch has no rpc.system; a call outside a request has no span."""
    async with collector() as collecting:
        tracing = Tracing(collecting.url, sample_ratio=1, version="1.2.3")
        async with tracing.opened() as span:

            async def serve(_: web.Request) -> web.Response:
                with span("key_server", "fetch"):
                    return web.Response(headers={"X-Request-Id": "r1"})

            app = web.Application(middlewares=[tracing.middleware])
            app.router.add_get("/", serve)
            with span("dynamodb", "GetItem"):
                pass
            async with TestClient(TestServer(app)) as client, client.get("/") as answer:
                assert answer.status == 200

    assert {span.name for span in collecting.spans} == {"GET /", "key_server fetch"}
    assert collecting.named("key_server fetch").details == {
        "rpc.service": "key_server",
        "rpc.method": "fetch",
    }
    assert collecting.services[0]["service.version"] == "1.2.3"


async def test_collector_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans that a collector does not accept in time at the end are dropped."""
    monkeypatch.setattr(spans, "EXPORT_S", 60.0)
    monkeypatch.setattr(spans, "FLUSH_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        host, port = hanging.getsockname()
        tracing = Tracing(f"http://{host}:{port}", sample_ratio=1, version="1")
        app = web.Application(middlewares=[tracing.middleware])
        app.router.add_get("/", _answer)
        async with (
            asyncio.timeout(20),  # the SDK would wait for 30 s
            tracing.opened(),
            TestClient(TestServer(app)) as client,
            client.get("/") as answer,
        ):
            assert answer.status == 200


async def _answer(_: web.Request) -> web.Response:
    return web.Response(headers={"X-Request-Id": "r1"})


async def test_unreachable_collector_does_not_affect_requests(
    memory: Adapters, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spans that cannot be sent are dropped; requests are served, and the service ends."""
    monkeypatch.setattr(spans, "FLUSH_S", 0.1)
    down = configured({"tracing": {"otlp-endpoint": "http://127.0.0.1:1", "sample-ratio": "1"}})
    app = create_app(down, opening(memory))
    async with TestClient(TestServer(app)) as client, client.get("/docs") as answer:
        assert answer.status == 200
