"""Only pages of allowed origins may read responses."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler
from structlog.testing import capture_logs

from service.api import keys
from service.api.middlewares.cors import ALLOWED_HEADERS, EXPOSED_HEADERS, MAX_LOGGED_CHARACTERS
from service.app import Adapters, create_app
from service.config.loader import Settings
from service.domain.profiles import Profile
from service.observability.log_limit import INTERVAL_S, MAX_LINES, LogLimit
from tests.api.conftest import ALICE, Api, Start
from tests.support.clock import Clock
from tests.support.configs import configured, opening
from tests.support.fakes.profiles import MemoryProfileStore

PATH = "/v1/user/profile"
ORIGIN = "https://app.example"
LISTED: Settings = {"cors": {"allowed-origins": f"{ORIGIN} http://localhost:3000"}}
METHOD = "Access-Control-Request-Method"
REQUESTED = "Access-Control-Request-Headers"


class BrokenStore(MemoryProfileStore):
    """A store that raises an unexpected exception."""

    async def find(self, user_id: str) -> Profile | None:
        """Raise an unexpected exception."""
        raise RuntimeError(user_id)


@pytest.fixture(name="listing")
async def _listing(memory: Adapters) -> AsyncIterator[Api]:
    """Open a client that does not check preflights, which the API document does not describe."""
    async with TestClient(TestServer(create_app(configured(LISTED), opening(memory)))) as listing:
        yield listing


def _granted(answer: ClientResponse) -> dict[str, str]:
    """Return the CORS headers without their prefix; asserts that each is unique."""
    prefix = "Access-Control-"
    names = [name for name in answer.headers if name.startswith(prefix)]
    assert len(names) == len(set(names))
    return {name.removeprefix(prefix): answer.headers[name] for name in names}


@pytest.mark.parametrize(
    ("origin", "is_local", "allowed"),
    [
        ("http://localhost:5173", True, True),
        ("http://localhost", True, True),
        ("http://127.0.0.1:1", True, True),
        ("http://[::1]:65535", True, True),
        ("http://localhost:5173", False, False),
        ("https://localhost:5173", True, False),
        ("http://localhost:0", True, False),
        ("http://localhost.evil.example", True, False),
        ("http://evil.example:5173", True, False),
        ("http://localhost:5173/", True, False),
        ("null", True, False),
    ],
)
async def test_pages_of_this_machine_may_read_from_local(
    memory: Adapters, origin: str, *, is_local: bool, allowed: bool
) -> None:
    """`local` allows plain HTTP pages of this machine on any port; other commands allow none."""
    app = create_app(configured(), opening(memory), plain_localhost=is_local)
    async with TestClient(TestServer(app)) as client:
        answer = await client.get("/health/live", headers={"Origin": f"{origin}"})
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
    assert ("Origin" in answer.headers.get("Vary", "")) is is_local


@pytest.mark.parametrize("origin", [ORIGIN, "http://localhost:3000"])
async def test_listed_page_may_read(listing: Api, origin: str) -> None:
    """An allowed origin is echoed, without wildcard and credentials; the ETag is exposed."""
    answer = await listing.get("/health/live", headers={"Origin": origin})

    assert _granted(answer) == {
        "Allow-Origin": origin,
        "Expose-Headers": EXPOSED_HEADERS,
    }
    assert answer.headers.getall("Vary") == ["Origin"]


@pytest.mark.parametrize(
    "origins",
    [
        [],
        ["https://evil.example"],
        ["https://app.example.evil.example"],
        ["https://app.example:443"],
        ["https://APP.example"],
        ["http://app.example"],
        ["http://localhost"],
        ["null"],
        ["*"],
        [""],
        [ORIGIN, ORIGIN],
        [ORIGIN, "https://evil.example"],
        [f"{ORIGIN} https://evil.example"],
    ],
    ids=str,
)
async def test_unlisted_page_may_not_read(listing: Api, origins: list[str]) -> None:
    """Another origin gets no CORS headers but Vary: Origin."""
    fields = [("Origin", origin) for origin in origins]
    for path in ("/health/live", "/nothing/here"):
        answer = await listing.get(path, headers=fields)

        assert _granted(answer) == {}
        assert answer.headers.getall("Vary") == ["Origin"]


async def test_without_a_list_there_is_no_cors(api: Api) -> None:
    """By default no response has CORS headers, and a preflight is a plain OPTIONS."""
    headers = {"Origin": ORIGIN, METHOD: "POST"}
    read = await api.get("/health/live", headers=headers)
    asked = await api.options(PATH, headers=headers)

    assert (_granted(read), _granted(asked)) == ({}, {})
    assert "Vary" not in {**read.headers, **asked.headers}
    assert (asked.status, "POST" in asked.headers["Allow"]) == (204, True)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_preflight_of_a_listed_page_is_granted(listing: Api, method: str) -> None:
    """A preflight returns the allowed method and headers without authentication."""
    headers = {
        "Origin": ORIGIN,
        METHOD: method,
        "Access-Control-Request-Headers": "authorization,content-type,if-match",
    }
    answer = await listing.options(PATH, headers=headers)

    assert (answer.status, await answer.read()) == (204, b"")
    assert _granted(answer) == {
        "Allow-Origin": ORIGIN,
        "Allow-Methods": method,
        "Allow-Headers": ", ".join(ALLOWED_HEADERS),
        "Max-Age": "600",
        "Expose-Headers": EXPOSED_HEADERS,
    }
    assert answer.headers.getall("Vary") == ["Origin"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["SECRETMARKER", "post", "GET, POST", "*", ""])
async def test_preflight_for_a_method_that_is_none_is_not_echoed(listing: Api, method: str) -> None:
    """A preflight echoes only methods of HTTP."""
    answer = await listing.options(PATH, headers={"Origin": ORIGIN, METHOD: method})

    assert _granted(answer)["Allow-Methods"] == "GET"


SDKS = {
    "OpenTelemetry": "baggage,traceparent,tracestate",
    "Sentry": "authorization,baggage,sentry-trace",
    "Datadog": "content-type,x-datadog-origin,x-datadog-parent-id,x-datadog-sampling-priority,"
    "x-datadog-trace-id,traceparent,tracestate",
    "X-Ray": "x-amzn-trace-id",
    "Zipkin": "b3,x-b3-parentspanid,x-b3-sampled,x-b3-spanid,x-b3-traceid",
    "New Relic": "newrelic,traceparent,tracestate",
    "Elastic": "elastic-apm-traceparent,traceparent,tracestate",
    "Jaeger": "uber-trace-id",
    "Application Insights": "request-context,request-id,traceparent",
    "AWS SDK": "amz-sdk-invocation-id,amz-sdk-request,authorization,x-amz-content-sha256,"
    "x-amz-date,x-amz-security-token,x-amz-user-agent",
    "axios": "accept,authorization,cache-control,content-type,pragma,x-requested-with,x-xsrf-token",
    "in upper case": "TRACEPARENT, X-Request-ID, Idempotency-Key",
}


@pytest.mark.parametrize("sdk", SDKS)
async def test_headers_of_browser_sdks_are_allowed(listing: Api, sdk: str) -> None:
    """A page with a tracing SDK needs no setting."""
    headers = {"Origin": ORIGIN, METHOD: "POST", REQUESTED: SDKS[sdk]}
    with capture_logs() as logs:
        answer = await listing.options(PATH, headers=headers)

    allowed = {name.lower() for name in _granted(answer)["Allow-Headers"].split(", ")}
    assert {name.strip().lower() for name in SDKS[sdk].split(",")} <= allowed
    assert [line["event"] for line in logs] == ["request_finished"]


async def test_deployment_allows_further_headers(memory: Adapters) -> None:
    """`allowed-headers` adds to the default ones, for allowed origins only."""
    own: Settings = {"cors": {"allowed-headers": "X-Tenant x-app-version"}}
    app = create_app(configured(LISTED, own), opening(memory))
    async with TestClient(TestServer(app)) as api:
        answer = await api.options(PATH, headers={"Origin": ORIGIN, METHOD: "PUT"})
        foreign = await api.options(
            PATH, headers={"Origin": "https://evil.example", METHOD: "PUT", REQUESTED: "x-tenant"}
        )

    assert _granted(answer)["Allow-Headers"].split(", ") == [
        *ALLOWED_HEADERS, "X-Tenant", "x-app-version",
    ]  # fmt: skip
    assert _granted(foreign) == {}


async def test_refused_headers_are_logged_with_the_setting(listing: Api) -> None:
    """The log names headers that a page of an allowed origin may not send, once a minute."""
    headers = {"Origin": ORIGIN, METHOD: "PUT", REQUESTED: "x-tenant, traceparent,tracing;id"}
    with capture_logs() as logs:
        for _ in range(2):
            await listing.options(PATH, headers=headers)

    lines = [line for line in logs if line["event"] == "cors_headers_refused"]
    assert [
        (line["log_level"], line["origin"], line["headers"], line["setting"]) for line in lines
    ] == [("info", ORIGIN, "tracing;id, x-tenant", "[cors] allowed-headers")]


FOREIGN: list[tuple[str, dict[str, str]]] = [
    ("OPTIONS", {METHOD: "POST", "Sec-Fetch-Site": "cross-site"}),
    ("OPTIONS", {METHOD: "POST"}),
    ("GET", {"Sec-Fetch-Site": "same-site"}),
    ("GET", {}),
    ("POST", {"Sec-Fetch-Site": "cross-site"}),
]


@pytest.mark.parametrize(("method", "headers"), FOREIGN, ids=str)
@pytest.mark.parametrize("settings", [LISTED, {}], ids=["some listed", "none listed"])
async def test_refused_origin_is_logged_with_the_setting(
    start: Start, settings: Settings, method: str, headers: dict[str, str]
) -> None:
    """A refused origin is logged at level info, with the Host that was compared, once a minute."""
    api = await start(settings)
    sent = {**headers, "Origin": "https://www.example", "Host": "api.example"}
    with capture_logs() as logs:
        for _ in range(2):
            await api.request(method, PATH, headers=sent)

    (line,) = [line for line in logs if line["event"] == "cors_origin_refused"]
    assert (line["log_level"], line["setting"]) == ("info", "[cors] allowed-origins")
    assert (line["origin"], line["host"]) == ("https://www.example", "api.example")


OWN: list[dict[str, str]] = [
    {},
    {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://a.example", "Host": "b", "Sec-Fetch-Site": "same-origin"},
    {"Origin": "https://a.example", "Host": "a.example"},
    {"Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", OWN, ids=str)
async def test_nothing_is_logged_of_other_requests(listing: Api, headers: dict[str, str]) -> None:
    """Allowed and own pages, clients that are no browsers, and links from other sites cause no line."""
    with capture_logs() as logs:
        await listing.get(PATH, headers=headers)

    assert [line["event"] for line in logs] == ["request_finished"]


async def test_origins_are_logged_within_limits(memory: Adapters) -> None:
    """A client that invents origins fills no log: texts and lines are bounded, for a minute."""
    clock = Clock()
    app = create_app(configured(), opening(memory))
    app[keys.REFUSED_PAGES] = LogLimit(clock)
    many = [f"https://{'x' * 300}.example", *(f"https://{n}.example" for n in range(MAX_LINES))]
    async with TestClient(TestServer(app)) as api:
        with capture_logs() as first:
            for origin in many:
                await api.get("/health/live", headers={"Origin": origin})
        clock.advance(INTERVAL_S)
        with capture_logs() as later:
            await api.get("/health/live", headers={"Origin": many[-1]})

    lines = [line for line in first if line["event"] == "cors_origin_refused"]
    assert len(lines) == MAX_LINES
    assert max(len(line["origin"]) for line in lines) == MAX_LOGGED_CHARACTERS
    assert [line.get("origin") for line in later] == [many[-1], None]


async def test_identity_headers_are_never_granted(listing: Api) -> None:
    """The load balancer's headers are not allowed in CORS requests."""
    asked = {REQUESTED: "x-amzn-oidc-identity, x-amzn-oidc-data"}
    answer = await listing.options(PATH, headers={"Origin": ORIGIN, METHOD: "POST", **asked})

    assert "oidc" not in _granted(answer)["Allow-Headers"].lower()


