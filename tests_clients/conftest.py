"""The API document in a file, and the programs that read it."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import pytest

from tests_slow.browser.chromium import CHROMIUM
from tests_slow.browser.conftest import browser, browser_user, example, example_mailbox
from tools import clients

__all__ = ["browser", "browser_user", "example", "example_mailbox"]

ROOT: Final = clients.ROOT
PYTHON_CLIENTS: Final = ROOT / "clients/.venv/bin"
collect_ignore = [] if CHROMIUM else ["test_accessibility.py"]

Run: TypeAlias = Callable[..., str]


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with the API document."""
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    file.write_bytes(clients.document())
    return file


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a program in an empty folder and returns its output, if it succeeds."""

    def run(program: str, *arguments: str | Path) -> str:
        folders = (clients.PROGRAMS, PYTHON_CLIENTS, Path(sys.executable).parent)
        path = os.pathsep.join([*map(str, folders), os.environ["PATH"]])
        done = subprocess.run(  # noqa: S603 -- our own arguments
            [program, *map(str, arguments)],
            cwd=tmp_path,
            env={"PATH": path, "HOME": str(tmp_path), "PYTHON": sys.executable, **OFFLINE},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


# None of them has anything to tell its authors.
OFFLINE: Final = {
    "REPOSITORY": str(ROOT),
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "NO_COLOR": "1",
}
