"""The hooks of git, the editors' settings and the tools of make fit together."""

import configparser
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import files
from typing import Any

import yaml
from packaging.requirements import Requirement

from tests.project.files import ROOT, pythons, read, settings


def hooks() -> list[dict[str, Any]]:
    """Return the hooks of git."""
    (repository,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repository["repo"] == "local"
    found: list[dict[str, Any]] = repository["hooks"]
    return found


def test_pre_commit_accepts_its_configuration() -> None:
    """The configuration is of the form that the locked pre-commit takes."""
    command = [sys.executable, "-m", "pre_commit", "validate-config", ".pre-commit-config.yaml"]
    ended = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)  # noqa: S603 -- the interpreter that runs this

    assert (ended.returncode, ended.stdout + ended.stderr) == (0, "")


def test_hooks_call_what_the_extra_dev_installs() -> None:
    """Each hook is a program of .venv, its interpreter or one that a package of the extra brings."""
    listed = settings()["options.extras_require"]["dev"].splitlines()
    packages = [Requirement(line).name for line in listed if line and not line.startswith("#")]
    installed = {
        file.name
        for package in packages
        for file in files(package) or ()
        if file.parent.name == "bin"
    }
    programs = {hook["entry"].split()[0] for hook in hooks()}

    assert programs <= {f".venv/bin/{program}" for program in installed | {"python"}}
    assert {hook["language"] for hook in hooks()} == {"system"}


def test_hooks_check_what_lint_checks() -> None:
    """Ruff, the import contracts and mypy are hooks, as they are lines of `make lint`."""
    checks = {
        ".venv/bin/ruff check",
        ".venv/bin/ruff format",
        ".venv/bin/lint-imports",
        ".venv/bin/mypy",
    }

    assert checks <= {hook["entry"].removesuffix(" --force-exclude") for hook in hooks()}
    (recipe,) = re.findall(r"^lint:.*\n((?:\t.*\n)+)", read("Makefile"), re.MULTILINE)
    assert all(check.replace(".venv/bin", "$(BIN)") in recipe for check in checks)


def test_hook_checks_commit_messages() -> None:
    """The hook of the message is the checker of CI, installed with the others."""
    (hook,) = (hook for hook in hooks() if hook.get("stages") == ["commit-msg"])
    installed = yaml.safe_load(read(".pre-commit-config.yaml"))["default_install_hook_types"]

    assert hook["entry"] == ".venv/bin/python -m tools.commit_message"
    assert {"pre-commit", "commit-msg", "pre-push"} == set(installed)
    assert "python3 -m tools.commit_message" in read(".github/workflows/ci.yml")


def test_editors_and_ruff_agree() -> None:
    """Editors break lines where the formatter does."""
    editors = configparser.ConfigParser()
    editors.read_string(f"[top]\n{read('.editorconfig')}")
    ruff = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]

    assert editors["*.{py,pyi}"].getint("max_line_length") == ruff["line-length"]
    assert editors["Makefile"]["indent_style"] == "tab"


def test_ruff_takes_the_oldest_python() -> None:
    """Code is checked for the oldest Python that may run it."""
    ruff = tomllib.loads(read("pyproject.toml"))["tool"]["ruff"]

    assert ruff["target-version"] == f"py{pythons()[0].replace('.', '')}"


def test_release_is_a_target() -> None:
    """`make release` hands its version to the tool."""
    options = ["--dry-run", "--no-print-directory", "--old-file", ".venv/.installed"]
    command = ["make", *options, "release", "VERSION=1.2.3"]
    shown = subprocess.run(  # noqa: S603 -- the Makefile's own target
        command,
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": ""},  # not those of the make that runs this
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )

    assert shown.stdout.splitlines()[-1] == ".venv/bin/python -m tools.release 1.2.3"
