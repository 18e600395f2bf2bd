"""A server for any AWS JSON service that answers real clients with bytes that a test says."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

HANG: Final = None  # send no answer
HANG_UP: Final = b""  # close the connection without an answer


def answer(value: object, status: int = 200) -> bytes:
    """Return a response with *value* as JSON."""
    return raw(json.dumps(value).encode(), status)


def refusal(name: str, status: int = 400, **details: object) -> bytes:
    """Return an exception of AWS's JSON protocol."""
    return answer({"__type": name, **details}, status)


def raw(body: bytes, status: int = 200, *, length: int | None = None) -> bytes:
    """Return a response with these bytes; *length* replaces the true Content-Length."""
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        "Content-Type: application/x-amz-json-1.1\r\n"
        f"Content-Length: {len(body) if length is None else length}\r\n\r\n"
    )
    return head.encode() + body


@dataclass(slots=True)
class ScriptedAws:
    """Its URL, and the headers, calls and bodies that were received; *news* is notified of each."""

    url: str
    heads: list[dict[str, str]] = field(default_factory=list)
    requests: list[tuple[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)
    _left: list[bytes | None] = field(default_factory=list)

    def plan(self, *answers: bytes | None) -> None:
        """Forget what was received; answer with *answers* in turn from now on, repeating the last."""
        self._left = list(answers)
        self.heads.clear()
        self.requests.clear()
        self.bodies.clear()

    def next_answer(self) -> bytes | None:
        """Return the answer to the next request."""
        return self._left.pop(0) if len(self._left) > 1 else self._left[0]

    @property
    def operations(self) -> list[str]:
        """The operations that were called, in order."""
        return [operation for operation, _ in self.requests]


def url_of(bound: socket.socket) -> str:
    """Return the URL of a socket; if it is bound but does not listen, it refuses connections."""
    host, port = bound.getsockname()
    return f"http://{host}:{port}"


@asynccontextmanager
async def scripted_server(
    *answers: bytes | None, on: socket.socket | None = None
) -> AsyncIterator[ScriptedAws]:
    """Serve *answers* in turn on loopback, repeating the last; *on* is a bound socket."""
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await _head(reader):
                length = int(head.get("content-length", "0"))
                sent = await reader.readexactly(length)
                body = json.loads(sent or b"null")
                async with aws.news:
                    aws.heads.append(head)
                    aws.bodies.append(sent)
                    aws.requests.append((head["x-amz-target"].partition(".")[2], body))
                    aws.news.notify_all()
                text = aws.next_answer()
                if text is HANG:
                    await asyncio.Event().wait()
                    continue
                writer.write(text)
                if text == HANG_UP or not _complete(text):
                    return
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    bound = on or socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(accept, sock=bound)
    aws = ScriptedAws(url_of(bound))
    aws.plan(*answers)
    try:
        yield aws
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()


async def _head(reader: asyncio.StreamReader) -> dict[str, str]:
    """Return the headers of the next request; empty if the client has closed the connection."""
    try:
        text = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return {}
    lines = text.strip().splitlines()[1:]
    return {
        name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }


def _complete(text: bytes) -> bool:
    """Return whether a response is as long as its Content-Length."""
    head, _, body = text.partition(b"\r\n\r\n")
    return f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"
