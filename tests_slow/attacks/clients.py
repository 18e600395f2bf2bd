"""Hostile clients, each of one kind: an endless sequence of rounds on new connections."""

import asyncio
import base64
import gzip
import json
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final, TypeAlias

Count: TypeAlias = Callable[[], None]

JSON: Final = b"Content-Type: application/json\r\n"
PATIENCE_S: Final = 15.0
BOMB_BYTES: Final = 260_000  # within the limit of a body
INFLATED_BYTES: Final = 255_000_000
WINDOW_BYTES: Final = 4_096
SLOW_CONNECTIONS: Final = 100
UNREAD_CONNECTIONS: Final = 100
PIPELINED: Final = 3


def _request(method: bytes, target: bytes, fields: bytes = b"", body: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body) if body else b""
    head = method + b" " + target + b" HTTP/1.1\r\nHost: localhost\r\n"
    return head + fields + length + b"\r\n" + body


async def _exchange(host: str, port: int, request: bytes) -> None:
    """Send a request on a new connection and read the header of its response."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        async with asyncio.timeout(PATIENCE_S):
            writer.write(request)
            await writer.drain()
            await reader.readuntil(b"\r\n\r\n")
    finally:
        writer.transport.abort()


async def _rounds(host: str, port: int, count: Count, requests: Iterator[bytes]) -> None:
    for request in requests:
        with suppress(OSError, asyncio.IncompleteReadError):  # refused while it was sent
            await _exchange(host, port, request)
        count()


async def odd_targets(host: str, port: int, count: Count) -> None:
    """Send request targets that are refused."""

    def requests() -> Iterator[bytes]:
        while True:
            for target in (
                b"/%76%31/user/profile",
                b"/v1/user/profile#x",
                b"ftp://other/v1/user/profile",
                b"/" + b"%61" * 2_000,
                b"/.." * 2_000,
                b"/" + b"a." * 4_000 + b"/",
            ):
                yield _request(b"GET", target)

    await _rounds(host, port, count, requests())


def _encoded(value: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


async def bad_tokens(host: str, port: int, count: Count) -> None:
    """Send tokens: garbage, deep and long ones, and ones with unknown key ids."""

    def requests() -> Iterator[bytes]:
        now = int(time.time())  # noqa: TID251 -- the service reads the machine's clock
        claims: dict[str, object] = {
            "sub": "mallory",
            "iss": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_x",
            "client_id": "x",
            "token_use": "access",
            "iat": now,
            "exp": now + 600,
        }
        deep = base64.urlsafe_b64encode(b"[" * 6_000).decode().rstrip("=")
        while True:
            header = _encoded({"alg": "RS256", "kid": uuid.uuid4().hex})
            for token in (
                "garbage",
                "a.b.c",
                "a" * 16_000,
                f"{header}.{_encoded(claims)}.{'A' * 342}",
                f"{header}.{deep}.{'A' * 342}",
                f"{header}.{_encoded({'exp': 10**4_000})}.{'A' * 342}",
            ):
                bearer = f"Authorization: Bearer {token}\r\n".encode()
                yield _request(b"DELETE", b"/api/auth/me", bearer)
                yield _request(b"GET", b"/v1/user/profile", bearer)

    await _rounds(host, port, count, requests())


async def unicode_bombs(host: str, port: int, count: Count) -> None:
    """Send runs of unsorted combining marks, on which normalisation takes quadratic time (V1)."""
    marks = "a" + "\u0301" * 65_000 + "\u0327" * 64_000
    answer = {"name": "WEB_AUTHN", "session": "s" * 32, "username": "u"}
    body = json.dumps({**answer, "answer": {"credential": marks}}, ensure_ascii=False).encode()
    packed = gzip.compress(body)

    def requests() -> Iterator[bytes]:
        while True:
            yield _request(b"POST", b"/api/auth/challenge", JSON, body[:BOMB_BYTES])
            fields = JSON + b"Content-Encoding: gzip\r\n"
            yield _request(b"POST", b"/api/auth/challenge", fields, packed)

    await _rounds(host, port, count, requests())


async def gzip_bombs(host: str, port: int, count: Count) -> None:
    """Send bodies that inflate to 255 MB, to routes that read a body and to those that do not (V2)."""
    bomb = gzip.compress(bytes(INFLATED_BYTES))  # 248 KB: less than the largest body
    fields = JSON + b"Content-Encoding: gzip\r\n"

    def requests() -> Iterator[bytes]:
        while True:
            yield _request(b"POST", b"/api/auth/challenge", fields, bomb)
            yield _request(b"POST", b"/nothing", fields, bomb)
            yield _request(b"GET", b"/health/live", fields, bomb)
            yield _request(b"PUT", b"/v1/user/profile", fields, bomb)

    await _rounds(host, port, count, requests())


async def endless_bodies(host: str, port: int, count: Count) -> None:
    """Send a body without end to a route that reads none (W10)."""
    piece = bytes(262_144)
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(_request(b"GET", b"/health/live", b"Transfer-Encoding: chunked\r\n"))
        await reader.readuntil(b"\r\n\r\n")
        count()
        while True:
            writer.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            await writer.drain()
    finally:
        writer.transport.abort()


async def deep_bodies(host: str, port: int, count: Count) -> None:
    """Send JSON that is deep, wide or made of long numbers."""
    bodies = (
        b'{"username":' + b"[" * 100_000,
        json.dumps({"attributes": {f"a{number}": "x" for number in range(10_000)}}).encode(),
        b'{"username":' + b"9" * 200_000 + b"}",
        b'{"username":"a","username":"b"}' * 5_000,
    )

    def requests() -> Iterator[bytes]:
        while True:
            for body in bodies:
                yield _request(b"POST", b"/api/auth/signup", JSON, body)

    await _rounds(host, port, count, requests())


async def slow_senders(host: str, port: int, count: Count) -> None:
    """Send the headers of many requests byte by byte, and bodies that never end."""

    async def trickle(begin: bytes) -> None:
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection(host, port)
                writer.write(begin)
                while not writer.is_closing():
                    await asyncio.sleep(0.5)
                    writer.write(b"a")
                    await writer.drain()
                    count()

    header = b"GET /v1/user/profile HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
    body = _request(b"POST", b"/api/auth/login", JSON + b"Content-Length: 100000\r\n")
    await asyncio.gather(*(trickle(begin) for begin in (header, body) * (SLOW_CONNECTIONS // 2)))


async def slow_readers(host: str, port: int, count: Count) -> None:
    """Request large files by small receive windows and never read the responses (V3)."""
    asset = _request(b"GET", b"/docs/swagger-ui-bundle.js") * PIPELINED

    async def request() -> None:
        while True:
            with suppress(OSError), await unread(host, port, asset):
                count()
                await asyncio.sleep(2 * PATIENCE_S)  # longer than any server should wait

    await asyncio.gather(*(request() for _ in range(UNREAD_CONNECTIONS)))


async def unread(host: str, port: int, request: bytes) -> socket.socket:
    """Return a client with a small receive window that has sent as much of *request* as was taken."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WINDOW_BYTES)
    client.settimeout(0)
    await asyncio.get_running_loop().sock_connect(client, (host, port))
    with suppress(BlockingIOError, ConnectionError):  # ConnectionError: beyond the limit
        while request:
            request = request[client.send(request) :]
    return client


async def pipeliners(host: str, port: int, count: Count) -> None:
    """Send hundreds of requests at once on one connection, and read slowly."""
    burst = _request(b"GET", b"/health/live") * 500
    while True:
        with suppress(OSError, asyncio.IncompleteReadError):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(burst)
            async with asyncio.timeout(PATIENCE_S):
                for _ in range(500):
                    await reader.readuntil(b"\r\n\r\n")
            writer.transport.abort()
        count()


ALL: Final = (
    odd_targets,
    bad_tokens,
    unicode_bombs,
    gzip_bombs,
    endless_bodies,
    deep_bodies,
    slow_senders,
    slow_readers,
    pipeliners,
)
