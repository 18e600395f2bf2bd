"""A `serve` process, as production runs it, in front of a local AWS in a process of its own."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service.aws.clients import open_clients
from service.commands import provisioning, table_setup
from service.config.loader import Settings
from service.config.settings import Config
from tests.support.configs import CREDENTIALS, configured
from tests_slow.commands import running

PATIENCE_S: Final = 60.0  # for what takes one or two seconds on an idle machine
POLL_S: Final = 0.02
INHERITED: Final = (*running.INHERITED, "LANG", "LC_")
# A local AWS answers one call at a time, and all hostile clients share it.
AWS_READ_TIMEOUT_S: Final = "20"


@dataclass(frozen=True, slots=True)
class Resources:
    """A local AWS with a table and a user pool of one client: its URL and their ids."""

    aws_url: str
    user_pool_id: str
    client_id: str
    table: str

    def settings(self) -> Settings:
        """Return the settings of a service on these resources."""
        endpoint = {"endpoint-url": self.aws_url, "read-timeout-s": AWS_READ_TIMEOUT_S}
        return {
            "aws.cognito": {
                **endpoint,
                "client-id": self.client_id,
                "user-pool-id": self.user_pool_id,
            },
            "aws.dynamodb": {**endpoint, "user-profile-table": self.table},
        }

    def config(self) -> Config:
        """Return the configuration of an operator's programs."""
        return configured(self.settings())


@dataclass(frozen=True, slots=True)
class Target:
    """A running `serve` process: its address, its process id, and the file of its log."""

    host: str
    port: int
    pid: int
    resources: Resources
    log_file: Path

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"http://{self.host}:{self.port}"

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Return the log's events of these names, or all; each complete line must be JSON."""
        events = map(json.loads, _lines(self.log_file))
        return [event for event in events if not names or event["event"] in names]

    def rss_bytes(self) -> int:
        """Return the resident memory of the process (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def open_files(self) -> int:
        """Return how many file descriptors the process has open (Linux)."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))


@contextmanager
def local_aws_process() -> Iterator[Resources]:
    """Run the local AWS with a table, a user pool and a client."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local_aws", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=running.unmeasured_environ(),
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        url = process.stdout.readline().rpartition(" ")[2].strip()
        yield asyncio.run(_provisioned(url))
    finally:
        _end(process)


async def _provisioned(aws_url: str) -> Resources:
    name = f"attacked-{uuid.uuid4().hex}"
    endpoint = {"endpoint-url": aws_url, "read-timeout-s": AWS_READ_TIMEOUT_S}
    config = configured({"aws.cognito": endpoint, "aws.dynamodb": endpoint})
    async with open_clients(config, CREDENTIALS) as clients:
        await table_setup.create_table(clients.dynamodb.aioboto3, name)
        pool_id = await provisioning.create_user_pool(clients.cognito, name, passkeys_of=None)
        client_id = await provisioning.create_client(clients.cognito, pool_id, name)
    return Resources(aws_url, pool_id, client_id, name)


@contextmanager
def serve_process(
    resources: Resources, folder: Path, settings: Settings | None = None
) -> Iterator[Target]:
    """Run `serve` (uvloop) with *settings* over the defaults; its log goes to a file in *folder*."""
    log_file, error_file = folder / "log.jsonl", folder / "stderr.txt"
    with log_file.open("w") as log, error_file.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "service", "serve"],
            cwd=folder,
            env=_environ(resources, folder, settings or {}),
            stdout=log,
            stderr=errors,
            start_new_session=True,
        )
    try:
        listening = _listening(process, log_file, error_file)
        yield Target(listening["host"], listening["port"], process.pid, resources, log_file)
    finally:
        _end(process)


def _listening(process: "subprocess.Popen[bytes]", log_file: Path, errors: Path) -> dict[str, Any]:
    """Wait for the log event that holds the address."""
    give_up_at_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < give_up_at_s:
        for event in map(json.loads, _lines(log_file)):
            if event["event"] == "listening":
                return dict(event)
        assert process.poll() is None, errors.read_text()
        time.sleep(POLL_S)
    raise TimeoutError("serve does not listen")


def _lines(log_file: Path) -> list[str]:
    """Return the lines that are written completely."""
    lines = log_file.read_text().splitlines(keepends=True)
    return [line for line in lines if line.endswith("\n")]


def _end(process: "subprocess.Popen[Any]") -> None:
    process.terminate()
    try:
        process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _environ(resources: Resources, folder: Path, settings: Settings) -> Mapping[str, str]:
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(INHERITED) or name == "PATH"
    }
    own = {
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key_id,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_access_key,
        "AWS_REGION": "us-east-1",
        "HOME": str(folder),
        "SERVER_DRAIN_S": "0",
        "SERVER_HOST": "127.0.0.1",
        "SERVER_PORT": "0",
    }
    return {**inherited, **own, **_variables(resources.settings()), **_variables(settings)}


def _variables(settings: Settings) -> dict[str, str]:
    return {
        f"{section}_{key}".upper().replace(".", "_").replace("-", "_"): value
        for section, entries in settings.items()
        for key, value in entries.items()
    }
