"""The load generator of this machine: wrk where it is installed."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.load.outcome import Outcome

SCRIPT: Final = Path(__file__).with_name("requests.lua")
TIME_LIMIT_S: Final = 10  # for one response: longer than the service's deadline


@dataclass(frozen=True, slots=True)
class Load:
    """What to send; *first* is the number of the first new user."""

    port: int
    file: Path
    connections: int
    seconds: int
    first: int


def generator() -> str:
    """Return the name of the generator."""
    return "asyncio" if shutil.which("wrk") is None else "wrk"


def command(load: Load) -> list[str]:
    """Return the command line that sends the load."""
    if generator() == "wrk":
        return [
            "wrk",
            "--threads=1",
            f"--connections={load.connections}",
            f"--duration={load.seconds}s",
            f"--timeout={TIME_LIMIT_S}s",
            f"--script={SCRIPT}",
            f"http://127.0.0.1:{load.port}",
            "--",
            str(load.file),
            str(load.first),
        ]
    numbers = (load.port, load.connections, load.seconds, load.file, load.first)
    return [sys.executable, "-m", "bench.load.asyncio_load", *map(str, numbers)]


def send(load: Load, *, pin: Callable[[int], None]) -> Outcome:
    """Send the load; *pin* is called with the generator's process id, to bind it to its cores."""
    process = subprocess.Popen(command(load), stdout=subprocess.PIPE, text=True)  # noqa: S603 -- our own
    pin(process.pid)
    output, _ = process.communicate()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command(load), output)
    return Outcome.parsed(output)
