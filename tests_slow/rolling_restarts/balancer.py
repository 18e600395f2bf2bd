"""
A minimal load balancer: round robin over the ready processes, without retries.

It keeps its connections, as an ALB and nginx do, and learns of a process only by its readiness check. A
request that a process does not answer is a 502; nginx would retry some of them elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests_slow.rolling_restarts.http_stream import Message, NoMessage, received

CHECK_EVERY_S = 0.1
CHECK = b"GET /health/ready HTTP/1.1\r\nHost: balancer\r\nConnection: close\r\n\r\n"
NOBODY = Message("HTTP/1.1 503 Service Unavailable", {"content-length": "0"}, b"")
LOST = Message("HTTP/1.1 502 Bad Gateway", {"content-length": "0"}, b"")

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(eq=False, slots=True)
class Backend:
    """A process, and the idle connections to it."""

    host: str
    port: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    idle: list[Streams] = field(default_factory=list)

    async def asked(self, request: Message) -> Message:
        """Forward a request; raises NoMessage, OSError."""
        reader, writer = await self._connection()
        try:
            writer.write(bytes(request))
            answer = await received(reader)
        except BaseException:
            writer.close()
            raise
        if answer.closes:
            writer.close()
        else:
            self.idle.append((reader, writer))
        return answer

    async def check(self) -> None:
        """Update whether it is ready."""
        try:
            reader, writer = await asyncio.open_connection(self.host, self.port)
        except OSError:
            self.ready.clear()
            return
        try:
            writer.write(CHECK)
            ready = (await received(reader)).status == 200
        except NoMessage:
            ready = False
        finally:
            writer.close()
        (self.ready.set if ready else self.ready.clear)()

    def hang_up(self) -> None:
        """Close the idle connections."""
        while self.idle:
            self.idle.pop()[1].close()

    async def _connection(self) -> Streams:
        while self.idle:
            reader, writer = self.idle.pop()
            if not reader.at_eof():
                return reader, writer
            writer.close()
        return await asyncio.open_connection(self.host, self.port)


class Balancer:
    """Forwards requests to its *backends*, which are added and removed."""

    def __init__(self) -> None:
        self.backends: list[Backend] = []
        self.port = 0
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, host: str, port: int) -> Backend:
        """Forward requests to another process once it is ready."""
        backend = Backend(host, port)
        self.backends.append(backend)
        await backend.ready.wait()
        return backend

    def remove(self, backend: Backend) -> None:
        """Remove a process."""
        self.backends.remove(backend)
        backend.hang_up()

    async def check(self) -> None:
        """Check the readiness of all processes, repeatedly."""
        while True:
            await asyncio.gather(*(backend.check() for backend in self.backends))
            await asyncio.sleep(CHECK_EVERY_S)

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a client."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Close all connections."""
        for task in (tasks := [*self._tasks]):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for backend in self.backends:
            backend.hang_up()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(bytes(await self._answer(await received(reader))))
        except NoMessage:
            return  # the client has closed the connection
        finally:
            writer.close()

    async def _answer(self, request: Message) -> Message:
        ready = [backend for backend in self.backends if backend.ready.is_set()]
        if not ready:
            return NOBODY
        self._turn += 1
        try:
            return await ready[self._turn % len(ready)].asked(request)
        except (NoMessage, OSError):
            return LOST


@asynccontextmanager
async def balancer() -> AsyncIterator[Balancer]:
    """Run a balancer without processes on a free port of loopback."""
    made = Balancer()
    server = await asyncio.start_server(made.accept, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    checking = asyncio.create_task(made.check())
    try:
        yield made
    finally:
        checking.cancel()
        await asyncio.wait((checking,))
        server.close()
        await made.close()
        await server.wait_closed()
