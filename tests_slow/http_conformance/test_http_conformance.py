"""Each raw request, whole or in pieces, gets a valid response and one log line."""

import asyncio
import json

import pytest
from aiohttp import web

from service.app import Adapters, create_app
from service.server import serve
from tests.api.raw_http import Heard, bytewise, exchange, logged, serving, until
from tests.support.configs import configured, opening
from tests_slow.http_conformance.requests import KINDS, MARKER, MAX_BODY_BYTES, Request

HEALTHY = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
KNOWN = (  # so that the requests write to an existing profile
    b"POST /v1/user/profile HTTP/1.1\r\nHost: localhost\r\nx-amzn-oidc-identity: alice\r\n"
    b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
)


@pytest.fixture(name="app")
def _app(memory: Adapters) -> web.Application:
    settings = {
        "server": {"max-body-bytes": str(MAX_BODY_BYTES)},
        "auth": {"answer-floor-ms": "0"},
    }
    return create_app(configured(settings), opening(memory))


async def _sent(port: int, request: Request, parts: list[bytes]) -> tuple[int, ...]:
    """Send a request, check every response and log line; return the statuses."""
    final = [status for status in request.statuses if status != 100]
    with logged() as log:
        heard = await exchange(port, *parts, answers=len(final))
    statuses = _statuses(heard)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]

    assert MARKER in request.text, request.name
    assert MARKER not in heard.text, request.name
    assert MARKER.decode() not in log.getvalue(), request.name
    assert "Traceback" not in log.getvalue(), request.name
    about_requests = [line for line in lines if line["event"] != "cors_origin_refused"]
    assert len(about_requests) <= max(1, len(statuses)), request.name
    return statuses


def _statuses(heard: Heard) -> tuple[int, ...]:
    """Return the statuses of the responses, each of which must be the service's own."""
    for answer in heard.answers:
        if answer.status == 100:
            continue
        assert answer.headers["server"] == "user-profile-service"
        assert "x-request-id" in answer.headers
        assert (answer.code is None) == (answer.status < 400)
        assert answer.status < 500
    return tuple(answer.status for answer in heard.answers)


async def _check(app: web.Application, kind: str) -> None:
    async with serving(app) as port:
        tasks = len(asyncio.all_tasks())
        await exchange(port, KNOWN)
        for request in KINDS[kind]:
            expected = {request.statuses, request.at_once or request.statuses}
            for parts in ([request.text], bytewise(request.text)):
                statuses = await _sent(port, request, parts)
                assert statuses in expected, request.name
        assert _statuses(await exchange(port, HEALTHY)) == (200,)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)


@pytest.mark.parametrize("kind", KINDS)
async def test_responses_are_as_listed(app: web.Application, kind: str) -> None:
    """Each request has its responses whether it arrives whole or in pieces; they echo nothing of it."""
    await _check(app, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_responses_are_the_same_on_uvloop(app: web.Application, kind: str) -> None:
    """uvloop, which production uses, reads and closes in its own way."""
    serve.run(_check(app, kind))


def test_requests_are_many_and_distinct() -> None:
    """No kind is empty, and no request occurs twice."""
    requests = [request for kind in KINDS.values() for request in kind]

    assert len(requests) >= 400
    assert len({request.name for request in requests}) == len(requests)
    assert len({request.text for request in requests}) == len(requests)
