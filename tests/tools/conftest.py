"""A repository of git for the tools to work in."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Asha Rao",
    "GIT_AUTHOR_EMAIL": "asha@example.com",
    "GIT_COMMITTER_NAME": "Asha Rao",
    "GIT_COMMITTER_EMAIL": "asha@example.com",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
}
# Of a hook, or a make, that runs the tests: the repository and the options are those of another run.
INHERITED = (
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
    "MAKEFLAGS",
)


@pytest.fixture(name="git")
def _git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Make an empty repository, go there, and return what runs git in it and gives what it prints."""
    for name in INHERITED:
        monkeypatch.delenv(name, raising=False)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "repository"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, check=True, cwd=folder, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- the test's own
        return done.stdout.strip()

    run("init", "--quiet", "--initial-branch=main")
    return run
