"""
`python -m bench overload`: throughput under five times the load that the service can serve.

DynamoDB's answers are delayed, so that the limit is the requests in flight and not the CPU. First, as
many clients as may be in flight send one request after another: the peak. Then clients with a fixed rate
send five times as many requests.
"""

import asyncio
import itertools
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import uvloop

from bench import servers, tokens, traffic
from bench.cases import Keys
from bench.load.asyncio_load import CONTENT_LENGTH, quantile_us
from bench.machine import Cores
from bench.process import running
from bench.setup import ready, stubs

IN_FLIGHT: Final = 16
DELAY_MS: Final = 40.0
TIMES: Final = 5
CLIENTS: Final = 10 * IN_FLIGHT
HEALTH_EVERY_S: Final = 0.02
WARM_UP_S: Final = 2.0
SECONDS: Final = 10.0
ROUNDS: Final = 3
LEAST_SHARE: Final = 0.8
HEALTH: Final = traffic.request("GET", "/health/live", {})


@dataclass(slots=True)
class Tally:
    """The latencies of served and of refused requests of all clients."""

    served_s: list[float] = field(default_factory=list)
    refused_s: list[float] = field(default_factory=list)

    def p99_ms(self, times_s: list[float]) -> float:
        """Return the 99th percentile in ms."""
        return quantile_us(sorted(times_s), 0.99) / 1_000


@dataclass(frozen=True, slots=True)
class Round:
    """The peak, then what was served and refused a second under overload; latencies in ms."""

    peak: float
    served: float
    refused: float
    served_p99: float
    refused_p99: float
    health_p99: float

    @property
    def share(self) -> float:
        """The share of the peak that was served under overload."""
        return self.served / self.peak


async def _client(
    port: int, requests: Iterator[bytes], tally: Tally, *, ends_at: float, every_s: float = 0
) -> None:
    """Send one request after another, each not before its scheduled time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    due = time.perf_counter()
    while (begun := time.perf_counter()) < ends_at:
        if begun < due:
            await asyncio.sleep(due - begun)
            begun = time.perf_counter()
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        length = CONTENT_LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        took_s = time.perf_counter() - begun
        (tally.served_s if head.startswith(b"HTTP/1.1 2") else tally.refused_s).append(took_s)
        due = max(due + every_s, begun)
    writer.close()


async def _clients(
    port: int, count: int, tally: Tally, *, seconds: float, rate: float | None = None
) -> None:
    """Run *count* clients, which together send *rate* requests a second."""
    requests = itertools.cycle(traffic.reads_of_known_users())
    ends_at = time.perf_counter() + seconds
    every_s = 0 if rate is None else count / rate
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(_client(port, requests, tally, ends_at=ends_at, every_s=every_s))
            await asyncio.sleep(every_s / count)


async def _round(port: int, seconds: float) -> Round:
    alone, many, health = Tally(), Tally(), Tally()
    await _clients(port, IN_FLIGHT, alone, seconds=seconds)
    peak = len(alone.served_s) / seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(_clients(port, CLIENTS, many, seconds=seconds, rate=TIMES * peak))
        group.create_task(
            _client(
                port,
                itertools.repeat(HEALTH),
                health,
                ends_at=time.perf_counter() + seconds,
                every_s=HEALTH_EVERY_S,
            )
        )
    if health.refused_s:
        raise RuntimeError(f"{len(health.refused_s)} health checks were refused")
    return Round(
        peak=peak,
        served=len(many.served_s) / seconds,
        refused=len(many.refused_s) / seconds,
        served_p99=many.p99_ms(many.served_s),
        refused_p99=many.p99_ms(many.refused_s),
        health_p99=health.p99_ms(health.served_s),
    )


def text(rounds: list[Round]) -> str:
    """Return the result as a table."""
    lines = [
        "| peak/s | served/s | of the peak | refused/s | p99 served | p99 refused | p99 health |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {each.peak:.0f} | {each.served:.0f} | {each.share:.0%} | {each.refused:.0f} "
            f"| {each.served_p99:.0f} ms | {each.refused_p99:.0f} ms | {each.health_p99:.0f} ms |"
            for each in rounds
        ),
    ]
    return "\n".join(lines) + "\n"


def measure(cores: Cores, *, rounds: int = ROUNDS, seconds: float = SECONDS) -> list[Round]:
    """Measure; raises SetupFailed if the service does not start."""
    os.sched_setaffinity(0, cores.others)  # the clients are in this process
    keys = Keys(tokens.UserPool(), tokens.LoadBalancer())
    with ExitStack() as stack, TemporaryDirectory(prefix="bench-") as directory:
        behind = stubs(stack, cores, Path(directory), keys, DELAY_MS)
        port = servers.free_port()
        settings = {"SERVER_MAX_IN_FLIGHT": str(IN_FLIGHT)}
        program = servers.service("service, overloaded", port, behind, settings)
        with cores.starting_server():
            process = stack.enter_context(running(program))
        ready(process, port)
        uvloop.run(_clients(port, IN_FLIGHT, Tally(), seconds=WARM_UP_S))
        return [uvloop.run(_round(port, seconds)) for _ in range(rounds)]
