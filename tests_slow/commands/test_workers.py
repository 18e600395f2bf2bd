"""Several workers serve on one port; one that dies is replaced, and a signal ends them all."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from local_aws.server import LocalAws
from tests.least_privilege.plugin import Guarded
from tests_slow.commands import provisioned
from tests_slow.commands.running import PATIENCE_S, Ended, Running, run, running

TABLE = "profiles-of-workers"
WORKERS = 3
IGNORE_CHILDREN = """
import os, signal, sys
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture(name="environ", scope="module")
def _environ(own_local_aws: LocalAws, guarded: Guarded) -> Mapping[str, str]:
    """Return the environment of a service whose table and user pool exist."""
    url = own_local_aws.endpoint_url
    return {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        **asyncio.run(provisioned.create(url, TABLE)),
        "AWS_COGNITO_ENDPOINT_URL": url,
        "AWS_DYNAMODB_ENDPOINT_URL": guarded(TABLE),
        "AWS_DYNAMODB_USER_PROFILE_TABLE": TABLE,
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_WORKERS": str(WORKERS),
    }


@asynccontextmanager
async def _serving(
    environ: Mapping[str, str], folder: Path, launcher: tuple[str, ...] = (sys.executable,)
) -> AsyncIterator[tuple[Running, int, set[int]]]:
    """Start the service; yields its port and its workers once all listen."""
    async with running(
        "serve", folder=folder, environ=environ, launcher=launcher, measured=True
    ) as program:
        listening = [await _event(program, "listening") for _ in range(WORKERS)]
        (port,) = {event["port"] for event in listening}
        yield program, port, {event["process"] for event in listening}


async def _event(program: Running, name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(await program.until(f'"{name}"'))
    return event


async def _status(port: int, host: str = "127.0.0.1") -> int:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://{host}:{port}/health/live") as answer,
    ):
        return answer.status


async def _end(process: int) -> None:
    """Wait for the end of a process that is not a child of this one."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)


def _is_gone(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    return False


def _events(ended: Ended, name: str) -> list[dict[str, Any]]:
    return [event for event in map(json.loads, ended.output.splitlines()) if event["event"] == name]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_workers_share_a_port_and_end_together(
    environ: Mapping[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    """Each worker is a separate process, all respond on one port, and a signal ends every one."""
    async with _serving(environ, tmp_path) as (program, port, workers):
        statuses = {await _status(port) for _ in range(12)}
        ended = await program.end(number)

    assert len(workers) == WORKERS
    assert program.process.pid not in workers
    assert statuses == {200}
    assert ended.status == 0
    assert len(_events(ended, "stopped")) == 1
    assert all(map(_is_gone, workers))


async def test_workers_share_a_port_at_every_address(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    """Every worker listens on each address of the list, and says so."""
    hosts = "127.0.0.1 127.0.0.2"
    async with _serving({**environ, "SERVER_HOST": hosts}, tmp_path) as (program, port, _):
        statuses = {await _status(port, host) for host in hosts.split() * 6}
        ended = await program.end(signal.SIGTERM)

    assert (statuses, ended.status) == ({200}, 0)
    assert {event["host"] for event in _events(ended, "listening")} == {hosts}


@pytest.mark.parametrize(
    "launcher",
    [(sys.executable,), (sys.executable, "-c", IGNORE_CHILDREN)],
    ids=["from a shell", "from a parent that ignores the end of children"],
)
async def test_worker_that_dies_is_replaced(
    environ: Mapping[str, str], tmp_path: Path, launcher: tuple[str, ...]
) -> None:
    """A killed worker is logged, and another one listens in its place."""
    async with _serving(environ, tmp_path, launcher) as (program, port, workers):
        victim = min(workers)
        os.kill(victim, signal.SIGKILL)
        died = await _event(program, "worker_ended")
        replaced = await _event(program, "listening")
        statuses = {await _status(port) for _ in range(12)}
        ended = await program.end(signal.SIGTERM)

    assert (died["process"], died["status"]) == (victim, -signal.SIGKILL)
    assert died["level"] == "warning"
    assert replaced["process"] not in workers
    assert (statuses, ended.status) == ({200}, 0)


async def test_workers_do_not_outlive_their_supervisor(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    """After the supervisor ends, its port is free."""
    async with _serving(environ, tmp_path) as (program, port, workers):
        program.process.kill()
        await program.process.wait()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*map(_end, workers))

    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_worker_that_hangs_is_killed(environ: Mapping[str, str], tmp_path: Path) -> None:
    """A worker that does not finish in time is killed, also if the signal is repeated."""
    impatient = {**environ, "SERVER_REQUEST_DEADLINE_S": "0.2"}
    async with _serving(impatient, tmp_path) as (program, _, workers):
        os.kill(min(workers), signal.SIGSTOP)
        program.process.send_signal(signal.SIGTERM)
        await program.until("worker_ended")
        ended = await program.end(signal.SIGTERM)

    assert ended.status == 0
    assert all(map(_is_gone, workers))


async def test_taken_port_is_said_once(environ: Mapping[str, str], tmp_path: Path) -> None:
    """A port on which another service's workers listen is taken."""
    async with _serving(environ, tmp_path) as (_, port, _):
        folder = tmp_path / "second"
        folder.mkdir()
        same_port = {**environ, "SERVER_PORT": str(port)}

        ended = await run("serve", folder=folder, environ=same_port, measured=True)

    assert ended.status == 2
    assert ended.errors.count("Cannot listen on") == 1


async def test_service_that_cannot_work_ends(tmp_path: Path) -> None:
    """Workers that cannot start are not restarted."""
    environ = await _environ_of_nothing(tmp_path)

    ended = await run("serve", folder=tmp_path, environ=environ, measured=True)

    assert ended.status == 2
    assert "The settings for AWS" in ended.errors


async def _environ_of_nothing(folder: Path) -> dict[str, str]:
    """Return right settings with an AWS profile that does not exist."""
    return {
        "AWS_PROFILE": "nobody",
        "AWS_CONFIG_FILE": str(folder / "none"),
        "AWS_REGION": "us-east-1",
        "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
        "AWS_COGNITO_CLIENT_ID": "none",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
        "SERVER_WORKERS": "2",
    }
