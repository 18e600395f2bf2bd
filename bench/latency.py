"""
`python -m bench latency`: what a read takes at a fixed rate, while DynamoDB answers late.

The load is open: a request is due at its time, whether or not the ones before it are answered, and its
latency counts from that time. A server that falls behind therefore shows the wait of its clients.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, Self, cast

import uvloop

from bench import servers, tokens, traffic
from bench.cases import Keys
from bench.load.asyncio_load import CONTENT_LENGTH, END, quantile_us
from bench.machine import Cores
from bench.setup import Server, started_server, stubs

SERVERS: Final = (servers.SERVICE, servers.SERVICE_UNGATHERED, *servers.PEERS)
DELAYS_MS: Final = (1.0, 5.0, 20.0)
RATES: Final = (200, 500, 1_000, 2_000)
ROUNDS: Final = 3
SECONDS: Final = 5.0
WARM_UP_S: Final = 1.0
ANSWERED_WITHIN_S: Final = 5.0  # a later response counts as not answered
CONNECTIONS: Final = 32  # open at the start; more are opened while all of them wait


@dataclass(frozen=True, slots=True)
class Settings:
    """The extent of the measurement."""

    servers: tuple[str, ...] = SERVERS
    delays_ms: tuple[float, ...] = DELAYS_MS
    rates: tuple[int, ...] = RATES
    rounds: int = ROUNDS
    seconds: float = SECONDS

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> Self:
        """Return the defaults with the overrides of *environ*; raises ValueError."""
        names = environ.get("BENCH_SERVERS")
        chosen = SERVERS if names is None else tuple(name.strip() for name in names.split(";"))
        unknown = [name for name in chosen if name not in SERVERS]
        if unknown:
            raise ValueError(f"BENCH_SERVERS: {unknown[0]} is none of: {'; '.join(SERVERS)}")
        delays = environ.get("BENCH_DELAYS_MS")
        rates = environ.get("BENCH_RATES")
        return cls(
            chosen,
            DELAYS_MS if delays is None else tuple(map(float, delays.split())),
            RATES if rates is None else tuple(map(int, rates.split())),
            int(environ.get("BENCH_ROUNDS", ROUNDS)),
            float(environ.get("BENCH_SECONDS", SECONDS)),
        )


@dataclass(frozen=True, slots=True)
class Run:
    """Latencies in ms, CPU microseconds of a request, and the share of requests that failed."""

    p50: float
    p99: float
    p999: float
    cpu_us: float
    failed: float


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of the rounds of one server, delay and rate."""

    server: str
    delay_ms: float
    rate: int
    run: Run


class _Connection(asyncio.Protocol):
    """A connection with at most one request; *free* holds those without one."""

    def __init__(self, free: list["_Connection"]) -> None:
        self._free = free
        self._unread = b""
        self._answer: asyncio.Future[bool] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Store the transport."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio's promise for TCP

    def send(self, request: bytes, answer: asyncio.Future[bool]) -> None:
        """Send a request; the result of *answer* is whether the status is 2xx."""
        self._answer = answer
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Return to the free connections once the response is complete."""
        unread = self._unread + data
        end = unread.find(END)
        length = CONTENT_LENGTH.search(unread, 0, end) if end >= 0 else None
        if length is None or len(unread) < end + len(END) + int(length[1]):
            self._unread = unread
            return
        self._unread = b""
        self._free.append(self)
        self._resolve(succeeded=unread.startswith(b"HTTP/1.1 2"))

    def connection_lost(self, _: Exception | None) -> None:
        """Fail the request that waits."""
        if self in self._free:
            self._free.remove(self)
        self._resolve(succeeded=False)

    def close(self) -> None:
        """Close the connection."""
        self._transport.close()

    def _resolve(self, *, succeeded: bool) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.done():
            answer.set_result(succeeded)


class Load:
    """Requests at a fixed rate to one port."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self._port = port
        self._requests = requests
        self._free: list[_Connection] = []
        self._all: list[_Connection] = []
        self.latencies_s: list[float] = []
        self.failed = 0

    async def run(self, *, rate: int, seconds: float) -> None:
        """Send the requests, and wait for their responses."""
        for _ in range(CONNECTIONS):
            self._free.append(await self._connect())
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(int(rate * seconds)):
                due = begun + number / rate
                if (ahead_s := due - time.perf_counter()) > 0:
                    await asyncio.sleep(ahead_s)
                group.create_task(self._request(due))
        for connection in self._all:
            connection.close()

    async def _connect(self) -> _Connection:
        loop = asyncio.get_running_loop()
        _, connection = await loop.create_connection(
            lambda: _Connection(self._free), "127.0.0.1", self._port
        )
        self._all.append(connection)
        return connection

    async def _request(self, due: float) -> None:
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                connection = self._free.pop() if self._free else await self._connect()
                connection.send(next(self._requests), answer)
                succeeded = await answer
        except (TimeoutError, OSError):
            succeeded = False
        if succeeded:
            self.latencies_s.append(time.perf_counter() - due)
        else:
            self.failed += 1


