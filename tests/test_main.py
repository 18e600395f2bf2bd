"""The command line: what it takes, what it loads, and how it ends."""

import asyncio
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from socket import create_server, socket

import pytest

from service import commands
from service.__main__ import main
from tests.loopback import HANG, answer, scripted
from tests.process import restored
from tests_slow.commands.running import PATIENCE_S, imported, printed_by, run, running

COMMANDS = {path.stem for path in Path(commands.__file__).parent.glob("[a-z]*.py")}
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
    "AWS_COGNITO_CLIENT_ID": "none",
    "SERVER_HOST": "127.0.0.1",
}
SECRET = "s3cr3t-of-the-client"  # noqa: S105 -- of nobody


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Work in an empty folder and without settings; put back what a command changes."""
    monkeypatch.chdir(tmp_path)
    with restored():
        for name in ENVIRON:
            os.environ.pop(name, None)
        yield tmp_path


@pytest.fixture(name="taken")
def _taken() -> Iterator[socket]:
    """Hold a port."""
    with create_server(("127.0.0.1", 0)) as taken:
        yield taken


async def test_help_lists_the_commands_and_loads_nothing(tmp_path: Path) -> None:
    """--help names every command at once: nothing is imported that only a command needs."""
    ended = await run("--help", folder=tmp_path, environ={}, options=("-X", "importtime"))

    assert (ended.status, printed_by(ended.errors)) == (0, "")
    assert ended.output.startswith("usage: python -m service")
    assert set(re.findall(r"^    (\w+) ", ended.output, re.MULTILINE)) == COMMANDS
    heavy = {"aioboto3", "aiohttp", "botocore", "marshmallow", "moto", "structlog", "uvloop"}
    assert imported(ended.errors).isdisjoint(heavy)


async def test_unusable_configuration_is_one_message(tmp_path: Path) -> None:
    """All that is wrong with the configuration stands in one message, and nothing else does."""
    environ = {"SERVER_PORT": "many", "AWS_COGNITO_CLIENT_SECRET": SECRET}
    ended = await run(folder=tmp_path, environ=environ)

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
    """Let programs be started as by a shell, or as in the background of a script."""
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
    async with scripted(HANG) as dynamodb:
        environ = {
            **ENVIRON,
            "AWS_DYNAMODB_ENDPOINT_URL": dynamodb.url,
            "AWS_DYNAMODB_READ_TIMEOUT_S": "60",
        }
        async with running("setup", folder=tmp_path, environ=environ) as program:
            async with asyncio.timeout(PATIENCE_S), dynamodb.news:
                await dynamodb.news.wait_for(lambda: dynamodb.requests)
            ended = await program.end(number)

    assert (ended.status, ended.output, ended.errors) == (status, "", "")
    assert ended.took_s < 5


async def test_taken_port_is_one_message(tmp_path: Path, taken: socket) -> None:
    """A service that can't listen says so on standard error, in one line, and ends with 2."""
    port = taken.getsockname()[1]
    async with scripted(answer({})) as dynamodb:
        there = {"AWS_DYNAMODB_ENDPOINT_URL": dynamodb.url, "SERVER_PORT": str(port)}
        ended = await run("serve", folder=tmp_path, environ=ENVIRON | there)

    assert ended.status == 2
    assert ended.errors.startswith(f"Cannot listen on 127.0.0.1:{port}: ")
    assert len(ended.errors.splitlines()) == 1


@pytest.mark.parametrize("command", [[], ["serve"]], ids=["none", "serve"])
def test_serving_is_the_default(
    command: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a command, the service is served as by `serve`."""
    assert main(command) == 2
    assert capsys.readouterr().err.startswith("The configuration (the environment) cannot be used")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_config_ini_is_read_where_it_stands(
    command: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every command reads the config.ini of its folder, if there is one."""
    (here / "config.ini").write_text("[server]\nprt = 1\n", encoding="utf-8")
    os.environ["SERVER_PORT"] = "many"  # so that nothing is served, whatever is read

    assert main([command]) == 2
    message = capsys.readouterr().err
    assert "config.ini and the environment" in message
    assert "did you mean port?" in message


def test_named_file_is_read_instead(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--config names another file, and config.ini is not read then."""
    (here / "config.ini").write_text("not an INI file", encoding="utf-8")
    (here / "other.ini").write_text("[server]\nport = many\n", encoding="utf-8")

    assert main(["--config", "other.ini", "serve"]) == 2
    message = capsys.readouterr().err
    assert "The configuration (other.ini and the environment) cannot be used" in message


def test_named_file_must_be_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file that is named and isn't there is an error, unlike a missing config.ini."""
    assert main(["--config", "other.ini"]) == 2
    assert capsys.readouterr().err == (
        "The file other.ini cannot be read: No such file or directory.\n"
    )
    assert list(here.iterdir()) == []


def test_unusable_schema_is_one_message(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A profile schema that can't be imported stops the start, named with its setting."""
    os.environ.update(ENVIRON)
    (here / "config.ini").write_text("[profile]\nschema = nowhere:Schema\n", encoding="utf-8")

    assert main(["serve"]) == 2
    assert capsys.readouterr().err.startswith("[profile] schema: nowhere:Schema cannot be imported")


@pytest.mark.parametrize("arguments", [["sing"], ["--colour"], ["setup", "--wait-s", "long"]])
def test_unknown_argument_is_told(
    arguments: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What the command line does not take ends with the usage and status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert list(here.iterdir()) == []
    assert capsys.readouterr().err.startswith("usage: python -m service")
