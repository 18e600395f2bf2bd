"""A key server on loopback that answers by path: truly, late, never, or with lies."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, TypeAlias

Answer: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

BYTE_EVERY_S: Final = 0.02  # the pace of `trickling`: each read succeeds, the whole takes minutes


def saying(answer: bytes) -> Answer:
    """Return what answers with these very bytes and hangs up."""

    async def answered(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    return answered


def http(body: bytes, status: int = 200, **headers: str) -> bytes:
    """Return an answer with *body*; headers' names are written with `_` for `-`."""
    named = {"Content_Length": str(len(body)), "Connection": "close", **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in named.items()]
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{''.join(lines)}\r\n".encode() + body


def ok(body: bytes) -> Answer:
    """Return what answers 200 with *body*."""
    return saying(http(body))


NOT_FOUND: Final = saying(http(b"<Error>NoSuchKey</Error>", 404))


def held(until: asyncio.Event, then: Answer) -> Answer:
    """Return what answers only when an event has come."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await until.wait()
        await then(reader, writer)

    return answered


async def hanging(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Answer nothing until the client hangs up."""
    await reader.read()


def trickling(body: bytes) -> Answer:
    """Return what answers truly, but byte by byte."""

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
    """What it answers, by path or to everything else, and the paths that were asked for."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, Answer] = {}
        self.otherwise: Answer = NOT_FOUND
        self.asked: list[str] = []
        self._news = asyncio.Condition()

    async def was_asked(self, times: int) -> None:
        """Wait until that many requests have come."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.asked) >= times)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode().removeprefix("/")
            async with self._news:
                self.asked.append(path)
                self._news.notify_all()
            await self.answers.get(path, self.otherwise)(reader, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has left
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
