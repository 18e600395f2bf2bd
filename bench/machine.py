"""The machine: its cores, and the conditions of a result."""

import os
import platform
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Self

from bench import toolchains
from bench.load.generator import generator

PACKAGES = ("aiohttp", "aioboto3", "aiobotocore", "botocore", "uvloop", "orjson", "marshmallow")
PEER_PACKAGES = ("fastapi", "uvicorn", "boto3", "aiodynamo")


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the server under test, and the cores of the load and the stubs."""

    server: frozenset[int]
    others: frozenset[int]

    @classmethod
    def shared_out(cls, cores: set[int]) -> Self:
        """Assign the first core to the server and the others to the rest; a single core serves all."""
        first, *others = sorted(cores)
        return cls(frozenset({first}), frozenset(others or {first}))

    @contextmanager
    def starting_server(self) -> Iterator[None]:
        """
        Start processes on the server's core within the block.

        Those of other languages have threads as soon as they run, and count the cores then.
        """
        own = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.server)
        try:
            yield
        finally:
            os.sched_setaffinity(0, own)

    def pin_other(self, pid: int) -> None:
        """Bind a new process to the other cores."""
        os.sched_setaffinity(pid, self.others)


def conditions() -> dict[str, Any]:
    """Return the machine, the versions and the commit of a result."""
    return {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "load_average_at_start": round(os.getloadavg()[0], 2),
        "kernel": platform.release(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "optimised_python": "--enable-optimizations" in _configure_flags(),
        "generator": generator(),
        "packages": {
            **{name: version(name) for name in (*PACKAGES, *PEER_PACKAGES) if _has(name)},
            **toolchains.versions(),
        },
    }


def _cpu() -> str:
    """Return the model name of the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _configure_flags() -> str:

    return str(sysconfig.get_config_var("CONFIG_ARGS"))


def _has(package: str) -> bool:
    try:
        version(package)
    except ModuleNotFoundError:
        return False
    return True


def _commit() -> str:
    """Return the commit that was measured, marked if files differ from it."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12"],  # noqa: S607 -- the user's git
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    )
    return described.stdout.strip() or "unknown"
