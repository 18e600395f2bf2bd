"""Gives each request its id, binds what its log lines share, and writes its one line at the end."""

import random
import re
import time
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api import keys
from service.api.handlers.health import PREFIX as HEALTH
from service.observability import logs

REQUEST_ID_HEADER = "X-Request-Id"
TRACE_HEADER = "X-Amzn-Trace-Id"  # set by the load balancer

# What may be taken over into the log and the answer: nothing that could forge either.
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACE_ID = re.compile(r"[A-Za-z0-9=;:._-]{1,512}")
BAD = HTTPStatus.BAD_REQUEST  # the first status that is a refusal

ANSWER_HEADERS = {
    "Cache-Control": "no-store",
    # For embedding without CORS; it does not bind the pages that `[cors] allowed-origins` lists.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "user-profile-service",  # in place of aiohttp's, which tells versions
    "X-Content-Type-Options": "nosniff",
}


@web.middleware
async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Serve the request inside its context; an answer's own headers win over ANSWER_HEADERS."""
    started = time.perf_counter()
    request_id = _accepted(request, REQUEST_ID_HEADER, _REQUEST_ID) or new_request_id()
    request[keys.REQUEST_ID] = request_id
    context = {"request_id": request_id}
    trace_id = request.get(keys.TRACE_ID) or _accepted(request, TRACE_HEADER, _TRACE_ID)
    if trace_id is not None:
        context["trace_id"] = trace_id
    with logs.LogContext(context):
        response = await handler(request)
        complete(response, request_id)
        if request.app[keys.SERVER_LOAD].draining:
            response.force_close()
        _finished(request, response, duration_s=time.perf_counter() - started)
    return response


def new_request_id() -> str:
    """Return an id that no other request has."""
    return f"{random.getrandbits(128):032x}"


def complete(response: web.StreamResponse, request_id: str) -> None:
    """Give an answer the headers that every answer has."""
    response.headers[REQUEST_ID_HEADER] = request_id
    for name, value in ANSWER_HEADERS.items():
        response.headers.setdefault(name, value)


def _accepted(request: web.Request, header: str, pattern: re.Pattern[str]) -> str | None:
    """Return the header if there is one copy of it and it is as it should be."""
    copies = request.headers.getall(header, ())
    return copies[0] if len(copies) == 1 and pattern.fullmatch(copies[0]) else None


def _finished(request: web.Request, response: web.StreamResponse, *, duration_s: float) -> None:
    app, status = request.app, response.status
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else None  # never the path as sent
    app[keys.METRICS].request_finished(route, request.method, status, duration_s)
    details: dict[str, object] = {
        "method": request.method,
        "route": route,
        "status": status,
        "duration_ms": round(duration_s * 1_000, 3),
        "peer": request.remote,
    }
    if keys.IDENTITY in request:
        identity = request[keys.IDENTITY]
        details["sub"] = identity.sub
        details["identity_source"] = identity.source
    if status >= BAD:
        details["code"] = response.get(keys.PROBLEM_CODE)
    # A balancer and a container ask every few seconds; only their refusals are worth a line.
    elif request.path.startswith(HEALTH):
        app[keys.LOG]().debug("request_finished", **details)
        return
    app[keys.LOG]().info("request_finished", **details)
