"""
A TCP proxy between the service and an upstream that injects faults.

Of HTTP it recognises only the end of a header section. The fault is looked up for each part that arrives,
so that open connections are affected too. The faults are the toxics of toxiproxy, which is not available
as a package.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import Final

LATENCY_S: Final = 0.1  # less than the timeout of a call
LATE_S: Final = 30.0  # longer than any timeout
BYTES_PER_S: Final = 40_000
TRICKLE_EVERY_S: Final = 0.05  # each read succeeds, the whole answer takes minutes
PART: Final = 65_536
GARBAGE: Final = bytes(range(128, 256)) * 4
TASK: Final = "proxy"  # the name of all tasks of proxies
RESET: Final = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST


class Fault(Enum):
    """What a proxy does to its connections."""

    NONE = "nothing"
    LATENCY = "latency"
    BANDWIDTH = "bandwidth"
    REFUSED = "refused"
    RESET_BEFORE = "reset before the call is forwarded"
    RESET_AFTER = "reset after the upstream has replied"
    BLACKHOLE = "blackhole"
    LATE = "late answers"
    TRICKLE = "trickle"
    GARBAGE = "garbage"
    CUT_BODY = "cut body"


RESETS: Final = {Fault.RESET_BEFORE, Fault.RESET_AFTER}


class TcpProxy:
    """A proxy in front of *upstream*; *hits* counts how often the *fault* occurred."""

    def __init__(self, upstream: tuple[str, int]) -> None:
        self.fault = Fault.NONE
        self.hits = 0
        self._upstream = upstream
        self._address = ("127.0.0.1", 0)
        self._accepting: asyncio.Task[None] | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The URL of the proxy."""
        return f"http://{self._address[0]}:{self._address[1]}"

    async def listen(self) -> None:
        """Accept connections, on the same port each time."""
        listener = socket.create_server(self._address)
        listener.settimeout(0)
        self._address = listener.getsockname()
        self._accepting = asyncio.create_task(self._accept(listener), name=TASK)

    async def close(self) -> None:
        """Stop accepting, and close all connections."""
        ending = [*self._connections]
        if self._accepting is not None:
            ending.append(self._accepting)
            self._accepting = None
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def inject(self, fault: Fault) -> None:
        """Inject *fault* from now on."""
        self.fault = fault
        self.hits = 0
        if fault is Fault.REFUSED:
            await self.close()

    async def heal(self) -> None:
        """Forward everything again, on new connections only."""
        await self.close()
        self.fault = Fault.NONE
        await self.listen()

    async def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                client, _ = await asyncio.get_running_loop().sock_accept(listener)
                task = asyncio.create_task(self._serve(client), name=TASK)
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)

    async def _serve(self, client: socket.socket) -> None:
        """Forward in both directions until either side, or a fault, ends the connection."""
        with client, socket.socket() as upstream, suppress(OSError):
            upstream.settimeout(0)
            client.settimeout(0)
            await asyncio.get_running_loop().sock_connect(upstream, self._upstream)
            directions = [
                asyncio.create_task(self._requests(client, upstream), name=TASK),
                asyncio.create_task(self._answers(upstream, client), name=TASK),
            ]
            try:
                await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in directions:
                    task.cancel()
                await asyncio.gather(*directions, return_exceptions=True)
                if self.fault in RESETS:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

    async def _requests(self, client: socket.socket, upstream: socket.socket) -> None:
        """Forward requests."""
        loop = asyncio.get_running_loop()
        while part := await loop.sock_recv(client, PART):
            self.hits += self.fault is not Fault.NONE
            match self.fault:
                case Fault.RESET_BEFORE:
                    return
                case Fault.GARBAGE:
                    await loop.sock_sendall(client, GARBAGE)
                    return
                case Fault.BLACKHOLE:
                    continue
                case Fault.LATENCY:
                    await asyncio.sleep(LATENCY_S)
            await loop.sock_sendall(upstream, part)

    async def _answers(self, upstream: socket.socket, client: socket.socket) -> None:
        """Forward answers."""
        loop = asyncio.get_running_loop()
        while part := await loop.sock_recv(upstream, PART):
            match self.fault:
                case Fault.RESET_AFTER:
                    return
                case Fault.LATE:
                    await asyncio.sleep(LATE_S)
                case Fault.BANDWIDTH:
                    await _send_slowly(part, client, piece=BYTES_PER_S // 100, every_s=0.01)
                    continue
                case Fault.TRICKLE:
                    await _send_slowly(part, client, piece=1, every_s=TRICKLE_EVERY_S)
                    continue
                case Fault.CUT_BODY:
                    while not part.partition(b"\r\n\r\n")[2]:
                        part += await loop.sock_recv(upstream, PART)
                    head, end, body = part.partition(b"\r\n\r\n")
                    await loop.sock_sendall(client, head + end + body[:1])
                    return
            await loop.sock_sendall(client, part)


async def _send_slowly(part: bytes, client: socket.socket, *, piece: int, every_s: float) -> None:
    for at in range(0, len(part), piece):
        await asyncio.get_running_loop().sock_sendall(client, part[at : at + piece])
        await asyncio.sleep(every_s)


@asynccontextmanager
async def tcp_proxy(upstream: tuple[str, int]) -> AsyncIterator[TcpProxy]:
    """Run a proxy without a fault until the block ends."""
    running = TcpProxy(upstream)
    await running.listen()
    try:
        yield running
    finally:
        await running.close()
