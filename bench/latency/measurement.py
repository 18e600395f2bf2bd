"""The runs: each server in turn, at each rate, while DynamoDB answers after each delay."""

import gc
import itertools
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

import uvloop

from bench import profiles, tokens, traffic
from bench.cases import Keys
from bench.latency.settings import STUB, Settings
from bench.load.open_load import OpenLoad
from bench.machine import Cores, conditions
from bench.setup import Server, started_server, started_stub, stubs
from bench.stubs.dynamodb import OTHER_TABLE

WARM_UP_S: Final = 3.0  # V8 compiles what has run often
WARM_UP_RATE: Final = 500
KEPT_UP: Final = 0.99  # of the requests are answered in time; otherwise latencies say nothing


@dataclass(frozen=True, slots=True)
class Run:
    """
    One run: latencies in ms, and CPU of a request.

    *answered* is the share of requests that were answered in time, *late_p99* the ms after which the
    generator sent requests that were due, *generator* its share of a core.
    """

    p50: float
    p99: float
    p999: float
    cpu_us: float
    answered: float
    late_p99: float
    generator: float

    @property
    def kept_up(self) -> bool:
        """Whether the server could serve the rate."""
        return self.answered >= KEPT_UP


@dataclass(frozen=True, slots=True)
class Row:
    """The medians of the rounds of one server, delay and rate."""

    server: str
    delay_ms: float
    rate: int
    run: Run


@dataclass(frozen=True, slots=True)
class Report:
    """All results; *left_out* has the reason for each peer that cannot run here."""

    conditions: dict[str, Any]
    settings: Settings
    rows: list[Row]
    left_out: dict[str, str]


def measure(settings: Settings, cores: Cores, left_out: dict[str, str]) -> Report:
    """Measure all servers but those that are *left_out*; raises SetupFailed if one does not start."""
    around = conditions()
    os.sched_setaffinity(0, cores.others)  # the generator is in this process
    names = [name for name in settings.servers if name not in left_out]
    rows: list[Row] = []
    for delay_ms in settings.delays_ms:
        with ExitStack() as stack, TemporaryDirectory(prefix="bench-") as directory:
            keys = Keys(tokens.UserPool(), tokens.LoadBalancer())
            behind = stubs(stack, cores, Path(directory), keys, delay_ms)
            started = {
                name: started_stub(stack, cores, "dynamodb", f"--delay-ms={delay_ms}")
                if name == STUB
                else started_server(stack, cores, name, behind)
                for name in names
            }
            for name, server in started.items():
                uvloop.run(_run(server, _requests(name), WARM_UP_RATE, WARM_UP_S))
            for rate in settings.rates:
                rows += _medians(started, delay_ms, rate, settings)
    return Report(around, settings, rows, left_out)


def _medians(
    started: dict[str, Server], delay_ms: float, rate: int, settings: Settings
) -> Iterator[Row]:
    runs: dict[str, list[Run]] = {name: [] for name in started}
    for number in range(settings.rounds):
        for name, server in started.items():
            run = uvloop.run(_run(server, _requests(name), rate, settings.seconds))
            runs[name].append(run)
            sys.stderr.write(
                f"DynamoDB {delay_ms:g} ms, {rate}/s, round {number + 1}/{settings.rounds}: {name} "
                f"p50 {run.p50:.2f} ms, p99 {run.p99:.2f} ms, {run.answered:.1%} in time\n"
            )
    return (Row(name, delay_ms, rate, _median(each)) for name, each in runs.items())


async def _run(server: Server, requests: Iterator[bytes], rate: int, seconds: float) -> Run:
    process = server.process
    async with OpenLoad(server.port) as load:
        process.settle()
        gc.collect()
        gc.disable()  # a collection would delay requests
        used_s, own_s, begun = process.cpu_s(), time.process_time(), time.perf_counter()
        outcome = await load.run(requests, rate=rate, seconds=seconds)
        own_s, took_s = time.process_time() - own_s, time.perf_counter() - begun
        gc.enable()
        process.settle()
        used_s = process.cpu_s() - used_s
    return Run(
        p50=outcome.latency_ms(0.5),
        p99=outcome.latency_ms(0.99),
        p999=outcome.latency_ms(0.999),
        cpu_us=used_s * 1_000_000 / outcome.requests,
        answered=outcome.answered,
        late_p99=outcome.late_ms(0.99),
        generator=own_s / took_s,
    )


def _median(runs: Sequence[Run]) -> Run:
    """Return the median of each figure; of *answered* the lowest."""
    return Run(
        p50=median(run.p50 for run in runs),
        p99=median(run.p99 for run in runs),
        p999=median(run.p999 for run in runs),
        cpu_us=median(run.cpu_us for run in runs),
        answered=min(run.answered for run in runs),
        late_p99=median(run.late_p99 for run in runs),
        generator=median(run.generator for run in runs),
    )


def _requests(name: str) -> Iterator[bytes]:
    return itertools.cycle(queries() if name == STUB else traffic.reads_of_known_users())


def queries() -> list[bytes]:
    """Return a Query of each known user, as a peer sends it to DynamoDB."""
    headers = {"X-Amz-Target": "DynamoDB_20120810.Query"}
    return [
        traffic.request(
            "POST",
            "/",
            headers,
            {
                "TableName": OTHER_TABLE,
                "KeyConditionExpression": "userId = :user",
                "ExpressionAttributeValues": {":user": {"S": sub}},
            },
        )
        for sub in profiles.known_users()
    ]
