"""Upstreams that send without end: no more is read than an answer of theirs can have."""

import asyncio

import pytest

from service.aws import http_session
from service.domain.errors import UpstreamUnavailable
from tests.support.scripted_key_server import Answer, http, key_endpoint, ok, saying
from tests_slow.faults.requesting import CALLS, ask

MOST = 20_000
CHUNKED = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(autouse=True)
def _little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_session.BoundedResponse, "most_bytes", MOST)
    monkeypatch.setattr(http_session.BoundedItems, "most_bytes", MOST)


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer in chunks for as long as somebody reads them."""
    writer.write(CHUNKED)
    while True:
        writer.write(b"1000\r\n" + b" " * 4_096 + b"\r\n")
        await writer.drain()


def _chunked(body: bytes) -> Answer:
    return saying(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


@CALLS
@pytest.mark.parametrize(
    "answer", [saying(http(b"{", Content_Length=str(MOST + 1))), _endless], ids=["length", "chunks"]
)
async def test_answer_without_end_is_none(answer: Answer, upstream: str, transport: str) -> None:
    """One that says how long it is, is not even begun."""
    async with key_endpoint() as endpoint:
        endpoint.otherwise = answer
        with pytest.raises(UpstreamUnavailable):
            await ask(endpoint.url.rstrip("/"), upstream, transport)


@CALLS
@pytest.mark.parametrize("answer", [ok(b"{}"), _chunked(b"{}")], ids=["length", "chunks"])
async def test_other_answer_is_read(answer: Answer, upstream: str, transport: str) -> None:
    """However its length is told."""
    async with key_endpoint() as endpoint:
        endpoint.otherwise = answer
        await ask(endpoint.url.rstrip("/"), upstream, transport)