def _run(server: Server, rate: int, seconds: float) -> Run:
    process, port = server.process, server.port
    requests = itertools.cycle(traffic.reads_of_known_users())
    uvloop.run(Load(port, requests).run(rate=rate, seconds=WARM_UP_S))
    process.settle()
    load = Load(port, requests)
    used_s = process.cpu_s()
    uvloop.run(load.run(rate=rate, seconds=seconds))
    process.settle()
    sent = len(load.latencies_s) + load.failed
    ordered_s = sorted(load.latencies_s)
    p50, p99, p999 = (quantile_us(ordered_s, share) / 1_000 for share in (0.5, 0.99, 0.999))
    return Run(p50, p99, p999, (process.cpu_s() - used_s) / sent * 1_000_000, load.failed / sent)


def measure(settings: Settings, cores: Cores) -> list[Row]:
    """Measure; raises SetupFailed if a server does not start."""
    os.sched_setaffinity(0, cores.others)  # the clients are in this process
    rows = []
    for delay_ms in settings.delays_ms:
        with ExitStack() as stack, TemporaryDirectory(prefix="bench-") as directory:
            keys = Keys(tokens.UserPool(), tokens.LoadBalancer())
            behind = stubs(stack, cores, Path(directory), keys, delay_ms)
            started = [
                (name, started_server(stack, cores, name, behind)) for name in settings.servers
            ]
            for rate in settings.rates:
                rounds = [
                    [_run(server, rate, settings.seconds) for _, server in started]
                    for _ in range(settings.rounds)
                ]
                rows += [
                    Row(name, delay_ms, rate, _medians(runs))
                    for (name, _), runs in zip(started, zip(*rounds, strict=True), strict=True)
                ]
    return rows


def _medians(runs: Sequence[Run]) -> Run:
    return Run(
        median(run.p50 for run in runs),
        median(run.p99 for run in runs),
        median(run.p999 for run in runs),
        median(run.cpu_us for run in runs),
        max(run.failed for run in runs),
    )


def text(rows: Sequence[Row]) -> str:
    """Return the result as a table; a server that answers less than all requests is marked."""
    lines = [
        "| DynamoDB answers after | reads a second | server | p50 | p99 | p99.9 | CPU of a read |",
        "|---:|---:|---|---:|---:|---:|---:|",
        *(
            f"| {row.delay_ms:g} ms | {row.rate:,} | {row.server} | {row.run.p50:.1f} ms "
            f"| {row.run.p99:.1f} ms | {row.run.p999:.1f} ms | {row.run.cpu_us:.0f} µs |"
            + (f" {row.run.failed:.1%} failed" if row.run.failed else "")
            for row in rows
        ),
    ]
    return "\n".join(lines) + "\n"
