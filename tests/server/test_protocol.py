"""Refusals before the application, none of which repeats the bytes of a request."""

import asyncio
import gzip
import json
import socket
import time
from contextlib import suppress
from typing import Final, NamedTuple, cast

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler

from service.app import Adapters, create_app
from service.server import protocol, serve
from tests.api.raw_http import PATIENCE_S, bytewise, exchange, logged, serving, until
from tests.support.configs import configured, opening

MARKER: Final = b"SECRETMARKER"
LINE: Final = b"GET /v1/user/profile HTTP/1.1\r\n"
LIVE: Final = b"GET /health/live HTTP/1.1\r\n"
FIELDS: Final = b"Host: localhost\r\nCookie: session=" + MARKER + b"\r\n"
GET: Final = LINE + FIELDS
POST: Final = (
    LINE.replace(b"GET", b"POST")
    + FIELDS
    + b"x-amzn-oidc-identity: alice\r\nAuthorization: Bearer "
    + MARKER
    + b"\r\nContent-Type: application/json\r\n"
)
CHUNKED: Final = POST + b"Transfer-Encoding: chunked\r\n\r\n"
CHUNKS: Final = b"2\r\n{}\r\n0\r\n\r\n"
GZIP: Final = POST + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s"
ZIPPED: Final = gzip.compress(b'{"city": "Mumbai"}')


class Case(NamedTuple):
    """A request and the status of its response; *code* is None where it is served."""

    name: str
    request: bytes
    status: int
    code: str | None
    closes: bool


def _malformed(requests: dict[str, bytes]) -> list[Case]:
    return [
        Case(name, text, 400, "malformed_request", closes=True) for name, text in requests.items()
    ]


def _unidentified(requests: dict[str, bytes]) -> list[Case]:
    return [
        Case(name, text, 401, "not_authenticated", closes=True) for name, text in requests.items()
    ]