async def test_preflight_of_an_unlisted_page_is_refused(listing: Api) -> None:
    """A preflight of another origin gets the response of a plain OPTIONS."""
    answer = await listing.options(PATH, headers={"Origin": "https://evil.example", METHOD: "PUT"})

    assert (answer.status, _granted(answer)) == (204, {})


async def test_options_without_a_method_is_no_preflight(listing: Api) -> None:
    """An OPTIONS without a requested method is not a preflight."""
    answer = await listing.options(PATH, headers={"Origin": ORIGIN})

    assert answer.status == 204
    assert answer.headers["Allow"]
    assert _granted(answer)["Allow-Origin"] == ORIGIN


async def test_refusals_are_readable_for_a_listed_page(start: Start, memory: Adapters) -> None:
    """Error responses of any status have the CORS headers."""
    origin = {"Origin": ORIGIN}
    api = await start(LISTED)
    broken = await start(LISTED, adapters=replace(memory, profile_store=BrokenStore()))
    as_alice = {**origin, **ALICE}
    answers = [
        await api.get(PATH, headers=origin),
        await api.get(PATH, headers=as_alice),
        await api.post(PATH, json={"city": 1}, headers=as_alice),
        await api.post(PATH, data=b"{", headers={**as_alice, "Content-Type": "application/json"}),
        await api.delete("/api/auth/login", headers=origin),
        await broken.get(PATH, headers=as_alice),
    ]

    assert [answer.status for answer in answers] == [401, 404, 422, 400, 405, 500]
    for answer in answers:
        assert answer.content_type == "application/problem+json"
        assert _granted(answer)["Allow-Origin"] == ORIGIN
        assert answer.headers.getall("Vary") == ["Origin"]


async def test_overload_is_readable_for_a_listed_page(start: Start) -> None:
    """Retry-After of a 503 is exposed."""
    api = await start(LISTED)
    slots = api.app[keys.SERVER_LOAD].slots[keys.Dependency.DYNAMODB]
    slots.in_flight = api.app[keys.CONFIG].server.max_in_flight
    answer = await api.get(PATH, headers={"Origin": ORIGIN})

    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert _granted(answer)["Allow-Origin"] == ORIGIN
    assert "Retry-After" in _granted(answer)["Expose-Headers"]


async def test_other_vary_is_kept(memory: Adapters) -> None:
    """Vary keeps the values that are set elsewhere."""
    app = create_app(configured(LISTED), opening(memory))

    @web.middleware
    async def varying(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["Vary"] = "Accept-Encoding"
        return response

    app.middlewares.append(varying)
    async with TestClient(TestServer(app)) as api, api.get("/health/live") as answer:
        assert answer.headers.getall("Vary") == ["Accept-Encoding", "Origin"]
