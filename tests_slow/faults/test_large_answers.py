"""Upstreams with endless answers: the service reads no more than a bound."""

import asyncio

import pytest

from service.aws import http_session
from service.domain.errors import UpstreamUnavailable
from tests.support.scripted_key_server import Responder, http, key_endpoint, ok, saying
from tests_slow.faults.requesting import CALLS, ask

MOST = 20_000
CHUNKED = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def _little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_session.BoundedResponse, "max_bytes", MOST)
    monkeypatch.setattr(http_session.DynamoDBResponse, "max_bytes", MOST)


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send chunks for as long as the client reads."""
    writer.write(CHUNKED)
    while True:
        writer.write(b"1000\r\n" + b" " * 4_096 + b"\r\n")
        await writer.drain()


def _chunked(body: bytes) -> Responder:
    return saying(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


@CALLS
@pytest.mark.parametrize(
    "answer", [saying(http(b"{", Content_Length=str(MOST + 1))), _endless], ids=["length", "chunks"]
)
async def test_endless_answer_is_refused(answer: Responder, upstream: str, transport: str) -> None:
    """Reading stops at the bound; with a longer Content-Length it does not even start."""
    async with key_endpoint() as endpoint:
        endpoint.otherwise = answer
        with pytest.raises(UpstreamUnavailable):
            await ask(endpoint.url.rstrip("/"), upstream, transport)


@CALLS
@pytest.mark.parametrize("answer", [ok(b"{}"), _chunked(b"{}")], ids=["length", "chunks"])
async def test_bounded_answer_is_read(answer: Responder, upstream: str, transport: str) -> None:
    """An answer within the bound is read, chunked or with a Content-Length."""
    async with key_endpoint() as endpoint:
        endpoint.otherwise = answer
        await ask(endpoint.url.rstrip("/"), upstream, transport)
