"""Raw HTTP on a socket, for requests that no HTTP client sends."""

import asyncio
import io
import logging
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

import orjson
import structlog
from aiohttp import web

from service.config.settings import LogConfig
from service.observability import logs
from service.server.addresses import bound_sockets
from service.server.runner import Runner, Site
from tests.support.configs import configured

PATIENCE_S = 10.0
MOST_PIECES = 300  # of a long request; short ones are sent byte by byte


class Answer(NamedTuple):
    """A response, with header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """The code of a problem, or None for another response."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        code = orjson.loads(self.body)["code"]
        assert isinstance(code, str)
        return code


@dataclass(frozen=True, slots=True)
class Heard:
    """Everything received on a connection until the server closed it."""

    text: bytes

    @property
    def answers(self) -> list[Answer]:
        """The responses in order; a byte outside of them is an error."""
        answers, rest = [], self.text
        while rest:
            head, found, rest = rest.partition(b"\r\n\r\n")
            assert found, head
            first, *lines = head.decode("ascii").split("\r\n")
            status = int(first.split()[1])
            pairs = (line.split(": ", 1) for line in lines)
            headers = {name.lower(): value for name, value in pairs}
            length = int(headers.get("content-length", "0"))
            answers.append(Answer(status, headers, rest[:length]))
            rest = rest[length:]
        return answers


@asynccontextmanager
async def serving(app: web.Application, **settings: str) -> AsyncIterator[int]:
    """Serve *app* as the service does, with other server settings, and yield the port."""
    config = configured({"server": settings}).server
    runner = Runner(app, config, shutdown_timeout_s=1)
    await runner.setup()
    try:
        (bound,) = bound_sockets(["127.0.0.1"], 0, advice="", backlog=128)
        await Site(runner, bound, backlog=128).start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def exchange(port: int, *parts: bytes, answers: int = 1) -> Heard:
    """
    Send *parts*, each in its own packet, and read until the server closes the connection.

    When all is sent and *answers* responses have arrived, the client shuts down its sending side:
    a server that would keep the connection closes it then. A plain socket, because a stream loses
    received data when the server closes the connection during sending.
    """
    loop = asyncio.get_running_loop()
    with socket.socket() as client:
        client.settimeout(0)
        await loop.sock_connect(client, ("127.0.0.1", port))
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening = asyncio.create_task(_listen(client, answers))
        async with asyncio.timeout(PATIENCE_S):
            with suppress(OSError):  # the server closed first
                for part in parts:
                    await loop.sock_sendall(client, part)
                    await asyncio.sleep(0)  # lets a server on this loop read it
                if not answers:
                    client.shutdown(socket.SHUT_WR)
            return Heard(await listening)


async def _listen(client: socket.socket, answers: int) -> bytes:
    loop = asyncio.get_running_loop()
    heard = b""
    with suppress(ConnectionResetError):
        while part := await loop.sock_recv(client, 65_536):
            heard += part
            if _whole(heard) >= answers:
                with suppress(OSError):  # the server closed first
                    client.shutdown(socket.SHUT_WR)
    return heard


def _whole(heard: bytes) -> int:
    """Return the number of complete responses without `100 Continue`."""
    count = 0
    while True:
        head, found, rest = heard.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)\ncontent-length: (\d+)", head)
        size = int(length[1]) if length else 0
        if not found or len(rest) < size:
            return count
        count += not head.startswith(b"HTTP/1.1 100 ")
        heard = rest[size:]


async def until(condition: Callable[[], bool]) -> None:
    """Run the loop until *condition* holds, for which there is no event."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 -- aiohttp has no event for what tests ask here
            await asyncio.sleep(0.001)


def bytewise(request: bytes) -> list[bytes]:
    """Return the bytes of a request one by one, or a long one in larger parts."""
    size = -(-len(request) // MOST_PIECES)
    return [request[at : at + size] for at in range(0, len(request), size)]


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Write the log of all loggers and levels to a stream, in the format of production."""
    stream = io.StringIO()
    root = logging.getLogger()
    loggers = [root, *map(logging.getLogger, logs.QUIET_LOGGERS)]
    levels = [logger.level for logger in loggers]
    handlers = root.handlers[:]
    logs.configure(LogConfig(level="debug", format="json"), stream)
    for name in logs.QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    try:
        yield stream
    finally:
        root.handlers[:] = handlers
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        structlog.reset_defaults()
