"""The command line: its arguments, its settings and its exit status."""

import os
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest

from service.__main__ import main
from service.config.settings import SECTIONS, definitions, environment_name
from tests.support.process_state import restored

COMMANDS = {"local", "serve", "setup"}  # `doctor` reports the settings as a check
ENVIRON = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_REGION": "us-east-1",
    "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
    "AWS_COGNITO_CLIENT_ID": "none",
    "SERVER_HOST": "127.0.0.1",
}


@pytest.fixture(name="here")
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Change to an empty folder without settings; restore what a command changes."""
    monkeypatch.chdir(tmp_path)
    with restored():
        for name in ENVIRON:
            os.environ.pop(name, None)
        yield tmp_path


@pytest.mark.parametrize("command", [[], ["serve"]], ids=["none", "serve"])
def test_serving_is_the_default(
    command: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a command, `serve` is run."""
    assert main(command) == 2
    assert capsys.readouterr().err.startswith("The configuration (the environment) cannot be used")
    assert list(here.iterdir()) == []


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_config_ini_is_read_where_it_stands(
    command: str,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every command reads config.ini of the working directory if it exists."""
    (here / "config.ini").write_text("[server]\nprt = 1\n", encoding="utf-8")
    os.environ["SERVER_PORT"] = "many"  # so that nothing is served, whatever is read

    assert main([command]) == 2
    message = capsys.readouterr().err
    assert "config.ini and the environment" in message
    assert "did you mean port?" in message


def test_named_file_is_read_instead(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With --config, config.ini is not read."""
    (here / "config.ini").write_text("not an INI file", encoding="utf-8")
    (here / "other.ini").write_text("[server]\nport = many\n", encoding="utf-8")

    assert main(["--config", "other.ini", "serve"]) == 2
    message = capsys.readouterr().err
    assert "The configuration (other.ini and the environment) cannot be used" in message


def test_file_is_named_before_or_after_the_command(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """--config belongs to every command, and may stand on either side of it."""
    (here / "other.ini").write_text("[server]\nprt = 1\n", encoding="utf-8")

    for arguments in (["--config", "other.ini", "setup"], ["setup", "--config", "other.ini"]):
        assert main(arguments) == 2
        assert "other.ini and the environment" in capsys.readouterr().err


def test_named_file_must_be_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A missing file of --config is an error, unlike a missing config.ini."""
    assert main(["--config", "other.ini"]) == 2
    assert capsys.readouterr().err == (
        "The file other.ini cannot be read: No such file or directory.\n"
    )
    assert list(here.iterdir()) == []


def test_unusable_schema_is_one_message(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A profile schema that cannot be imported ends the start with its setting."""
    os.environ.update(ENVIRON)
    (here / "config.ini").write_text("[profile]\nschema = nowhere:Schema\n", encoding="utf-8")

    assert main(["serve"]) == 2
    assert capsys.readouterr().err.startswith("[profile] schema: nowhere:Schema cannot be imported")


@pytest.mark.parametrize(
    "arguments",
    [["sing"], ["--colour"], ["setup", "--wait-s", "long"], ["setup", "--wait-s", "nan"]],
)
def test_unknown_argument_is_an_error(
    arguments: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An unknown argument ends with the usage and status 2."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert list(here.iterdir()) == []
    assert capsys.readouterr().err.startswith("usage: python -m service")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--passkeys-of", "localhost"], "--passkeys-of is for a new app client"),
        (["--redirect-uri", "http://localhost/"], "--redirect-uri is for a new app client"),
        (["--srp"], "--srp is for a new app client"),
        (["--domain", "example"], "--domain needs --user-pool NAME, or --resource-server."),
        (["--sessions"], "--sessions needs --user-pool NAME, or the id"),
        (["--resource-server", "--domain", "example"], "--resource-server needs --user-pool NAME"),
    ],
)
def test_option_without_effect_is_refused(
    option: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An option of `setup` that needs another one ends it before AWS is called."""
    os.environ |= {**ENVIRON, "AWS_COGNITO_USER_POOL_ID": ""}

    assert main(["setup", *option]) == 2
    assert capsys.readouterr().err.startswith(message)
    assert list(here.iterdir()) == []


def test_version_is_printed(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints the name and version of the package, without any setting."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"user-profile-service {version('user-profile-service')}\n"
    assert list(here.iterdir()) == []


def test_help_names_the_settings_without_a_default(capsys: pytest.CaptureFixture[str]) -> None:
    """--help names the variables that must be set, each with its example."""
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    named = re.findall(r"^  ([A-Z_]+) ", capsys.readouterr().out, re.MULTILINE)
    assert named == [
        environment_name(section.section, key)
        for section in SECTIONS.values()
        for key, definition in definitions(section).items()
        if definition.required
    ]
