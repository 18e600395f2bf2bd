"""
An open load: requests at a fixed rate, whether or not earlier ones are answered.

The latency of a request counts from the time at which it is due, so a server that falls behind shows the
wait of its clients.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self, cast

from bench.load.asyncio_load import CONTENT_LENGTH, END, quantile_us
from bench.load.timer import Timer

CONNECTIONS: Final = 256  # a request that is due while all are in use waits for one
ANSWERED_WITHIN_S: Final = 1.0  # of the time at which it is due; a later response counts as none
LEAD_S: Final = 0.05  # before the first request


@dataclass(frozen=True, slots=True)
class OpenOutcome:
    """One run; *late_s* is how long after their due time requests were sent; both lists are sorted."""

    requests: int
    latencies_s: list[float]
    late_s: list[float]

    @property
    def answered(self) -> float:
        """The share of requests that were answered with 2xx in time."""
        return len(self.latencies_s) / self.requests

    def latency_ms(self, share: float) -> float:
        """Return a quantile of the latencies of answered requests; 0 if there are none."""
        return quantile_us(self.latencies_s, share) / 1_000

    def late_ms(self, share: float) -> float:
        """Return a quantile of the generator's lateness."""
        return quantile_us(self.late_s, share) / 1_000


class _Connection(asyncio.Protocol):
    """A connection with at most one request at a time."""

    def __init__(self, load: "OpenLoad") -> None:
        self._load = load
        self._unread = b""
        self._due: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio's promise for TCP

    def send(self, request: bytes, due: float) -> None:
        """Send a request that was due at *due*."""
        self._due = due
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Report the response once it is complete."""
        unread = self._unread + data if self._unread else data
        end = unread.find(END)
        length = CONTENT_LENGTH.search(unread, 0, end) if end >= 0 else None
        if length is None or len(unread) < end + len(END) + int(length[1]):
            self._unread = unread
            return
        self._unread = b""
        due, self._due = self._due, None
        if due is not None:
            self._load.answered(self, due, succeeded=unread.startswith(b"HTTP/1.1 2"))

    def connection_lost(self, _: Exception | None) -> None:
        """Report it, with the request that waits for its response."""
        self._load.lost(self, self._due)

    def close(self) -> None:
        """Close the connection."""
        self._transport.abort()


class OpenLoad:
    """
    Connections to one port on loopback, and the runs on them, one after another.

    An asynchronous context manager, which opens and closes the connections.
    """

    def __init__(self, port: int, connections: int = CONNECTIONS) -> None:
        self._port = port
        self._connections = connections
        self._open: set[_Connection] = set()
        self._free: list[_Connection] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for _ in range(self._connections):
            _, connection = await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self._port
            )
            self._open.add(connection)
            self._free.append(connection)
        return self

    async def __aexit__(self, *_: object) -> None:
        for connection in [*self._open]:
            connection.close()

    async def run(self, requests: Iterator[bytes], *, rate: float, seconds: float) -> OpenOutcome:
        """Send *rate* requests a second, and wait for responses while these can be in time."""
        self._requests = requests
        self._count = self._outstanding = max(1, int(rate * seconds))
        self._sent = 0
        self._waiting: deque[float] = deque()  # the due times of requests without a connection
        self._latencies_s: list[float] = []
        self._late_s: list[float] = []
        self._ended = asyncio.get_running_loop().create_future()
        self._timer = Timer(self._send_due)
        self._interval_s = 1 / rate
        self._first = time.perf_counter() + LEAD_S
        self._timer.set(self._first)
        with suppress(TimeoutError):  # what is outstanding then has failed
            async with asyncio.timeout(LEAD_S + self._count / rate + ANSWERED_WITHIN_S):
                await self._ended
        self._timer.close()
        return OpenOutcome(self._count, sorted(self._latencies_s), sorted(self._late_s))

    def answered(self, connection: _Connection, due: float, *, succeeded: bool) -> None:
        """Count a response, and use the connection for the next request."""
        took_s = time.perf_counter() - due
        if self._waiting:
            connection.send(next(self._requests), self._waiting.popleft())
        else:
            self._free.append(connection)
        if due >= self._first:  # otherwise it belongs to the run before
            if succeeded and took_s <= ANSWERED_WITHIN_S:
                self._latencies_s.append(took_s)
            self._finish_one()

    def lost(self, connection: _Connection, due: float | None) -> None:
        """Forget a connection; the request that was due at *due* fails."""
        self._open.discard(connection)
        if due is None:
            self._free.remove(connection)
        elif due >= self._first:
            self._finish_one()

    def _send_due(self) -> None:
        now = time.perf_counter()
        while self._sent < self._count:
            due = self._first + self._sent * self._interval_s
            if due > now:
                self._timer.set(due)
                return
            self._sent += 1
            self._late_s.append(now - due)
            if self._free:
                self._free.pop().send(next(self._requests), due)
            else:
                self._waiting.append(due)

    def _finish_one(self) -> None:
        self._outstanding -= 1
        if not self._outstanding and not self._ended.done():
            self._ended.set_result(None)
