"""The command line as a program: its imports, and its exit."""

import asyncio
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from socket import create_server, socket

import pytest

from tests.support.scripted_aws import HANG, answer, scripted_server
from tests.test_main import COMMANDS, ENVIRON
from tests_slow.commands.running import PATIENCE_S, imported, printed_by, run, running

SECRET = "s3cr3t-of-the-client"  # noqa: S105 -- of nobody


@pytest.fixture(name="taken")
def _taken() -> Iterator[socket]:
    """Hold a port."""
    with create_server(("127.0.0.1", 0)) as taken:
        yield taken


async def test_help_lists_the_commands_and_loads_nothing(tmp_path: Path) -> None:
    """--help lists every command without importing what only a command needs."""
    ended = await run(
        "--help", folder=tmp_path, environ={}, options=("-X", "importtime"), measured=True
    )

    assert (ended.status, printed_by(ended.errors)) == (0, "")
    assert ended.output.startswith("usage: python -m service")
    listed = set(re.findall(r"^    (\w+) ", ended.output, re.MULTILINE))
    assert listed == COMMANDS | {"doctor", "smoke"}
    heavy = {"aioboto3", "aiohttp", "botocore", "marshmallow", "moto", "structlog", "uvloop"}
    assert imported(ended.errors).isdisjoint(heavy)


async def test_unusable_configuration_is_one_message(tmp_path: Path) -> None:
    """All errors of the configuration are in one message, and nothing else is printed."""
    environ = {"SERVER_PORT": "many", "AWS_COGNITO_CLIENT_SECRET": SECRET}
    ended = await run(folder=tmp_path, environ=environ, measured=True)

    assert (ended.status, ended.output) == (2, "")
    first, *problems = ended.errors.splitlines()
    assert first == "The configuration (the environment) cannot be used:"
    assert [problem.partition(":")[0] for problem in problems] == [
        "  [aws] region (environment",
        "  [aws.cognito] user-pool-id (environment",
        "  [aws.cognito] client-id (environment",
        "  [server] port (environment",
    ]
    assert SECRET not in ended.errors


@pytest.fixture(params=[signal.default_int_handler, signal.SIG_IGN], ids=["shell", "background"])
def inherited(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start programs as a shell does, in the foreground or in the background of a script."""
    before = signal.signal(signal.SIGINT, request.param)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("inherited")
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
async def test_signal_before_it_serves_ends_it(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    """A command that waits for a server ends on a signal at once, with a shell's status for it."""
    async with scripted_server(HANG) as dynamodb:
        environ = {
            **ENVIRON,
            "AWS_DYNAMODB_ENDPOINT_URL": dynamodb.url,
            "AWS_DYNAMODB_READ_TIMEOUT_S": "60",
        }
        async with running("setup", folder=tmp_path, environ=environ, measured=True) as program:
            async with asyncio.timeout(PATIENCE_S), dynamodb.news:
                await dynamodb.news.wait_for(lambda: dynamodb.requests)
            ended = await program.end(number)

    assert (ended.status, ended.output, ended.errors) == (status, "", "")
    assert ended.took_s < 5


async def test_taken_port_is_one_message(tmp_path: Path, taken: socket) -> None:
    """A service that cannot listen reports it in one line on standard error, and exits with 2."""
    port = taken.getsockname()[1]
    async with scripted_server(answer({})) as dynamodb:
        there = {"AWS_DYNAMODB_ENDPOINT_URL": dynamodb.url, "SERVER_PORT": str(port)}
        ended = await run("serve", folder=tmp_path, environ=ENVIRON | there, measured=True)

    assert ended.status == 2
    assert ended.errors.startswith(f"Cannot listen on 127.0.0.1:{port}: ")
    assert len(ended.errors.splitlines()) == 1
