"""
An HTTP client that sends each call once, on its own connection.

aiohttp's client repeats idempotent requests when a connection breaks; here only the service may repeat.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

PATIENCE_S = 20.0  # more than a request's deadline


class NeverSent(Exception):
    """The connection was refused."""


class NoAnswer(Exception):
    """The call was sent, at least in part, and no whole answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; *body* is its JSON, empty where there is none."""

    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


async def call(  # noqa: PLR0913 -- what a request is
    url: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Mapping[str, object] | None = None,
    *,
    hang_up_after_s: float | None = None,
) -> Answer:
    """Call, and stay for the answer no longer than *hang_up_after_s*; raises NeverSent, NoAnswer."""
    address = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
    except OSError as error:
        raise NeverSent from error
    try:
        async with asyncio.timeout(hang_up_after_s or PATIENCE_S):
            writer.write(_request(address.netloc, method, path, headers, body))
            await writer.drain()
            return _parsed(await reader.read())
    except (OSError, TimeoutError, ValueError) as error:
        raise NoAnswer from error
    finally:
        writer.close()


def _request(
    host: str,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Mapping[str, object] | None,
) -> bytes:
    payload = b"" if body is None else json.dumps(body).encode()
    lines = {"Host": host, "Connection": "close", **headers}
    if body is not None:
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(payload))}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + payload


def _parsed(text: bytes) -> Answer:
    """Return the answer; raises ValueError where it is not whole."""
    head, _, body = text.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    status = int(first.split(" ")[1]) if first else _not_whole()
    if len(body) != int(headers.get("content-length", "0")):
        _not_whole()
    return Answer(status, headers, json.loads(body) if body else {})


def _not_whole() -> int:
    raise ValueError("the answer is not whole")
