"""A process under measurement: its CPU time, memory, start and end."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

TICKS_PER_S: Final = os.sysconf("SC_CLK_TCK")
PROC: Final = Path("/proc")
STOP_WITHIN_S: Final = 15.0  # longer than this service waits for requests in flight
SETTLES_WITHIN_S: Final = 5.0
QUIET_S: Final = 0.1

# Of /proc/PID/stat after the name in brackets, which are its fields 14 to 17 (proc_pid_stat(5)):
# user and system time of the process, and of the children that it has waited for.
TIMES: Final = slice(11, 15)


@dataclass(frozen=True, slots=True)
class Program:
    """A program to start; *environ* is its whole environment."""

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]


class Process:
    """A running program; its output goes to *stdout*, or is discarded."""

    def __init__(self, program: Program, *, stdout: int | IO[bytes] = subprocess.DEVNULL) -> None:
        self.name = program.name
        self.started_at = time.perf_counter()
        self._popen = subprocess.Popen(  # noqa: S603 -- our own programs
            [*program.command], env={**program.environ}, stdout=stdout
        )
        self.pid = self._popen.pid

    def first_line(self) -> str:
        """Return the first line of its output from a pipe; empty if it ends without one."""
        assert self._popen.stdout is not None  # noqa: S101 -- the caller has set a pipe
        return bytes(self._popen.stdout.readline()).decode().strip()

    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return self._popen.poll() is None

    def cpu_s(self) -> float:
        """Return the CPU seconds of the process and its children, in whole ticks."""
        return sum(_ticks(pid) for pid in family(self.pid)) / TICKS_PER_S

    def resident_mib(self) -> float:
        """Return the resident memory of the process and its children; shared memory counts for each."""
        return sum(_resident_kib(pid) for pid in family(self.pid)) / 1_024

    def settle(self) -> None:
        """Wait until the process is idle: it may still handle requests that were abandoned."""
        ends_at = time.perf_counter() + SETTLES_WITHIN_S
        used_s = -1.0
        while used_s != self.cpu_s() and time.perf_counter() < ends_at:
            used_s = self.cpu_s()
            time.sleep(QUIET_S)

    def stop(self) -> None:
        """Stop it, and wait until it has ended."""
        if self.is_running():
            self._popen.send_signal(signal.SIGTERM)
        try:
            self._popen.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()


@contextmanager
def running(program: Program, *, stdout: int = subprocess.DEVNULL) -> Iterator[Process]:
    """Run a program until the block ends."""
    process = Process(program, stdout=stdout)
    try:
        yield process
    finally:
        process.stop()


def family(pid: int) -> list[int]:
    """Return a process and all its descendants; empty if it has ended."""
    members = [pid]
    for member in members:
        for task in (PROC / str(member) / "task").glob("*"):
            members += map(int, _text(task / "children").split())
    return members


def _ticks(pid: int) -> int:
    fields = _text(PROC / str(pid) / "stat").rpartition(")")[2].split()
    return sum(map(int, fields[TIMES]))


def _resident_kib(pid: int) -> int:
    for line in _text(PROC / str(pid) / "status").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):  # it has ended in the meantime
        return ""
