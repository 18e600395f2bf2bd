"""
CORS for the pages of the allowed origins (Fetch standard, section 3.3).

aiohttp-cors requires each route to be registered with it and responds to preflights in its own format;
one middleware for a list of exact origins is less code.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from aiohttp import hdrs, web

from service.api import keys
from service.api.middlewares import refresh_cookie
from service.api.middlewares.page_origin import allowed_origin, is_cross_origin

PREFLIGHT_AGE_S: Final = 600
EXPOSED_HEADERS: Final = (
    "Accept-Patch, Allow, Content-Disposition, ETag, Location, Retry-After, WWW-Authenticate, "
    "X-Request-Id"
)
# What clients of this API send.
OWN_HEADERS: Final = (
    "Accept", "Accept-Language", "Authorization", "Cache-Control", "Content-Encoding",
    "Content-Language", "Content-Type", "Idempotency-Key", "If-Match", "If-Modified-Since",
    "If-None-Match", "If-Unmodified-Since", "Pragma", "Prefer", "X-Correlation-Id", "X-Request-Id",
)  # fmt: skip
# What libraries add to every call: HTTP clients, and AWS's when they sign.
CLIENT_HEADERS: Final = (
    "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "X-Amz-Content-Sha256", "X-Amz-Date",
    "X-Amz-Security-Token", "X-Amz-User-Agent", "X-Api-Key", "X-CSRF-Token", "X-Requested-With",
    "X-XSRF-TOKEN",
)  # fmt: skip
# What browser SDKs for traces add: W3C and OpenTelemetry, Sentry, Datadog, X-Ray and CloudWatch RUM,
# Zipkin, New Relic, Elastic, Jaeger, Application Insights, Google, Lightstep, SkyWalking, Dynatrace,
# Instana, Honeycomb, AppDynamics, Highlight, LogRocket, PostHog.
TRACE_HEADERS: Final = (
    "traceparent", "tracestate", "baggage",
    "sentry-trace",
    "x-datadog-origin", "x-datadog-parent-id", "x-datadog-sampled", "x-datadog-sampling-priority",
    "x-datadog-tags", "x-datadog-trace-id",
    "X-Amzn-Trace-Id",
    "b3", "x-b3-flags", "x-b3-parentspanid", "x-b3-sampled", "x-b3-spanid", "x-b3-traceid",
    "newrelic",
    "elastic-apm-traceparent",
    "jaeger-baggage", "jaeger-debug-id", "uber-trace-id",
    "Request-Context", "Request-Id",
    "X-Cloud-Trace-Context",
    "ot-tracer-sampled", "ot-tracer-spanid", "ot-tracer-traceid",
    "sw8", "sw8-correlation",
    "x-dtc", "x-dtpc", "x-dtreferer",
    "x-instana-l", "x-instana-s", "x-instana-t",
    "x-honeycomb-trace",
    "adrum",
    "x-highlight-request",
    "x-logrocket-url",
    "x-posthog-distinct-id", "x-posthog-session-id", "x-posthog-window-id",
)  # fmt: skip
ALLOWED_HEADERS: Final = (*OWN_HEADERS, *CLIENT_HEADERS, *TRACE_HEADERS)
MAX_LOGGED_CHARACTERS: Final = 255


class Cors:
    """Lets pages of the allowed origins read the responses of *app*."""

    def __init__(self, app: web.Application) -> None:
        self._may_allow = bool(app[keys.CONFIG].cors.allowed_origins or app[keys.PLAIN_LOCALHOST])

    def allowed_page(self, request: web.Request) -> str | None:
        """Return the origin of the page that sent a request if it is allowed; log one that is not."""
        if hdrs.ORIGIN not in request.headers:
            return None
        origin = allowed_origin(request)
        if origin is None and is_cross_origin(request):
            _log_refused_origin(request)
        return origin

    def preflight(self, request: web.Request, origin: str | None) -> web.StreamResponse | None:
        """Return the response to a preflight of an allowed page, None for other requests."""
        if origin is None or request.method != hdrs.METH_OPTIONS:
            return None
        requested_method = request.headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
        if requested_method is None:
            return None
        return _preflight(request, origin, requested_method)

    def complete(
        self, request: web.Request, response: web.StreamResponse, origin: str | None
    ) -> None:
        """Add the headers by which the page of an allowed *origin* may read the response."""
        if not self._may_allow:
            return
        response.headers.add(hdrs.VARY, hdrs.ORIGIN)
        if origin is not None:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = EXPOSED_HEADERS
            if refresh_cookie.is_sent_to(request):
                response.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"


def _preflight(request: web.Request, origin: str, requested_method: str) -> web.Response:
    method = requested_method if requested_method in hdrs.METH_ALL else hdrs.METH_GET
    allowed = (*ALLOWED_HEADERS, *request.app[keys.CONFIG].cors.allowed_headers)
    known = {name.lower() for name in allowed}
    refused = {
        name.strip().lower()
        for value in request.headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ())
        for name in value.split(",")
    } - {*known, ""}
    if refused:
        headers = _shown(refused)
        if request.app[keys.REFUSED_PAGES].admits((origin, headers)):
            setting = "[cors] allowed-headers"
            log = request.app[keys.LOG]()
            log.info("cors_headers_refused", origin=origin, headers=headers, setting=setting)
    return web.Response(
        status=HTTPStatus.NO_CONTENT,
        headers={
            hdrs.ACCESS_CONTROL_ALLOW_METHODS: method,
            hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ", ".join(allowed),
            hdrs.ACCESS_CONTROL_MAX_AGE: str(PREFLIGHT_AGE_S),
        },
    )


def _log_refused_origin(request: web.Request) -> None:
    origin = _shown(request.headers.getall(hdrs.ORIGIN))
    if request.app[keys.REFUSED_PAGES].admits(origin):
        host, setting = _shown([request.headers.get(hdrs.HOST, "")]), "[cors] allowed-origins"
        log = request.app[keys.LOG]()
        log.info("cors_origin_refused", origin=origin, host=host, setting=setting)


def _shown(values: Iterable[str]) -> str:
    return ", ".join(sorted(values))[:MAX_LOGGED_CHARACTERS]
