"""A whole measurement: the rounds, then the long runs."""

import json
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from bench import profiles, servers, table
from bench.cases import FIRST_USERS, GET_WARM, MANY_USERS
from bench.load.outcome import Outcome
from bench.machine import Cores, conditions
from bench.process import running
from bench.rounds import Bench, Sample
from bench.settings import Settings
from bench.setup import Setup, Start, setup
from bench.table import Row

WARM_UP_S: Final = 1
WARM_UP_CONNECTIONS: Final = 16
TAIL_CONNECTIONS: Final = (64, 256)
MEMORY_CONNECTIONS: Final = 64
MEMORY_S: Final = 5


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident MiB under load with few users, and after many more users."""

    warm_mib: float
    users: int
    then_mib: float


@dataclass(frozen=True, slots=True)
class Report:
    """All results; *tails* are the long runs of GET warm, by number of connections."""

    conditions: dict[str, Any]
    settings: dict[str, Any]
    rows: list[Row]
    samples: list[Sample]
    starts: dict[str, Start]
    resident_mib: dict[str, float]
    tails: dict[int, Outcome]
    memory: Memory | None
    token_check_us: dict[str, float]
    failures: list[str]
    left_out: dict[str, str]  # the reasons, by peer


def measure(settings: Settings, cores: Cores, left_out: dict[str, str]) -> Report:
    """Measure all but the peers *left_out*; raises SetupFailed if any answers unexpectedly."""
    settings = replace(
        settings, cases=tuple(case for case in settings.cases if case.server not in left_out)
    )
    around = conditions()
    for_memory = (FIRST_USERS, MANY_USERS) if settings.known_users else ()
    with (
        TemporaryDirectory(prefix="bench-") as directory,
        setup(
            (*settings.cases, *for_memory), cores, Path(directory), delay_ms=settings.delay_ms
        ) as prepared,
    ):
        bench = Bench(prepared, cores)
        for case in settings.cases:
            _say(f"warming {case.name}")
            bench.run(case, connections=WARM_UP_CONNECTIONS, seconds=WARM_UP_S)
        started = prepared.servers
        resident = {name: server.process.resident_mib() for name, server in started.items()}
        samples = _rounds(bench, settings)
        return Report(
            conditions=around,
            settings=described(settings),
            rows=table.rows(samples),
            samples=samples,
            starts={name: server.start for name, server in started.items()},
            resident_mib=resident,
            tails=_tails(bench, settings),
            memory=_memory(bench, prepared, settings.known_users) if for_memory else None,
            token_check_us=_token_checks(prepared, cores) if for_memory else {},
            failures=bench.failures,
            left_out=left_out,
        )


def described(settings: Settings) -> dict[str, Any]:
    """Return the settings as the result names them."""
    return {
        "cases": [case.name for case in settings.cases],
        "connections": list(settings.connections),
        "rounds": settings.rounds,
        "seconds": settings.seconds,
        "delay_ms": settings.delay_ms,
    }


def _rounds(bench: Bench, settings: Settings) -> list[Sample]:
    samples: list[Sample] = []
    rounds = bench.rounds(
        settings.cases,
        rounds=settings.rounds,
        connections=settings.connections,
        seconds=settings.seconds,
    )
    for sample in rounds:
        samples.append(sample)
        _say(
            f"round {sample.round + 1}/{settings.rounds}, {sample.connections} connections: "
            f"{sample.case} {sample.cpu_us:.0f} µs, {sample.floors:.1f} floors"
        )
    return samples


def _tails(bench: Bench, settings: Settings) -> dict[int, Outcome]:
    """Return one long run for each number of connections."""
    if not settings.tail_s or GET_WARM not in settings.cases:
        return {}
    tails = {}
    for connections in TAIL_CONNECTIONS:
        _say(f"{settings.tail_s} s of {GET_WARM.name} at {connections} connections")
        run = bench.run(GET_WARM, connections=connections, seconds=settings.tail_s)
        tails[connections] = run.outcome
    return tails


def _memory(bench: Bench, prepared: Setup, users: int) -> Memory:
    """Send requests of new users, and measure the memory of the process before and after."""
    process = prepared.servers[servers.SERVICE_OF_MANY].process
    bench.run(FIRST_USERS, connections=MEMORY_CONNECTIONS, seconds=MEMORY_S)
    warm_mib = process.resident_mib()
    seen = 0
    while seen < users:
        _say(f"{seen} of {users} new users")
        run = bench.run(MANY_USERS, connections=MEMORY_CONNECTIONS, seconds=MEMORY_S)
        seen += run.outcome.requests
    return Memory(warm_mib, seen, process.resident_mib())


def _token_checks(prepared: Setup, cores: Cores) -> dict[str, float]:
    """Return the microseconds of a repeated token check, by source of identity."""
    sub = profiles.sub(0)
    keys = prepared.keys
    program = servers.token_checks(
        prepared.behind,
        f"Bearer {keys.pool.access_token(sub)}",
        keys.balancer.token(sub),
        sub,
    )
    with cores.starting_server(), running(program, stdout=subprocess.PIPE) as process:
        times: dict[str, float] = json.loads(process.first_line())
        return times


def _say(progress: str) -> None:
    sys.stderr.write(f"{progress}\n")
