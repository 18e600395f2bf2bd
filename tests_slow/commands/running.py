"""Runs `python -m service` as a program of its own."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

PATIENCE_S = 60.0  # of operations that take one or two seconds on an idle machine
# For a clock that is set ahead. Not the locale: Python then writes UTF-8 everywhere.
INHERITED = ("PYTHON", "LATER_", "LD_PRELOAD")
FOR_COVERAGE = "COV"


def unmeasured_environ() -> dict[str, str]:
    """Return this environment without the variables that make coverage measure a program."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOR_COVERAGE)}


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, *took_s* seconds after the signal."""

    status: int
    output: str
    errors: str
    took_s: float


class Running:
    """A running program; its standard error is a file, which never blocks it."""

    def __init__(self, process: Process, errors: Path) -> None:
        self.process = process
        self.lines: list[str] = []
        self._errors = errors

    async def until(self, text: str) -> str:
        """Read standard output up to a line that holds *text*, and return it."""
        async with asyncio.timeout(PATIENCE_S):
            while line := await self._line():
                if text in line:
                    return line
        raise AssertionError(
            f"{text!r} was never printed:\n{''.join(self.lines)}\n{self._printed_errors()}"
        )

    async def end(self, number: signal.Signals | None = None) -> Ended:
        """Send a signal, if one is given, and wait for the end."""
        told = time.monotonic()
        if number is not None:
            self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE_S):
            while await self._line():
                pass
            status = await self.process.wait()
        took_s = time.monotonic() - told
        return Ended(status, "".join(self.lines), self._printed_errors(), took_s)

    def group_is_gone(self) -> bool:
        """Return whether neither the program nor a child of it is left."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False

    def _printed_errors(self) -> str:
        return self._errors.read_text(encoding="utf-8")

    async def _line(self) -> str:
        assert self.process.stdout is not None
        line = (await self.process.stdout.readline()).decode()
        if line:
            self.lines.append(line)
        return line


@asynccontextmanager
async def running(
    *arguments: str,
    folder: Path,
    environ: Mapping[str, str],
    options: tuple[str, ...] = (),
    launcher: tuple[str, ...] = (sys.executable,),
    measured: bool = False,
) -> AsyncIterator[Running]:
    """
    Start `python -m service` in *folder*, with *environ* and nothing else of this environment.

    *options* are the interpreter's, and *launcher* is the program that becomes it. A warning is an error
    there as here. Coverage is *measured* only where no other test reaches the code: it doubles the CPU
    time of a start. A package `service` in *folder* comes before the installed one and must not be
    measured.
    """
    prefixes = (*INHERITED, FOR_COVERAGE) if measured else INHERITED
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(prefixes) or name == "PATH"
    }
    errors = folder / "stderr.txt"
    with errors.open("w", encoding="utf-8") as stderr:
        process = await asyncio.create_subprocess_exec(
            *(*launcher, "-W", "error", *options, "-m", "service", *arguments),
            cwd=folder,
            env={"HOME": str(folder), "SERVER_DRAIN_S": "0", **inherited, **environ},
            stdout=PIPE,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        yield Running(process, errors)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def becomes(url: str, status: int, within_s: float = PATIENCE_S) -> float:
    """Wait until the response has this status; return how long it took, in seconds."""
    begun = time.monotonic()
    async with asyncio.timeout(within_s), aiohttp.ClientSession() as session:
        while True:
            async with session.get(url) as response:
                if response.status == status:
                    return time.monotonic() - begun
            await asyncio.sleep(0.1)


async def run(
    *arguments: str,
    folder: Path,
    environ: Mapping[str, str],
    options: tuple[str, ...] = (),
    measured: bool = False,
) -> Ended:
    """Run `python -m service` to its end."""
    async with running(
        *arguments, folder=folder, environ=environ, options=options, measured=measured
    ) as program:
        return await program.end()


def imported(errors: str) -> set[str]:
    """Return the modules that a program run with `-X importtime` imported."""
    return {
        line.rpartition("|")[2].strip()
        for line in errors.splitlines()
        if line.startswith("import time:")
    }


def printed_by(errors: str) -> str:
    """Return the standard error of a program run with `-X importtime` without the import times."""
    return "".join(
        line for line in errors.splitlines(keepends=True) if not line.startswith("import time:")
    )
