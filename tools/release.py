"""
Makes a release: sets the version, dates the section of the changelog, commits and tags.

    make release VERSION=X.Y.Z

Nothing is pushed. What VERSION may be, and what each of its numbers promises, is in VERSIONING.md.
"""

import argparse
import configparser
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

SETTINGS: Final = "setup.cfg"
CHANGELOG: Final = "CHANGELOG.md"
BRANCH: Final = "main"
CHECK: Final = ("make", "lint", "test-all")

_UNRELEASED: Final = re.compile(
    r"^## Unreleased\n(?P<entries>.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL
)
_VERSION: Final = re.compile(r"^version = .*$", re.MULTILINE)


class ReleaseRefused(Exception):
    """The release cannot be made; the message is the reason."""


def next_versions(current: str, *, released: bool) -> tuple[str, ...]:
    """Return the versions that may follow *current*; only itself if it is not *released* yet."""
    if not released:
        return (current,)
    major, minor, patch = map(int, current.split("."))
    return (f"{major}.{minor}.{patch + 1}", f"{major}.{minor + 1}.0", f"{major + 1}.0.0")


def current_version(setup_cfg: str) -> str:
    """Return the version in the text of setup.cfg."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(setup_cfg)
    return settings["metadata"]["version"]


def dated_changelog(text: str, version: str, day: date) -> str:
    """
    Return the changelog with its entries under *version* and *day*, and an empty section for the next.

    Raises ReleaseRefused if there is no entry under Unreleased, or the version has a section already.
    """
    if re.search(rf"^## {re.escape(version)}\b", text, re.MULTILINE):
        raise ReleaseRefused(f"{CHANGELOG} has a section for {version} already.")
    unreleased = _UNRELEASED.search(text)
    if unreleased is None or not re.search(r"^- \S", unreleased["entries"], re.MULTILINE):
        raise ReleaseRefused(f"{CHANGELOG} has no entry under `## Unreleased`.")
    at = unreleased.start("entries")
    return f"{text[:at]}\n## {version} - {day.isoformat()}\n{text[at:]}"


def release(root: Path, version: str, *, day: date) -> None:
    """
    Release *version* of the repository at *root*: two files, one commit, one tag.

    `make lint test-all` passes before anything is written. Raises ReleaseRefused.
    """
    checked = _clean_head(root)
    settings = (root / SETTINGS).read_text(encoding="utf-8")
    _demand_next(root, version, current_version(settings))
    changelog = dated_changelog((root / CHANGELOG).read_text(encoding="utf-8"), version, day)
    if subprocess.run(CHECK, cwd=root, check=False).returncode != 0:  # noqa: S603 -- the constant above
        raise ReleaseRefused(f"{' '.join(CHECK)} failed.")
    if _clean_head(root) != checked:
        raise ReleaseRefused(f"{BRANCH} has moved: what was checked is not what would be released.")
    settings = _VERSION.sub(f"version = {version}", settings, count=1)
    (root / SETTINGS).write_text(settings, encoding="utf-8")
    (root / CHANGELOG).write_text(changelog, encoding="utf-8")
    _git(root, "commit", "--quiet", "--message", f"release: {version}", "--", SETTINGS, CHANGELOG)
    _git(root, "tag", "--annotate", _tag(version), "--message", f"User Profile Service {version}")


def _clean_head(root: Path) -> str:
    """Return the commit that is checked out; raises ReleaseRefused if files differ, or off the branch."""
    branch = _git(root, "branch", "--show-current")
    if branch != BRANCH:
        raise ReleaseRefused(
            f"A release is made on {BRANCH}, not on {branch or 'a detached HEAD'}."
        )
    changes = _git(root, "status", "--porcelain")
    if changes:
        raise ReleaseRefused(f"Commit or remove these first:\n{changes}")
    return _git(root, "rev-parse", "HEAD")


def _demand_next(root: Path, version: str, current: str) -> None:
    released = _is_tagged(root, current)
    allowed = next_versions(current, released=released)
    if version not in allowed:
        state = "released" if released else f"not released: there is no tag {_tag(current)}"
        raise ReleaseRefused(f"{current} is {state}. Choose {' or '.join(allowed)}.")
    if released and _is_tagged(root, version):
        raise ReleaseRefused(f"There is a tag {_tag(version)} already.")


def _tag(version: str) -> str:
    return f"v{version}"


def _is_tagged(root: Path, version: str) -> bool:
    return bool(_git(root, "tag", "--list", _tag(version)))


def _git(root: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    done = subprocess.run(command, cwd=root, check=False, stdout=subprocess.PIPE, text=True)  # noqa: S603 -- the user's git
    if done.returncode != 0:
        raise ReleaseRefused(f"git {arguments[0]} failed.")
    return done.stdout.rstrip("\n")


def main(arguments: Sequence[str]) -> int:
    """Make the release of *arguments*; return 1 if it is refused."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("version", metavar="VERSION=X.Y.Z")
    version = parser.parse_args(arguments).version
    try:
        release(Path.cwd(), version, day=datetime.now(UTC).date())
    except ReleaseRefused as refusal:
        print(refusal, file=sys.stderr)  # noqa: T201 -- the output of the command
        return 1
    print(f"Released. Publish it: git push origin {BRANCH} {_tag(version)}")  # noqa: T201 -- likewise
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
