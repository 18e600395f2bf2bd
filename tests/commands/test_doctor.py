"""`doctor` prints a report and nothing else, and ends with its status."""

import io
import json
import os
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from service.__main__ import main
from service.commands import terminal
from tests.support.scripted_aws import url_of

ROLE = "arn:aws:iam::123456789012:role/user-profiles"


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        """Return that it is."""
        return True


@pytest.fixture(name="environ")
def _environ(
    placed: Mapping[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    process_restored: None,
) -> None:
    """Work in an empty folder, with the environment of a set-up that lacks everything."""
    del process_restored
    monkeypatch.chdir(tmp_path)
    os.environ.update(placed)
    os.environ.update(
        {
            "AWS_ENDPOINT_URL_STS": placed["AWS_COGNITO_ENDPOINT_URL"],
            "AWS_COGNITO_USER_POOL_ID": "us-east-1_none",
            "AWS_COGNITO_CLIENT_ID": "none",
            "IDENTITY_SOURCES": "bearer",
        }
    )


@pytest.mark.usefixtures("environ")
def test_report_for_programs_is_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output is one JSON object; the status says that something is wrong."""
    status = main(["doctor", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert (status, report["ok"]) == (1, False)
    wrong = {check["name"] for check in report["checks"] if check["status"] == "wrong"}
    assert wrong == {
        "table keys",
        "user pool",
        "user pool keys",
        "app client",
        "app client sign-in",
    }
    for check in report["checks"]:
        assert check.keys() == {"step", "name", "status", "detail", "advice"}


@pytest.mark.usefixtures("environ")
def test_report_for_programs_is_alone_without_a_network(capsys: pytest.CaptureFixture[str]) -> None:
    """What goes wrong meanwhile is logged to standard error, with no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        os.environ["AWS_COGNITO_JWKS_URL"] = url_of(closed)

    assert main(["doctor", "--json"]) == 1

    printed = capsys.readouterr()
    (keys,) = (c for c in json.loads(printed.out)["checks"] if c["name"] == "user pool keys")
    assert keys["status"] == "unknown"
    assert [json.loads(line)["event"] for line in printed.err.splitlines()] == ["keys_unavailable"]


@pytest.mark.usefixtures("environ")
def test_missing_credentials_are_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    """Without credentials the report says what to set, and with a broken source of them, too."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        os.environ.pop(name, None)
    os.environ |= {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull}
    os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull

    for variables in ({}, {"AWS_WEB_IDENTITY_TOKEN_FILE": "/none", "AWS_ROLE_ARN": ROLE}):
        os.environ |= variables
        assert main(["doctor", "--json"]) == 1
        printed = capsys.readouterr()
        (found,) = (c for c in json.loads(printed.out)["checks"] if c["name"] == "credentials")
        assert (found["status"], bool(found["advice"])) == ("wrong", True)
        assert "credentials_missing" in printed.err
        assert "Traceback" not in printed.err


@pytest.mark.usefixtures("environ")
def test_report_for_a_file_is_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Each check is a line, with what corrects it below."""
    assert main(["doctor"]) == 1

    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert any(line.startswith("wrong 1 table keys: There is no table") for line in lines)
    assert any("python -m service setup" in line for line in lines)
    assert lines[-1].endswith("unknown")
    assert "\x1b" not in printed.out + printed.err


@pytest.mark.usefixtures("environ")
def test_report_for_a_terminal_is_a_coloured_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal gets columns and colours, without these if NO_COLOR is set; the log is text there."""
    monkeypatch.setattr(terminal, "UPDATE_S", 0.001)
    for name in ("NO_COLOR", "LOG_FORMAT"):
        os.environ.pop(name, None)
    os.environ["TERM"] = "xterm"
    with socket.create_server(("127.0.0.1", 0)) as closed:
        os.environ["AWS_COGNITO_JWKS_URL"] = url_of(closed)

    printed = []
    for variables in ({}, {"NO_COLOR": "1"}):
        os.environ |= variables
        output, errors = Terminal(), Terminal()
        monkeypatch.setattr(sys, "stdout", output)
        monkeypatch.setattr(sys, "stderr", errors)
        assert main(["doctor"]) == 1
        printed.append(output.getvalue())
        assert re.search(r"\r\x1b\[KChecking table, .* \(\d+ s\)\r", errors.getvalue())
        assert "keys_unavailable" in errors.getvalue()
        assert '{"' not in errors.getvalue()

    assert "\x1b[1;31mwrong\x1b[0m" in printed[0]
    assert re.search(r"^1  table keys +wrong ", printed[1], re.MULTILINE)
    assert "\x1b" not in printed[1]


@pytest.mark.usefixtures("environ")
def test_settings_that_cannot_be_used_are_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    """What `serve` refuses to start with is step 5, wrong."""
    os.environ["SERVER_PORT"] = "many"

    assert main(["doctor", "--json"]) == 1

    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert (check["step"], check["name"], check["status"]) == (5, "settings", "wrong")
    assert "SERVER_PORT" in check["detail"]


@pytest.mark.usefixtures("environ")
def test_profile_that_does_not_exist_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    """What is wrong with this machine's own settings for AWS could not be checked."""
    os.environ["AWS_PROFILE"] = "nobody"

    assert main(["doctor"]) == 2
    assert capsys.readouterr().err.startswith("The settings for AWS of this machine cannot be used")


@pytest.mark.parametrize("command", ["doctor", "smoke"])
def test_help_is_for_operators(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The help says what is checked, with which rights, and what the exit statuses mean."""
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    text = capsys.readouterr().out
    assert ended.value.code == 0
    assert "exit status:" in text
    assert "--json" in text
    assert max(map(len, text.splitlines())) < 110


@pytest.mark.parametrize(
    "url", ["api.example.com", "ftp://x", "https://", "https://u:p@x", "https://[x", "https://x/?y"]
)
def test_url_that_is_none_is_one_message(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What is no URL of a deployment is said before anything is sent, and is not repeated."""
    assert main(["smoke", url]) == 2
    assert capsys.readouterr().err == "The URL must be like https://api.example.com.\n"


@pytest.mark.usefixtures("environ")
def test_smoke_without_settings_still_checks(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever knows the URL alone can check it; creating a user needs the settings."""
    del os.environ["AWS_COGNITO_CLIENT_ID"]

    assert main(["smoke", "http://127.0.0.1:9", "--json"]) == 2
    (check,) = json.loads(capsys.readouterr().out)["checks"]
    assert (check["name"], check["status"]) == ("reachable", "unknown")

    assert main(["smoke", "http://127.0.0.1:9", "--create-user"]) == 2
    assert "client-id" in capsys.readouterr().err


@pytest.mark.usefixtures("environ")
def test_smoke_cannot_create_a_user_without_a_pool(capsys: pytest.CaptureFixture[str]) -> None:
    """A user that can't be created is unknown, and the requests without one go on."""
    os.environ |= {"SMOKE_USERNAME": "", "SMOKE_PASSWORD": ""}

    assert main(["smoke", os.environ["AWS_COGNITO_ENDPOINT_URL"], "--create-user", "--json"]) != 0

    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert checks["user is created"]["status"] == "unknown"
    assert "AWS_COGNITO_USER_POOL_ID" in checks["user is created"]["advice"]


@pytest.mark.usefixtures("environ")
def test_smoke_names_credentials_that_this_machine_lacks(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An AWS profile that does not exist ends `smoke --create-user` with one sentence."""
    os.environ |= {"SMOKE_USERNAME": "", "SMOKE_PASSWORD": "", "AWS_PROFILE": "no-such-profile"}

    assert main(["smoke", os.environ["AWS_COGNITO_ENDPOINT_URL"], "--create-user"]) != 0

    assert "no-such-profile" in capsys.readouterr().err
