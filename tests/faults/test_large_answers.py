"""Upstreams that send without end: no more is read than an answer of theirs can have."""

import asyncio

import pytest

from service import aws
from service.aws import translated
from service.domain.errors import UpstreamUnavailable
from service.transport import sessions
from tests.key_endpoint import Answer, KeyEndpoint, http, key_endpoint, ok, saying
from tests.stage import CREDENTIALS, NEVER_OPEN, configured

KEY = {"userId": {"S": "alice"}, "createdAt": {"S": "2026"}}
MOST = 20_000
CHUNKED = b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"

CALLS = pytest.mark.parametrize(
    ("upstream", "transport"), [("cognito", "fast"), ("dynamodb", "fast"), ("dynamodb", "botocore")]
)


@pytest.fixture(autouse=True)
def _little(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions.BoundedResponse, "most_bytes", MOST)
    monkeypatch.setattr(sessions.BoundedItems, "most_bytes", MOST)


async def _endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer in chunks for as long as somebody reads them."""
    writer.write(CHUNKED)
    while True:
        writer.write(b"1000\r\n" + b" " * 4_096 + b"\r\n")
        await writer.drain()


def _chunked(body: bytes) -> Answer:
    return saying(CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))


async def _ask(endpoint: KeyEndpoint, upstream: str, transport: str) -> None:
    there = {"endpoint-url": endpoint.url.rstrip("/")}
    settings = {"aws.cognito": there, "aws.dynamodb": {**there, "transport": transport}}
    async with (
        asyncio.timeout(20),
        aws.clients(configured(settings, NEVER_OPEN), CREDENTIALS) as clients,
    ):
        with translated({}):
            if upstream == "cognito":
                await clients.cognito.list_user_pools(MaxResults=1)
            else:
                await clients.dynamodb.get_item(TableName="t", Key=KEY)


@CALLS
@pytest.mark.parametrize(
    "answer", [saying(http(b"{", Content_Length=str(MOST + 1))), _endless], ids=["length", "chunks"]
)
async def test_answer_without_end_is_none(answer: Answer, upstream: str, transport: str) -> None:
    """One that says how long it is, is not even begun."""
    async with key_endpoint() as endpoint:
        endpoint.otherwise = answer
        with pytest.raises(UpstreamUnavailable):
            await _ask(endpoint, upstream, transport)


@CALLS
@pytest.mark.parametrize("answer", [ok(b"{}"), _chunked(b"{}")], ids=["length", "chunks"])
async def test_other_answer_is_read(answer: Answer, upstream: str, transport: str) -> None:
    """However its length is told."""
    async with key_endpoint() as endpoint:
        endpoint.otherwise = answer
        await _ask(endpoint, upstream, transport)
