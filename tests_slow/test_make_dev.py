"""`make dev` serves the current code."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests_slow.commands.running import unmeasured_environ

ROOT = Path(__file__).parent.parent
VENV = Path(sys.prefix)
FOUND_THERE = ("Makefile", "setup.cfg", "pyproject.toml", "requirements-dev.lock")
ANNOUNCEMENT = "The API listens on"


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    """Return a copy of the code with the environment that runs this test."""
    for folder in ("service", "local_aws"):
        if (ROOT / folder).exists():
            # With the bytecode, but for files of it that another process is writing.
            shutil.copytree(
                ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.pyc.*")
            )
    shutil.copy(ROOT / "config.ini", tmp_path)
    for name in FOUND_THERE:
        (tmp_path / name).symlink_to(ROOT / name)
    (tmp_path / ".venv").symlink_to(VENV)
    return tmp_path


@pytest.fixture(name="server")
def _server(checkout: Path) -> Iterator[subprocess.Popen[str]]:
    """Start `make dev` on a free port, and end it as Ctrl-C does."""
    # --old-file: the environment is the one that runs this, however old; it is not installed again.
    # env: a shell starts what runs in its background with SIGINT ignored, which would be inherited.
    command = ["env", "--default-signal=INT", "make", "--old-file", ".venv/.installed", "dev"]
    with subprocess.Popen(  # noqa: S603 -- the Makefile's own target
        command,
        cwd=checkout,
        env={**unmeasured_environ(), "SERVER_PORT": "0", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGINT)
            assert process.stdout is not None
            process.stdout.read()  # until all that was started has ended


def _until(process: subprocess.Popen[str], text: str) -> None:
    """Read what is printed until a line holds *text*."""
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        if text in line:
            return
        printed.append(line)
    pytest.fail(f"ended without {text!r}:\n{''.join(printed)}")


def test_a_changed_file_is_served(checkout: Path, server: subprocess.Popen[str]) -> None:
    """A change of a file ends the server and starts one that runs the new code."""
    _until(server, ANNOUNCEMENT)
    changed = checkout / "service/commands/local_flows.py"
    text = changed.read_text(encoding="utf-8")

    changed.write_text(text.replace(ANNOUNCEMENT, "Changed, the API listens on"), encoding="utf-8")

    _until(server, "Changed, the API listens on")


def test_corrected_code_is_served(checkout: Path, server: subprocess.Popen[str]) -> None:
    """Code that does not start is reported, and started once it is corrected."""
    _until(server, ANNOUNCEMENT)
    changed = checkout / "service/commands/local_flows.py"
    text = changed.read_text(encoding="utf-8")

    changed.write_text(f"{text}\n(", encoding="utf-8")
    _until(server, "SyntaxError")
    changed.write_text(text, encoding="utf-8")

    _until(server, ANNOUNCEMENT)
