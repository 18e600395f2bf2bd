"""A key server on loopback that answers each path as a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

Responder: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

BYTE_EVERY_S: Final = 0.02  # of `trickling`: each read succeeds, the whole answer takes minutes


def saying(answer: bytes) -> Responder:
    """Return a responder that sends these bytes and closes the connection."""

    async def answered(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return answered


def http(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Return a response with *body*; in header names, `_` stands for `-`."""
    named = {"Content_Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items()]
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{''.join(lines)}\r\n".encode() + body


def ok(body: bytes) -> Responder:
    """Return a responder that sends 200 with *body*."""
    return saying(http(body))


NOT_FOUND: Final = saying(http(b"<Error>NoSuchKey</Error>", 404))


def held(until: asyncio.Event, then: Responder) -> Responder:
    """Return a responder that waits for an event first."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until.wait()
        await then(reader, writer)

    return answered


async def hanging(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Send nothing until the client closes the connection."""
    await reader.read()


def trickling(body: bytes) -> Responder:
    """Return a responder that sends the right response byte by byte."""

    async def answered(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in http(body):
            writer.write(bytes((byte,)))
            await writer.drain()
            await asyncio.sleep(BYTE_EVERY_S)

    return answered


async def resetting(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Reset the connection."""
    writer.transport.abort()


class ScriptedKeyServer:
    """The responders by path, the default, and the paths that were requested."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Responder] = {}
        self.otherwise: Responder = NOT_FOUND
        self.asked: list[str] = []
        self._news = asyncio.Condition()

    async def was_asked(self, times: int) -> None:
        """Wait until that many requests have been received."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.asked) >= times)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode().removeprefix("/")
            async with self._news:
                self.asked.append(path)
                self._news.notify_all()
            await self.answers.get(path, self.otherwise)(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has closed the connection
        finally:
            writer.close()


@asynccontextmanager
async def key_endpoint() -> AsyncIterator[ScriptedKeyServer]:
    """Serve on loopback."""
    endpoint = ScriptedKeyServer()
    connections: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(endpoint.serve(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    endpoint.url = f"http://{host}:{port}/"
    try:
        yield endpoint
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()
