"""A minimal HTTP/1.1 server for botocore, aiohttp and aiodynamo: keep-alive, prebuilt responses."""

import argparse
import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TypeAlias, cast

import uvloop

from bench.load.timer import Timer

# The head and the body of a request -> the whole answer.
Respond: TypeAlias = Callable[[bytes, bytes], bytes]

BACKLOG: Final = (
    1_024  # servers open hundreds of connections at once; a refused one is retried after a second
)
END: Final = b"\r\n\r\n"
CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
TARGET: Final = re.compile(rb"\r\nx-amz-target: *\w+\.(\w+)", re.IGNORECASE)


class Delay:
    """Sends each answer *delay_s* after it was given; made in a running loop."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._held: deque[tuple[float, asyncio.Transport, bytes]] = deque()
        self._timer = Timer(self._send_due)

    def send(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Hold the answer until its time."""
        due = time.perf_counter() + self._delay_s
        self._held.append((due, transport, answer))
        if len(self._held) == 1:
            self._timer.set(due)

    def close(self) -> None:
        """Send nothing more."""
        self._timer.close()

    def _send_due(self) -> None:
        while self._held:
            due, transport, answer = self._held[0]
            if due > time.perf_counter():
                self._timer.set(due)
                return
            self._held.popleft()
            transport.write(answer)


class Stub(asyncio.Protocol):
    """One connection; each response is sent after the *delay*, at once without one."""

    def __init__(self, respond: Respond, delay: Delay | None = None) -> None:
        self._respond = respond
        self._delay = delay
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio's promise for TCP

    def data_received(self, data: bytes) -> None:
        """Answer every complete request."""
        unread = self._unread + data if self._unread else data
        while (end := unread.find(END)) >= 0:
            length = CONTENT_LENGTH.search(unread, 0, end)
            after = end + len(END) + (int(length[1]) if length else 0)
            if len(unread) < after:
                break
            self._answer(self._respond(unread[:end], unread[end + len(END) : after]))
            unread = unread[after:]
        self._unread = unread

    def _answer(self, answer: bytes) -> None:
        if self._delay is None:
            self._transport.write(answer)
        else:
            self._delay.send(self._transport, answer)


def target(head: bytes) -> bytes:
    """Return the operation that a request to AWS names, or empty."""
    found = TARGET.search(head)
    return found[1] if found else b""


def path(head: bytes) -> bytes:
    """Return the path of a request."""
    return head.split(b" ", 2)[1]


def answer(body: bytes, content_type: str, *headers: str) -> bytes:
    """Return a response with status 200."""
    lines = [f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(["HTTP/1.1 200 OK", *lines, "", ""]).encode() + body


NOT_FOUND: Final = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"


async def serve(respond: Respond, *, port: int, delay_s: float) -> None:
    """Serve on loopback until the process ends; prints the port once it listens."""
    loop = asyncio.get_running_loop()
    delay = Delay(delay_s) if delay_s else None
    server = await loop.create_server(
        lambda: Stub(respond, delay), "127.0.0.1", port, backlog=BACKLOG
    )
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 -- the parent process reads this
    await server.serve_forever()


def arguments(description: str) -> argparse.ArgumentParser:
    """Return a parser for the arguments of all stubs."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 binds a free port")
    parser.add_argument("--delay-ms", type=float, default=0, help="delay of each answer")
    return parser


def run(respond: Respond, options: argparse.Namespace) -> None:
    """Serve with *options* of `arguments`."""
    uvloop.run(serve(respond, port=options.port, delay_s=options.delay_ms / 1_000))
