"""
A load generator for machines without wrk: asyncio on uvloop.

It needs several times the CPU time of wrk, so p50 and p99 are a little higher; the CPU time of the
server per request is the same.
"""

import argparse
import asyncio
import functools
import itertools
import json
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final, cast

import uvloop

from bench import traffic
from bench.load.outcome import Outcome

END: Final = b"\r\n\r\n"
CONTENT_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
STATUS: Final = slice(9, 10)  # the first digit, after "HTTP/1.1 "
LEFT_FOR_S: Final = 2.0  # how long to wait for requests in flight at the end, as wrk does


class Tally:
    """The counts of all connections, until *ends_at* on the clock."""

    def __init__(self, ends_at: float) -> None:
        self.ends_at = ends_at
        self.latencies_s: list[float] = []
        self.bytes = 0
        self.refused = 0
        self.broken = 0


class Connection(asyncio.Protocol):
    """Sends the next request when a response is complete; calls *closed* at the end."""

    def __init__(self, requests: Iterator[bytes], tally: Tally, closed: Callable[[], None]) -> None:
        self._requests = requests
        self._tally = tally
        self._closed = closed
        self._unread = b""
        self._finished = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio's promise for TCP
        self._send()

    def data_received(self, data: bytes) -> None:
        """Count the response once it is complete."""
        unread = self._unread + data if self._unread else data
        self._tally.bytes += len(data)
        end = unread.find(END)
        length = CONTENT_LENGTH.search(unread, 0, end) if end >= 0 else None
        if end >= 0 and length is None:  # no server under test sends chunks
            self._tally.broken += 1
            self._end()
        elif length is None or len(unread) < end + len(END) + int(length[1]):
            self._unread = unread
        else:
            self._unread = b""
            self._answered(unread)

    def connection_lost(self, _: Exception | None) -> None:
        """Count a connection that was closed early."""
        if not self._finished:
            self._tally.broken += 1
        self._closed()

    def _send(self) -> None:
        self._sent_at = time.perf_counter()
        self._transport.write(next(self._requests))

    def _answered(self, answer: bytes) -> None:
        now = time.perf_counter()
        self._tally.latencies_s.append(now - self._sent_at)
        self._tally.refused += answer[STATUS] != b"2"
        if now < self._tally.ends_at:
            self._send()
        else:
            self._end()

    def _end(self) -> None:
        self._finished = True
        self._transport.close()


def in_turn(requests: list[bytes], first: int) -> Iterator[bytes]:
    """Yield the requests in turn, endlessly; a request for new users gets numbers from *first* on."""
    numbers = itertools.count(first)
    return (
        traffic.numbered(request, number)
        for request, number in zip(itertools.cycle(requests), numbers, strict=False)
    )


def quantile_us(ordered_s: list[float], share: float) -> int:
    """Return the quantile *share* of sorted values; 0 if there are none."""
    if not ordered_s:
        return 0
    return round(ordered_s[min(len(ordered_s) - 1, int(len(ordered_s) * share))] * 1_000_000)


async def load(
    requests: Iterator[bytes], *, port: int, connections: int, seconds: float
) -> Outcome:
    """Send requests to loopback for that many seconds."""
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    tally = Tally(started + seconds)
    ends = [loop.create_future() for _ in range(connections)]
    for end in ends:
        closed = functools.partial(end.set_result, None)
        connection = functools.partial(Connection, requests, tally, closed)
        await loop.create_connection(connection, "127.0.0.1", port)
    _, unfinished = await asyncio.wait(
        ends, timeout=tally.ends_at - time.perf_counter() + LEFT_FOR_S
    )
    ordered_s = sorted(tally.latencies_s)
    return Outcome(
        requests=len(ordered_s),
        duration_us=round((time.perf_counter() - started) * 1_000_000),
        bytes=tally.bytes,
        refused=tally.refused,
        broken=tally.broken,
        late=len(unfinished),
        p50_us=quantile_us(ordered_s, 0.5),
        p99_us=quantile_us(ordered_s, 0.99),
        max_us=quantile_us(ordered_s, 1),
    )


def main() -> None:
    """Send load to a server and print the outcome as one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("seconds", type=float)
    parser.add_argument("file", type=Path, help="the requests, as bench.traffic writes them")
    parser.add_argument("first", type=int, help="the first number of new users")
    options = parser.parse_args()
    outcome = uvloop.run(
        load(
            in_turn(traffic.read(options.file), options.first),
            port=options.port,
            connections=options.connections,
            seconds=options.seconds,
        )
    )
    print(json.dumps(asdict(outcome)))  # noqa: T201 -- the parent process reads this


if __name__ == "__main__":
    main()
