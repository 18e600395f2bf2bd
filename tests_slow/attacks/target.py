"""A `serve` process, as in production, in front of a local AWS in a separate process."""

import asyncio
import json
import os
import signal
import sys
import uuid
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.aws.clients import open_clients
from service.commands import provisioning
from service.config.loader import Settings
from tests.support.configs import CREDENTIALS, configured

PATIENCE_S = 60.0  # for one or two seconds on an idle machine
INHERITED = ("COV", "LANG", "LC_", "PYTHON")  # coverage of the program, and its text encoding
# The local AWS serves one call at a time for all hostile clients.
AWS_READ_TIMEOUT_S = "20"


@dataclass(frozen=True, slots=True)
class Place:
    """A local AWS with a table and a user pool of one client: its URL and their ids."""

    aws_url: str
    user_pool_id: str
    client_id: str
    table: str


@dataclass(frozen=True, slots=True)
class Target:
    """A running `serve` process: its address, its process id, and the file of its log."""

    host: str
    port: int
    pid: int
    place: Place
    log_file: Path

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"http://{self.host}:{self.port}"

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Return the log's events of these names, or all; each line must be JSON."""
        lines = self.log_file.read_text().splitlines()
        return [event for event in map(json.loads, lines) if not names or event["event"] in names]

    def rss_bytes(self) -> int:
        """Return the resident memory of the process (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        """Return how many file descriptors the process has open (Linux)."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@asynccontextmanager
async def local_aws_process() -> AsyncIterator[str]:
    """Run the local AWS and yield its URL."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "local_aws", "--port", "0"),
        stdout=PIPE,
        stderr=DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    announced = asyncio.create_task(_announced(process.stdout))
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield await announced
    finally:
        announced.cancel()
        await _end(process, signal.SIGTERM)


async def _announced(output: asyncio.StreamReader) -> str:
    line = (await output.readline()).decode()
    return line.rpartition(" ")[2].strip()


async def provisioned(aws_url: str) -> Place:
    """Create a table, a user pool and a client with new names."""
    name = f"attacked-{uuid.uuid4().hex}"
    config = configured(
        {
            "aws.cognito": {"endpoint-url": aws_url, "read-timeout-s": AWS_READ_TIMEOUT_S},
            "aws.dynamodb": {"endpoint-url": aws_url, "read-timeout-s": AWS_READ_TIMEOUT_S},
        }
    )
    async with open_clients(config, CREDENTIALS) as clients:
        await provisioning.create_table(clients.dynamodb.aioboto3, name)
        pool_id = await provisioning.create_user_pool(clients.cognito, name, passkeys_of=None)
        client_id = await provisioning.create_client(clients.cognito, pool_id, name)
    return Place(aws_url, pool_id, client_id, name)


@asynccontextmanager
async def serve_process(
    place: Place, folder: Path, settings: Settings | None = None
) -> AsyncIterator[Target]:
    """Run `serve` (uvloop) with *settings* over the defaults; its log goes to a file in *folder*."""
    log_file, error_file = folder / "log.jsonl", folder / "stderr.txt"
    with log_file.open("w") as log, error_file.open("w") as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-W", "error", "-m", "service", "serve"),
            cwd=folder,
            env=_environ(place, folder, settings or {}),
            stdout=log,
            stderr=errors,
            start_new_session=True,
        )
    try:
        listening = await _listening(process, log_file, error_file)
        yield Target(listening["host"], listening["port"], process.pid, place, log_file)
    finally:
        await _end(process, signal.SIGTERM)


async def _listening(process: Process, log_file: Path, error_file: Path) -> dict[str, Any]:
    """Wait for the log line with the address; there is no event for a file."""
    async with asyncio.timeout(PATIENCE_S):
        while (event := _event(log_file, "listening")) is None:
            assert process.returncode is None, _text(error_file)
            await asyncio.sleep(0.02)
    return event


def _event(log_file: Path, name: str) -> dict[str, Any] | None:
    whole = [line for line in _text(log_file).splitlines(keepends=True) if line.endswith("\n")]
    return next((event for event in map(json.loads, whole) if event["event"] == name), None)


def _text(file: Path) -> str:
    return file.read_text()


async def _end(process: Process, number: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), PATIENCE_S)
        except TimeoutError:
            process.kill()
            await process.wait()


def _environ(place: Place, folder: Path, settings: Settings) -> Mapping[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(INHERITED) or name == "PATH"
    }
    own = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "AWS_COGNITO_CLIENT_ID": place.client_id,
        "AWS_COGNITO_ENDPOINT_URL": place.aws_url,
        "AWS_COGNITO_READ_TIMEOUT_S": AWS_READ_TIMEOUT_S,
        "AWS_COGNITO_USER_POOL_ID": place.user_pool_id,
        "AWS_DYNAMODB_ENDPOINT_URL": place.aws_url,
        "AWS_DYNAMODB_READ_TIMEOUT_S": AWS_READ_TIMEOUT_S,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": place.table,
        "AWS_REGION": "us-east-1",
        "HOME": str(folder),
        "SERVER_DRAIN_S": "0",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }
    given = {
        f"{section}_{key}".upper().replace(".", "_").replace("-", "_"): value
        for section, entries in settings.items()
        for key, value in entries.items()
    }
    return {**inherited, **own, **given}
