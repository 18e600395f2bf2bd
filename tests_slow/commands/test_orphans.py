"""As process 1 of a container, the service adopts orphans: they end without harm, and are reaped."""

import asyncio
import json
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import aiohttp
import pytest

from tests.api.raw_http import until
from tests_slow.commands.running import PATIENCE_S, Running, running

# Becomes the service, and has a child before: it starts an orphan and ends after a byte in `start`.
LAUNCHER: Final = """
import ctypes, os, subprocess, sys
PR_SET_CHILD_SUBREAPER = 36
if os.getpid() != 1:
    assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
subprocess.Popen(["sh", "-c", "cat start; cat end & exit 2"], stdout=subprocess.DEVNULL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
LAUNCH: Final = (sys.executable, "-c", LAUNCHER)
NAMESPACE: Final = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child", *LAUNCH)
PROCESS_1: Final = pytest.param(
    NAMESPACE,
    id="process 1",
    marks=pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("unshare") is None,
        reason="only root may make a namespace of processes",
    ),
)
SUBREAPER: Final = pytest.param(LAUNCH, id="subreaper")
PROC: Final = Path("/proc")


class Process(NamedTuple):
    """A process as /proc shows it."""

    name: str
    state: str
    parent: int


def _processes() -> Iterator[tuple[int, Process]]:
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                before, _, after = (folder / "stat").read_text(encoding="utf-8").rpartition(")")
            except (FileNotFoundError, ProcessLookupError):  # it has ended since
                continue
            state, parent = after.split()[:2]
            yield int(folder.name), Process(before.partition("(")[2], state, int(parent))


def _children(parent: int) -> dict[int, Process]:
    """Return the children of a process, zombies included."""
    return {number: process for number, process in _processes() if process.parent == parent}


def _has_child(parent: int, name: str) -> Callable[[], bool]:
    return lambda: any(child.name == name for child in _children(parent).values())


def _environ(workers: int) -> Mapping[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
        "AWS_COGNITO_CLIENT_ID": "none",
        "AWS_DYNAMODB_ENDPOINT_URL": "http://127.0.0.1:1",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_WORKERS": str(workers),
    }


async def _is_alive(port: int) -> bool:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/health/live") as answer,
    ):
        return answer.status == 200


async def _listening(program: Running, workers: int) -> int:
    """Wait until all workers listen; return the port."""
    port: int = 0
    for _ in range(workers):
        port = json.loads(await program.until('"listening"'))["port"]
    return port


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("launcher", [PROCESS_1, SUBREAPER])
async def test_end_of_an_orphan_does_no_harm(
    tmp_path: Path, launcher: tuple[str, ...], workers: int
) -> None:
    """Children that are no workers are reaped and ignored, and the log has no warning about the end."""
    start, end = tmp_path / "start", tmp_path / "end"
    os.mkfifo(start)
    os.mkfifo(end)
    async with (
        running(
            "serve",
            folder=tmp_path,
            environ=_environ(workers),
            launcher=launcher,
            measured=True,
        ) as program,
        asyncio.timeout(4 * PATIENCE_S),
    ):
        port = await _listening(program, workers)
        (service,) = (
            _children(program.process.pid) if launcher == NAMESPACE else (program.process.pid,)
        )
        before = {number for number, child in _children(service).items() if child.name != "sh"}

        with start.open("wb"):  # `cat` reads to its end
            pass
        await until(lambda: _has_child(service, "cat")() and not _has_child(service, "sh")())
        with end.open("wb"):
            pass
        await until(lambda: not _has_child(service, "cat")())

        after = set(_children(service))
        alive = await _is_alive(port)
        os.kill(service, signal.SIGTERM)
        ended = await program.end()

    assert (after, alive, ended.status, ended.errors) == (before, True, 0, "")
    events = [json.loads(line) for line in ended.output.splitlines()]
    assert [
        line for line in events if line["event"].startswith("worker_") and line["level"] != "info"
    ] == []
