"""`make image` names the image by what is in it."""

import os
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.templates import FOLDER
from tests.project.files import settings

ROOT: Final = FOLDER.parent.parent
NAME: Final = re.compile(r"(\S+):(\d+\.\d+\.\d+)-((?:[0-9a-f]{12}(?:-dirty)?|unknown))")


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    """Put a `docker` first in PATH that writes down how it was called."""
    program = tmp_path / "docker"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > "$(dirname "$0")/called"\n')
    program.chmod(0o755)
    return tmp_path


def made(folder: Path, *variables: str) -> tuple[list[str], str]:
    """Run `make image`; returns the arguments of docker, and the last line that was printed."""
    ended = subprocess.run(  # noqa: S603 -- what the test says
        [shutil.which("make") or "make", "--no-print-directory", "image", *variables],
        capture_output=True,
        check=True,
        cwd=ROOT,
        encoding="utf-8",
        env={"PATH": f"{folder}:{os.environ['PATH']}"},
        timeout=60,
    )
    called = (folder / "called").read_text(encoding="utf-8").splitlines()
    return called, ended.stdout.splitlines()[-1]


def test_image_is_tagged_with_version_and_revision(folder: Path) -> None:
    """Tag and labels are the version of setup.cfg and the revision of git; the name is printed last."""
    arguments, printed = made(folder)
    name = NAME.fullmatch(printed)

    assert name is not None
    repository, version, revision = name.groups()
    assert (repository, version) == ("user-profile-service", settings()["metadata"]["version"])
    assert arguments == [
        "build",
        "--build-arg",
        f"VERSION={version}",
        "--build-arg",
        f"REVISION={revision}",
        "--tag",
        printed,
        "--tag",
        repository,
        ".",
    ]


@pytest.mark.parametrize("page", ["extending", "observability"])
def test_images_of_the_documentation_derive_from_it(folder: Path, page: str) -> None:
    """Their first stage is a tag that `make image` gives, and they copy to the packages of its Python."""
    arguments, _ = made(folder, "REPOSITORY=example.com/profiles")
    text = (ROOT / f"docs/{page}.md").read_text(encoding="utf-8")
    (derived,) = re.findall(r"^```dockerfile\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    base = (ROOT / "Dockerfile").read_text(encoding="utf-8")

    tags = [value for name, value in pairwise(arguments) if name == "--tag"]
    assert re.findall(r"^FROM (\S+)", derived)[0] in tags
    for folder_of_packages in re.findall(r"\S+/site-packages", derived):
        assert folder_of_packages in base


def test_image_is_built_for_a_repository_and_a_platform(folder: Path) -> None:
    """REPOSITORY is the part of the name before the tag, PLATFORM what the tasks run on."""
    repository = "123456789012.dkr.ecr.ap-south-1.amazonaws.com/profiles"
    arguments, printed = made(folder, f"REPOSITORY={repository}", "PLATFORM=linux/arm64")

    assert printed.startswith(f"{repository}:")
    assert arguments[:3] == ["build", "--platform", "linux/arm64"]
