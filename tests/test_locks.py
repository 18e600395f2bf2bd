"""A lock is complete, and is installed as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Whatever is run to install something, and what tells people what to run.
SOURCES = (
    *("Makefile", "Dockerfile", "docker-compose.yml", ".ci/*", ".github/**/*"),
    *("*.md", "docs/**/*.md", "bench/*.md"),
)
FLAGS = ("--no-deps", "--require-hashes")

_CONTINUED = re.compile(r"\\\n\s*")
_LOCK_INSTALL = re.compile(r"\binstall\b[^;&|\n]*\.lock\b.*")


def lock_installs(text: str) -> list[str]:
    """Return each command that installs a lock, from `install` to the end of its line."""
    return _LOCK_INSTALL.findall(_CONTINUED.sub(" ", text))


def sources() -> list[Path]:
    """Return the files that may install a lock."""
    return sorted(file for pattern in SOURCES for file in ROOT.glob(pattern) if file.is_file())


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_a_lock_is_installed_without_resolving_and_with_hashes(file: Path) -> None:
    """A resolver of any version is kept away from a lock: what it would add has no hash."""
    for command in lock_installs(file.read_text(encoding="utf-8")):
        assert all(flag in command.split() for flag in FLAGS), command


def test_the_installs_of_the_makefile_and_of_the_image_are_found() -> None:
    """Every lock is installed by the Makefile or by a stage of the image."""
    installed = "".join(
        command
        for file in ("Makefile", "Dockerfile")
        for command in lock_installs((ROOT / file).read_text(encoding="utf-8"))
    )

    assert set(re.findall(r"requirements[a-z-]*\.lock", installed)) == {
        file.name for file in ROOT.glob("**/requirements*.lock")
    }