FRAMING: Final = _malformed(
    {
        "length and chunks": POST
        + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        + CHUNKS,
        "chunks and length": POST
        + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
        + CHUNKS,
        "two equal lengths": POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        "list of lengths": POST + b"Content-Length: 2, 2\r\n\r\n{}",
        "signed length": POST + b"Content-Length: +2\r\n\r\n{}",
        "negative length": POST + b"Content-Length: -2\r\n\r\n{}",
        "hexadecimal length": POST + b"Content-Length: 0x2\r\n\r\n{}",
        "length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n{}",
        "length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n{}",
        "empty length": POST + b"Content-Length: \r\n\r\n{}",
        "gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
        "chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
        "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
        "two Transfer-Encodings": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n" + CHUNKS,
        "xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
        "identity as Transfer-Encoding": POST + b"Transfer-Encoding: identity\r\n\r\n",
        "chunked after a vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
        "chunked in HTTP/1.0": CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0") + CHUNKS,
        "chunk size that is none": CHUNKED + b"zz\r\n" + MARKER,
        "negative chunk size": CHUNKED + b"-2\r\n{}\r\n0\r\n\r\n",
        "chunk size 0x2": CHUNKED + b"0x2\r\n{}\r\n0\r\n\r\n",
        "chunk size beyond 64 bits": CHUNKED + b"fffffffffffffffff\r\n" + MARKER,
        "chunk size and a space": CHUNKED + b"2 \r\n{}\r\n0\r\n\r\n",
        "chunk longer than its size": CHUNKED + b"2\r\n{}" + MARKER + b"\r\n0\r\n\r\n",
        "chunks with bare LF": CHUNKED + b"2\n{}\n0\n\n",
        "control byte in a chunk extension": CHUNKED + b"2;a=\x01\r\n{}\r\n0\r\n\r\n",
        "LF in a chunk extension": CHUNKED + b"2;a\n\r\n{}\r\n0\r\n\r\n",
        "second chunk that is none": CHUNKED + b"2\r\n{}\r\nSECRETMARKER\r\n",
        "trailer with a space in its name": CHUNKED + b"2\r\n{}\r\n0\r\na b: c\r\n\r\n",
        "trailers without end": CHUNKED + b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 200 + b"\r\n",
    }
)
START_LINE: Final = _malformed(
    {
        "HTTP/0.9 without its version": b"GET /" + MARKER + b"\r\n\r\n",
        "HTTP/0.9": LIVE.replace(b"1.1", b"0.9") + FIELDS + b"\r\n",
        "HTTP/1.2": LIVE.replace(b"1.1", b"1.2") + FIELDS + b"\r\n",
        "HTTP/1.10": LIVE.replace(b"1.1", b"1.10") + FIELDS + b"\r\n",
        "HTTP/2.0": LIVE.replace(b"1.1", b"2.0") + FIELDS + b"\r\n",
        "http in lower case": LIVE.replace(b"HTTP", b"http") + FIELDS + b"\r\n",
        "preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + MARKER,
        "hello of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + MARKER,
        "proxy protocol": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + GET + b"\r\n",
        "unknown method": MARKER + b" / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "method in lower case": LIVE.lower().replace(b"http", b"HTTP") + FIELDS + b"\r\n",
        "tabs between its parts": LIVE.replace(b" ", b"\t") + FIELDS + b"\r\n",
        "a space at its end": LIVE.replace(b"\r", b" \r") + FIELDS + b"\r\n",
        "bare LF": (GET + b"\r\n").replace(b"\r\n", b"\n"),
        "100 KB": b"GET /" + MARKER * 8_400 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "path that is not ASCII": b"GET /\xff" + MARKER + b" HTTP/1.1\r\n" + FIELDS + b"\r\n",
        "path without slash": b"GET " + MARKER + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "target with half an address": b"GET http://[" + MARKER + b"/ HTTP/1.1\r\n\r\n",
        "CONNECT": b"CONNECT localhost:443 HTTP/1.1\r\n" + FIELDS + b"\r\n" + MARKER,
        "CONNECT to a path": b"CONNECT /" + MARKER + b" HTTP/1.1\r\n" + FIELDS + b"\r\n",
    }
)
FIELD: Final = _malformed(
    {
        "no Host": LIVE + b"Cookie: " + MARKER + b"\r\n\r\n",
        "two Hosts": GET + b"Host: " + MARKER + b"\r\n\r\n",
        "Host with a space": LIVE + b"Host: a " + MARKER + b"\r\n\r\n",
        "Host with a user": LIVE + b"Host: a@" + MARKER + b"\r\n\r\n",
        "Host with a path": LIVE + b"Host: a/" + MARKER + b"\r\n\r\n",
        "Host that is not ASCII": LIVE + b"Host: \xc3\xa9" + MARKER + b"\r\n\r\n",
        "Host with half an address": LIVE + b"Host: [::1" + MARKER + b"\r\n\r\n",
        "NUL": GET + b"x-amzn-oidc-data: a\0" + MARKER + b"\r\n\r\n",
        "control byte": GET + b"x-amzn-oidc-accesstoken: " + MARKER + b"\x01\r\n\r\n",
        "escape": GET + b"x-amzn-oidc-data: \x1b[31m" + MARKER + b"\r\n\r\n",
        "DEL": GET + b"x-amzn-oidc-data: a\x7f" + MARKER + b"\r\n\r\n",
        "bare CR": GET + b"x-amzn-oidc-data: a\r" + MARKER + b"\r\n\r\n",
        "bare LF": GET + b"x-amzn-oidc-data: a\nx-amzn-oidc-identity: bob\r\n\r\n",
        "folded line": GET + b"x-amzn-oidc-data: a\r\n " + MARKER + b"\r\n\r\n",
        "space before the colon": GET + b"x-amzn-oidc-identity : " + MARKER + b"\r\n\r\n",
        "tab before the colon": GET + b"x-amzn-oidc-identity\t: " + MARKER + b"\r\n\r\n",
        "space before the first name": LIVE + b" " + FIELDS + b"\r\n",
        "no colon": GET + MARKER + b"\r\n\r\n",
        "no name": GET + b": " + MARKER + b"\r\n\r\n",
        "name that is not ASCII": GET + b"x-amzn-oidc-identity\xe9: a\r\n\r\n",
        "name with a bracket": GET + b"x-amzn-oidc-identity[]: a\r\n\r\n",
        "21 KB": GET + b"Cookie: " + b"a" * 21_000 + MARKER + b"\r\n\r\n",
        "name of 21 KB": GET + b"a" * 21_000 + MARKER + b": b\r\n\r\n",
        "130 fields": GET + b"a: b\r\n" * 128 + b"\r\n",
        "WebSocket of 2010": GET + b"Sec-WebSocket-Key1: " + MARKER + b"\r\n\r\n",
        "underscores": GET + b"x_amzn_oidc_identity: " + MARKER + b"\r\n\r\n",
        "an underscore": GET + b"X-Amzn-Oidc_Data: " + MARKER + b"\r\n\r\n",
        "underscores beside the right name": POST + b"x_amzn_oidc_identity: bob\r\n\r\n",
    }
)
CODING: Final = [
    *(
        Case(name, text, 415, "unsupported_media_type", closes=False)
        for name, text in {
            "unknown coding": POST + b"Content-Encoding: snappy\r\nContent-Length: 2\r\n\r\n{}",
            "coding without a library": POST
            + b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}",
            "coding twice in one field": GZIP.replace(b"gzip", b"gzip, gzip") % (2, b"{}"),
            "coding in two fields": POST
            + b"Content-Encoding: gzip\r\nContent-Encoding: identity\r\nContent-Length: 2\r\n\r\n{}",
        }.items()
    ),
    *(
        Case(name, text, 400, "malformed_request", closes=False)
        for name, text in {
            "body that is not gzip": GZIP % (12, MARKER),
            "gzip with something after it": GZIP % (len(ZIPPED) + 12, ZIPPED + MARKER),
        }.items()
    ),
    Case(
        "not gzip, in chunks",
        POST
        + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"c\r\n"
        + MARKER
        + b"\r\n0\r\n\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
]
IDENTITY: Final = _unidentified(
    {
        "identity twice": GET + b"x-amzn-oidc-identity: alice\r\n" * 2 + b"\r\n",
        "identity of two": GET
        + b"x-amzn-oidc-identity: alice\r\nX-AMZN-OIDC-IDENTITY: bob\r\n\r\n",
        "data twice": POST + b"x-amzn-oidc-data: a\r\nX-Amzn-Oidc-Data: a\r\n\r\n",
        "access token twice": POST + b"x-amzn-oidc-accesstoken: a\r\n" * 2 + b"\r\n",
        "Authorization twice": POST + b"authorization: Bearer " + MARKER + b"\r\n\r\n",
        "Authorization twice on a public path": LIVE
        + FIELDS
        + b"authorization: a\r\n" * 2
        + b"\r\n",
        "identity that is not ASCII": GET + b"x-amzn-oidc-identity: \xc3\xa9\r\n\r\n",
        "identity that is not UTF-8": GET + b"x-amzn-oidc-identity: " + MARKER + b"\xe9\r\n\r\n",
        "identity with a tab": GET + b"x-amzn-oidc-identity: a\t" + MARKER + b"\r\n\r\n",
        "data that is not ASCII": POST + b"x-amzn-oidc-data: \xc3\xa9\r\n\r\n",
        "Authorization that is not ASCII": GET
        + b"x-amzn-oidc-identity: alice\r\nAuthorization: Bearer \xc3\xa9\r\n\r\n",
    }
)
HARMLESS: Final = [
    Case("nobody", GET + b"\r\n", 401, "not_authenticated", closes=False),
    Case(
        "empty identity",
        GET + b"x-amzn-oidc-identity:\r\n\r\n",
        401,
        "not_authenticated",
        closes=False,
    ),
    Case(
        "another expectation",
        POST + b"Expect: " + MARKER + b"\r\n\r\n",
        400,
        "request_rejected",
        closes=True,
    ),
    Case(
        "HTTP/1.0 without Host",
        b"GET /health/live HTTP/1.0\r\nCookie: " + MARKER + b"\r\n\r\n",
        200,
        None,
        closes=False,
    ),
    Case(
        "another address as target",
        b"GET http://" + MARKER + b"/health/live HTTP/1.1\r\nHost: a\r\n\r\n",
        200,
        None,
        closes=False,
    ),
    Case(
        "another scheme as target",
        b"GET ftp://" + MARKER + b"/ HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case(
        "fragment",
        b"GET /health/live#" + MARKER + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case("empty Host", LIVE + b"Host:\r\nCookie: " + MARKER + b"\r\n\r\n", 200, None, closes=False),
    Case(
        "Host with an address",
        LIVE + b"Host: [::1]:80\r\nCookie: " + MARKER + b"\r\n\r\n",
        200,
        None,
        closes=False,
    ),
    Case("two spaces", LIVE.replace(b" ", b"  ", 1) + FIELDS + b"\r\n", 200, None, closes=False),
    Case("empty lines first", b"\r\n\r\n" + LIVE + FIELDS + b"\r\n", 200, None, closes=False),
    Case(
        "two slashes",
        b"GET //api/" + MARKER + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        404,
        "route_not_found",
        closes=False,
    ),
    Case(
        "encoded slash",
        GET.replace(b"/v1/", b"/v1%2F") + b"\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case(
        "encoded NUL",
        b"GET /%00" + MARKER + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case(
        "NUL after a path",
        LIVE.replace(b"live", b"live%00") + FIELDS + b"\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case(
        "half an encoded byte",
        b"GET /%z" + MARKER + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case(
        "way up",
        b"GET /docs/../health/live?" + MARKER + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case(
        "encoded way up",
        b"GET /docs/%2e%2e%2fapp.py?" + MARKER + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        400,
        "malformed_request",
        closes=True,
    ),
    Case(
        "asterisk",
        b"OPTIONS * HTTP/1.1\r\n" + FIELDS + b"\r\n",
        404,
        "route_not_found",
        closes=False,
    ),
    Case(
        "TRACE",
        LIVE.replace(b"GET", b"TRACE") + FIELDS + b"\r\n",
        405,
        "method_not_allowed",
        closes=False,
    ),
    Case(
        "unknown coding of nothing",
        LIVE + FIELDS + b"Content-Encoding: snappy\r\n\r\n",
        200,
        None,
        closes=False,
    ),
    Case(
        "upgrade",
        LIVE + FIELDS + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        200,
        None,
        closes=False,
    ),
    Case(
        "upgrade to HTTP/2",
        LIVE + FIELDS + b"Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
        200,
        None,
        closes=False,
    ),
    Case("gzip cut short", GZIP % (10, ZIPPED[:10]), 400, "malformed_request", closes=False),
    Case(
        "body of nothing",
        GET + b"Content-Length: 12\r\n\r\n" + MARKER,
        401,
        "not_authenticated",
        closes=False,
    ),
]
TABLE: Final = {
    "framing": FRAMING,
    "start line": START_LINE,
    "fields": FIELD,
    "coding": CODING,
    "identity": IDENTITY,
    "harmless": HARMLESS,
}


@pytest.fixture(name="app")
def _app(memory: Adapters) -> web.Application:
    return create_app(configured(), opening(memory))


async def _check(port: int, case: Case, parts: list[bytes]) -> None:
    """Send a request of the table and compare the response and the log with it."""
    assert MARKER in case.request
    with logged() as log:
        received = await exchange(port, *parts)

    (answer,) = received.answers
    assert (answer.status, answer.code) == (case.status, case.code)
    assert answer.headers["server"] == "user-profile-service"
    if case.closes:
        assert answer.headers["connection"] == "close"
    assert received.text.startswith(b"HTTP/1.")
    assert MARKER not in received.text
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["status"], line["request_id"]) == (case.status, answer.headers["x-request-id"])
    assert MARKER.decode() not in log.getvalue()
    assert "Traceback" not in log.getvalue()


async def _check_all(app: web.Application, cases: list[Case]) -> None:
    async with serving(app) as port:
        for case in cases:
            await _check(port, case, [case.request])
            await _check(port, case, bytewise(case.request))


@pytest.mark.parametrize("group", TABLE)
async def test_responses_are_those_of_the_table(app: web.Application, group: str) -> None:
    """
    Each request has one response and one log line, neither of which repeats it.

    It is sent at once, and then byte by byte.
    """
    await _check_all(app, TABLE[group])


@pytest.mark.parametrize("group", TABLE)
def test_responses_are_those_of_the_table_on_uvloop(app: web.Application, group: str) -> None:
    """On uvloop, which reads and closes differently, every response is the same."""
    serve.run(_check_all(app, TABLE[group]))


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize(
    "trailer",
    [b"x-amzn-oidc-identity: mallory", b"Content-Encoding: gzip", b"Authorization: a\r\nb: c"],
)
async def test_trailer_never_reaches_a_handler(
    app: web.Application, trailer: bytes, *, together: bool
) -> None:
    """
    A trailer is a header neither of its request nor of a next one, since the connection closes.

    aiohttp 3.14.5 puts the last trailer before the next request's headers. Behind a load balancer that
    may be another user's request.
    """
    parts = [CHUNKED + b"2\r\n{}\r\n0\r\n" + trailer + b"\r\n\r\n", GET + b"\r\n"]
    async with serving(app) as port:
        with logged() as log:
            received = await exchange(port, *([b"".join(parts)] if together else parts))

    (answer,) = received.answers
    assert (answer.status, answer.headers["connection"]) == (201, "close")
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["sub"] == "alice"


async def test_announced_trailer_is_ignored_too(app: web.Application) -> None:
    """A trailer announced by a Trailer header is ignored."""
    head = GET + b"Trailer: x-amzn-oidc-identity\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with serving(app) as port:
        received = await exchange(port, head + b"0\r\nx-amzn-oidc-identity: mallory\r\n\r\n")

    assert [answer.status for answer in received.answers] == [401]


@pytest.mark.parametrize("coding", [b"chunked", b"Chunked", b"\tchunked"])
async def test_chunked_body_is_served(app: web.Application, coding: bytes) -> None:
    """A chunked body is served, with extensions, and when it is sent byte by byte."""
    request = POST + b"Transfer-Encoding: " + coding + b"\r\n\r\n"
    body = b'3;a=b\r\n{"c\r\nf\r\nity": "Mumbai"}\r\n0\r\n\r\n'
    async with serving(app) as port:
        for parts in ([request + body], bytewise(request + body)):
            (answer,) = (await exchange(port, *parts)).answers
            assert json.loads(answer.body)["city"] == "Mumbai"


async def test_compressed_body_is_served(app: web.Application) -> None:
    """A body compressed by gzip is served."""
    async with serving(app) as port:
        (answer,) = (await exchange(port, GZIP % (len(ZIPPED), ZIPPED))).answers

    assert json.loads(answer.body)["city"] == "Mumbai"


async def test_expectation_is_met(app: web.Application) -> None:
    """A client that waits for 100 Continue gets it, and then the response."""
    head = POST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    async with serving(app) as port:
        received = await exchange(port, head, b"{}")

    assert [answer.status for answer in received.answers] == [100, 201]


async def test_large_headers_of_a_load_balancer_are_accepted(app: web.Application) -> None:
    """An access token of 11 KB and a session cookie in four shards of 4 KB are accepted."""
    shards = "; ".join(f"AWSELBAuthSessionCookie-{n}={'a' * 4_064}" for n in range(4))
    fields = {
        "x-amzn-oidc-accesstoken": "a" * 11 * 1_024,
        "x-amzn-oidc-data": "b" * 11 * 1_024,
        "x-amzn-oidc-identity": "alice",
        "Cookie": shards,
        **{f"x-{n}": "c" for n in range(100)},
    }
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    request = LINE + b"Host: localhost\r\n" + lines.encode() + b"\r\n"
    assert len(shards) > 16_000
    async with serving(app) as port:
        for parts in ([request], bytewise(request)):
            assert [a.code for a in (await exchange(port, *parts)).answers] == ["profile_not_found"]


async def test_request_before_garbage_is_answered(app: web.Application) -> None:
    """A request before garbage gets its response; then the connection is closed."""
    async with serving(app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LIVE + FIELDS + b"\r\n")
        first = await reader.readuntil(b"}")
        with logged() as log:
            writer.write(MARKER + b"\r\n")
            rest = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        await writer.wait_closed()

    assert first.startswith(b"HTTP/1.1 200 ")
    assert rest.startswith(b"HTTP/1.0 400 ")
    assert len(log.getvalue().splitlines()) == 1


class Bare:
    """An application without middlewares whose handlers fail in several ways."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.app = web.Application()
        for handler in (self.late, self.broken, self.half, self.nothing, self.deaf, self.slow):
            self.app.router.add_route("*", f"/{handler.__name__}", cast("Handler", handler))

    async def late(self, _: web.Request) -> web.Response:
        """Time out."""
        raise TimeoutError

    async def broken(self, _: web.Request) -> web.Response:
        """Fail."""
        raise RuntimeError("only for the log")

    async def half(self, request: web.Request) -> web.StreamResponse:
        """Fail after half a response."""
        response = web.StreamResponse(headers={"Content-Length": "9"})
        await response.prepare(request)
        await response.write(b"half")
        raise RuntimeError("only for the log")

    async def nothing(self, _: web.Request) -> None:
        """Return no response."""

    async def deaf(self, _: web.Request) -> web.Response:
        """Respond without reading the body."""
        return web.Response(text="done")

    async def slow(self, request: web.Request) -> web.Response:
        """Respond without reading the body once it is broken; for /slow?gone once the client is gone."""
        self.begun.set()
        await until(lambda: request.content.exception() is not None)
        if "gone" in request.query:
            await until(lambda: request.transport is None)
        return web.Response(text="done")


def _of(path: str, fields: bytes = b"") -> bytes:
    return f"POST /{path} HTTP/1.1\r\nHost: a\r\n".encode() + fields + b"\r\n"


@pytest.mark.parametrize(
    ("path", "status", "code", "event"),
    [
        ("late", 504, "deadline_exceeded", "request_timed_out"),
        ("broken", 500, "internal_error", "request_failed"),
    ],
)
async def test_failure_outside_the_middlewares_is_an_envelope(
    path: str, status: int, code: str, event: str
) -> None:
    """The response to a failure is a problem and closes; the log has the same request id."""
    async with serving(Bare().app) as port:
        with logged() as log:
            received = await exchange(port, _of(path))

    (answer,) = received.answers
    assert (answer.status, answer.code, answer.headers["connection"]) == (status, code, "close")
    assert b"only for the log" not in answer.body
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["event"], line["request_id"]) == (event, answer.headers["x-request-id"])


async def test_failure_during_a_response_truncates_it() -> None:
    """Half a response is not followed by another one: the client sees that it is truncated."""
    async with serving(Bare().app) as port:
        with logged() as log:
            received = await exchange(port, _of("half"))

    assert received.text.count(b"HTTP/1.") == 1
    assert received.text.endswith(b"half")
    (line,) = map(json.loads, log.getvalue().splitlines())
    assert line["event"] == "request_failed"


async def test_defect_that_aiohttp_finds_is_logged() -> None:
    """The message of aiohttp about a handler that returns nothing is logged."""
    async with serving(Bare().app) as port:
        with logged() as log:
            received = await exchange(port, _of("nothing"))

    assert [answer.status for answer in received.answers] == [500]
    assert "Missing return statement" in log.getvalue()


CHUNKED_FIELD: Final = b"Transfer-Encoding: chunked\r\n"


async def test_body_that_breaks_before_the_answer_ends_the_connection() -> None:
    """A malformed body does not affect a handler that reads none; its response is the only one."""
    bare = Bare()
    async with serving(bare.app) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(_of("slow", CHUNKED_FIELD) + b"1\r\n")
        await asyncio.wait_for(bare.begun.wait(), PATIENCE_S)
        writer.write(MARKER * 2)
        received = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
        await writer.wait_closed()

    assert received.count(b"HTTP/1.") == 1
    assert b"Connection: close\r\n" in received
    assert received.endswith(b"done")


async def test_body_that_breaks_after_the_response_is_not_logged() -> None:
    """The connection closes without a second response and without a line in the log."""
    async with serving(Bare().app) as port:
        with logged() as log:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(_of("deaf", CHUNKED_FIELD))
            received = await asyncio.wait_for(reader.readuntil(b"done"), PATIENCE_S)
            writer.write(MARKER * 2)
            with suppress(ConnectionResetError):
                received += await asyncio.wait_for(reader.read(), PATIENCE_S)
            writer.close()

    assert received.count(b"HTTP/1.") == 1
    assert log.getvalue() == ""


async def test_client_that_is_gone_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the body broke off and the client is gone, the connection ends at once."""
    monkeypatch.setattr(protocol, "HANG_UP_S", 10.0)
    bare = Bare()
    async with serving(bare.app) as port:
        with logged() as log, socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(_of("slow?gone", CHUNKED_FIELD) + b"1\r\n")
            await asyncio.wait_for(bare.begun.wait(), PATIENCE_S)
            client.sendall(MARKER * 2)
        before = time.monotonic()

    assert time.monotonic() - before < protocol.HANG_UP_S
    assert log.getvalue() == ""


async def test_connection_of_a_refused_client_is_closed(app: web.Application) -> None:
    """A refused client has a moment to read the response; then the connection is closed."""
    async with serving(app) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.settimeout(0)
            loop = asyncio.get_running_loop()
            await loop.sock_sendall(client, MARKER)
            received = b""
            while part := await asyncio.wait_for(loop.sock_recv(client, 65_536), PATIENCE_S):
                received += part
            assert received.startswith(b"HTTP/1.0 400 ")
            for _ in range(
                3
            ):  # the first would reset a connection that is closed, the next find it so
                await loop.sock_sendall(client, MARKER)
                await asyncio.sleep(0)
            with pytest.raises(OSError, match=r"reset|pipe"):  # noqa: PT012 -- sent until it is noticed
                async with asyncio.timeout(PATIENCE_S):
                    while True:
                        await loop.sock_sendall(client, MARKER)
                        await asyncio.sleep(0.01)
