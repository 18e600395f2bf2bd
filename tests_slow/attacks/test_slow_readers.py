"""Clients that request much and read nothing, on more connections than may be open."""

import asyncio
import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import aiohttp
import pytest

from tests_slow.attacks.clients import unread
from tests_slow.attacks.target import Resources, Target, serve_process

CLIENTS: Final = 2_100  # the default max-connections is 2,000
GONE_WITHIN_S: Final = 20.0
MAX_BYTES: Final = 300_000_000
PACE_BYTES_PER_S: Final = 180_000  # sixteen times the minimum
WRITE_TIMEOUT_S: Final = 6.0  # the default
OWN_FILES: Final = 10  # connections that the service may open meanwhile, to check its upstreams

GET: Final = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
BUNDLE: Final = GET % b"/docs/swagger-ui-bundle.js"
CLOSING: Final = BUNDLE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
BODY: Final = (
    b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    b"Content-Length: 260000\r\n\r\n" + b" " * 260_000
)
HEAVY: Final = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n%s\r\n" % (
    b"".join(b"X-%d: %s\r\n" % (number, b"x" * 10_000) for number in range(7))
)
REQUESTS: Final = {
    "files": BUNDLE * 3,
    "a file": BUNDLE,
    "documents": GET % b"/openapi.json" * 100,
    "bodies behind a file": BUNDLE + BODY * 4,
    "headers behind a file": BUNDLE + HEAVY * 20,
}


@pytest.fixture(autouse=True)
def _many_descriptors() -> Iterator[None]:
    """Allow this process, and the service that it starts, enough descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 8_192)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def target(resources: Resources, tmp_path: Path) -> Iterator[Target]:
    """Start `serve` for each test: memory that one has freed would hide what the next takes."""
    with serve_process(resources, tmp_path) as started:
        yield started


@pytest.mark.parametrize("kind", REQUESTS)
async def test_clients_that_never_read_are_gone_in_time(target: Target, kind: str) -> None:
    """They are gone within 20 s, use less than 300 MB, and others are served afterwards."""
    before_bytes, before_files = target.rss_bytes(), target.open_files()
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(await unread(target.host, target.port, REQUESTS[kind]))
        begun = time.monotonic()
        took_s = 0.0
        most_bytes = most_files = 0
        while target.open_files() > before_files + OWN_FILES:
            most_bytes = max(most_bytes, target.rss_bytes() - before_bytes)
            most_files = max(most_files, target.open_files() - before_files)
            await asyncio.sleep(0.1)
            took_s = time.monotonic() - begun
            assert took_s < GONE_WITHIN_S, (most_bytes, target.open_files() - before_files)
        async with (
            aiohttp.ClientSession(target.url) as others,
            others.get("/v1/user/profile/schema") as answer,
        ):
            assert answer.status == 200

    print(f"{most_files} connections, {most_bytes / 1e6:.0f} MB, gone after {took_s:.1f} s")  # noqa: T201 -- the figures
    assert most_files > 1_000
    assert most_bytes < MAX_BYTES


async def test_client_that_reads_slowly_gets_the_complete_response(target: Target) -> None:
    """A long response may take longer than `write-timeout-s`, within which each part must be read."""
    loop = asyncio.get_running_loop()
    received = b""
    with await unread(target.host, target.port, CLOSING) as client:
        begun = loop.time()
        while part := await loop.sock_recv(client, 65_536):
            received += part
            await asyncio.sleep(begun + len(received) / PACE_BYTES_PER_S - loop.time())
    took_s = loop.time() - begun

    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert len(body) == length
    assert took_s > WRITE_TIMEOUT_S
