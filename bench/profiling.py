"""The CPU profile of a request: stacks of the server under load, sampled by py-spy."""

import functools
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from bench import stacks, table
from bench.cases import FLOOR
from bench.machine import Cores
from bench.measure import WARM_UP_CONNECTIONS, WARM_UP_S
from bench.rounds import Bench
from bench.servers import ROOT
from bench.settings import Settings
from bench.setup import SetupFailed, setup
from bench.stacks import Stack

RATE_PER_S: Final = 400
ROWS: Final = 45
OURS: Final = "service/"
SPARE_S: Final = 1  # the load runs longer than the sampling
PY_SPY: Final = Path(sys.executable).with_name("py-spy")


def profile(settings: Settings, cores: Cores) -> str:
    """Return the cost of every module and function for each case but the floor; raises SetupFailed."""
    parts = []
    with (
        TemporaryDirectory(prefix="bench-") as directory,
        setup(settings.cases, cores, Path(directory), delay_ms=settings.delay_ms) as prepared,
    ):
        bench = Bench(prepared, cores)
        for case in (case for case in settings.cases if case is not FLOOR):
            bench.run(case, connections=WARM_UP_CONNECTIONS, seconds=WARM_UP_S)
            pid = prepared.servers[case.server].process.pid
            for connections in settings.connections:
                load = functools.partial(bench.run, case, connections=connections)
                cost_us = load(seconds=settings.seconds).cpu_us
                with _sampled(pid, cores, Path(directory), seconds=settings.seconds) as file:
                    load(seconds=settings.seconds + SPARE_S)
                found = [*stacks.parsed(file.read_text(encoding="utf-8"))]
                parts.append(
                    f"{case.name} at {connections} connections: {cost_us:.0f} µs a request"
                )
                parts += _tables(found, cost_us)
    return "\n\n".join(parts) + "\n"


def _tables(found: Sequence[Stack], cost_us: float) -> list[str]:
    """Return three rankings of the cost."""
    functions = stacks.by_function(found, ROOT)
    # What is left to work on once AWS's library is cheap.
    ours = Counter({name: count for name, count in functions.items() if name.startswith(OURS)})
    return [
        _ranked("module", stacks.by_module(found, ROOT), cost_us, found),
        _ranked("function of the service, with callees", ours, cost_us, found),
        _ranked("function, with callees", functions, cost_us, found),
    ]


@contextmanager
def _sampled(pid: int, cores: Cores, directory: Path, *, seconds: int) -> Iterator[Path]:
    """Sample a process for that many seconds; the file is complete when the block has ended."""
    file = directory / "stacks"
    command = [
        str(PY_SPY),
        "record",
        f"--pid={pid}",
        f"--rate={RATE_PER_S}",
        f"--duration={seconds}",
        "--format=raw",
        "--full-filenames",
        f"--output={file}",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as spy:  # noqa: S603 -- our own
        cores.pin_other(spy.pid)
        yield file
    if spy.returncode:
        raise SetupFailed(f"py-spy ended with status {spy.returncode}")


def _ranked(what: str, counts: Counter[str], cost_us: float, found: Sequence[Stack]) -> str:
    whole = sum(stack.count for stack in found)
    rows = [["µs", "share", what]]
    for name, count in counts.most_common(ROWS):
        share = count / whole
        rows.append([f"{share * cost_us:.1f}", f"{share:.1%}", name])
    return table.aligned(rows)
