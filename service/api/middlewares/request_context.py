"""The request id, the context of log lines, and the log line of each request."""

import random
import re
import time
from collections.abc import Mapping, MutableMapping
from http import HTTPStatus

from aiohttp import hdrs, web
from multidict import CIMultiDict, istr

from service.api import keys

# A plain string would be put in lower case by each look-up.
REQUEST_ID_HEADER = istr("X-Request-Id")
TRACE_HEADER = istr("X-Amzn-Trace-Id")  # set by the load balancer

# Values that are safe in the log and in the response.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACE_ID = re.compile(r"[A-Za-z0-9=;:._-]{1,512}")
BAD = HTTPStatus.BAD_REQUEST  # the lowest status of an error

ANSWER_HEADERS: dict[str, str] = {
    hdrs.CACHE_CONTROL: "no-store",
    # For requests without CORS; pages of `[cors] allowed-origins` use CORS.
    istr("Cross-Origin-Resource-Policy"): "same-origin",
    hdrs.SERVER: "user-profile-service",  # aiohttp's reveals versions
    istr("X-Content-Type-Options"): "nosniff",
}


class RequestContext:
    """
    The request id, the log line and the metrics of each request of *app*.

    With *is_traced*, requests may have a trace id already.
    """

    def __init__(self, app: web.Application, *, is_traced: bool) -> None:
        self._is_traced = is_traced
        self._load = app[keys.SERVER_LOAD]
        self._metrics = app[keys.METRICS]
        self._log = app[keys.LOG]

    def begin(self, request: web.Request) -> dict[str, str]:
        """Give the request its id; return the fields of its log events."""
        request_id = _valid_header(request, REQUEST_ID_HEADER, _REQUEST_ID) or new_request_id()
        request[keys.REQUEST_ID] = request_id
        context = {"request_id": request_id}
        trace_id = request.get(keys.TRACE_ID) if self._is_traced else None
        trace_id = trace_id or _valid_header(request, TRACE_HEADER, _TRACE_ID)
        if trace_id is not None:
            context["trace_id"] = trace_id
        return context

    def finish(self, request: web.Request, response: web.StreamResponse, started_s: float) -> None:
        """
        Complete the response, log and count the request.

        A response's own headers override ANSWER_HEADERS. *started_s* is of time.perf_counter.
        """
        complete(response, request[keys.REQUEST_ID])
        if self._load.draining:
            response.force_close()
        duration_s = time.perf_counter() - started_s
        status = response.status
        resource = request.match_info.route.resource
        # never the path as sent, which may contain anything
        route = None if resource is None else resource.canonical
        self._metrics.request_finished(route, request.method, status, duration_s)
        details: dict[str, object] = {
            "method": request.method,
            "route": route,
            "status": status,
            "duration_ms": round(duration_s * 1_000_000) / 1_000,
            "peer": request.remote,
        }
        identity = request.get(keys.IDENTITY)
        if identity is not None:
            details["sub"] = identity.sub
            details["identity_source"] = identity.source
        elif keys.SERVICE_CALLER in request:
            details["client_id"] = request[keys.SERVICE_CALLER].client_id
        is_error = status >= BAD
        if is_error:
            details["code"] = response.get(keys.PROBLEM_CODE)
        # Health checks are frequent; only failed ones are logged at info.
        is_check = not is_error and request.path.startswith(keys.HEALTH_PREFIX)
        self._log.log_event("request_finished", "debug" if is_check else "info", details)


def new_request_id() -> str:
    """Return a unique request id."""
    return f"{random.getrandbits(128):032x}"


def complete(response: web.StreamResponse, request_id: str) -> None:
    """Add the headers of every response; those of `prepared` are there already."""
    headers = response.headers
    headers[REQUEST_ID_HEADER] = request_id
    if hdrs.SERVER not in headers:
        _add_answer_headers(headers)


def prepared(own: Mapping[str, str]) -> CIMultiDict[str]:
    """Return the headers of a kind of response with those that `complete` would add to each."""
    headers = CIMultiDict(own)
    _add_answer_headers(headers)
    return headers


def _add_answer_headers(headers: MutableMapping[str, str]) -> None:
    for name, value in ANSWER_HEADERS.items():
        headers.setdefault(name, value)
    if hdrs.ETAG in headers:  # or a proxy compresses the response, and changes its tag
        headers[hdrs.CACHE_CONTROL] += ", no-transform"


def _valid_header(request: web.Request, header: str, pattern: re.Pattern[str]) -> str | None:
    """Return the header's value if there is exactly one and it matches *pattern*."""
    copies = request.headers.getall(header, ())
    return copies[0] if len(copies) == 1 and pattern.fullmatch(copies[0]) else None
