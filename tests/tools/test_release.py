"""A release is one commit and one tag, of a tree that is clean, checked and described."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tools.release import ReleaseRefused, main, next_versions, release

DAY = date(2030, 2, 28)
SETUP_CFG = """\
[metadata]
name = user-profile-service
version = 1.4.2

[options]
install_requires =
    aiohttp >= 3.14.3, < 4
"""
CHANGELOG = """\
# Changelog

## Unreleased

### Fixed

- A profile without a country is accepted.

## 1.4.2 - 2029-11-30

- Older.
"""
# What `make lint test-all` does in the repository of a test: it fails, or commits, if told so by a file.
MAKEFILE = """\
lint:
\t@test ! -e ../lint-fails
test-all:
\t@test ! -e ../tests-fail
\t@test ! -e ../commits || git commit --quiet --allow-empty --message='api: add a thing'
"""


@pytest.fixture(name="repository")
def _repository(git: Callable[..., str]) -> Path:
    """Return a repository whose version 1.4.2 is released."""
    repository = Path(git("rev-parse", "--show-toplevel"))
    for name, text in (
        ("setup.cfg", SETUP_CFG),
        ("CHANGELOG.md", CHANGELOG),
        ("Makefile", MAKEFILE),
    ):
        (repository / name).write_text(text, encoding="utf-8")
    git("add", ".")
    git("commit", "--quiet", "--message=release: 1.4.2")
    git("tag", "v1.4.2")
    return repository


def refusal(repository: Path, git: Callable[..., str], version: str = "1.4.3") -> str:
    """Return why the release is refused; nothing has changed then."""
    before = (git("log", "--all", "--format=%H"), git("tag"), git("status", "--porcelain"))
    with pytest.raises(ReleaseRefused) as refused:
        release(repository, version, day=DAY)
    assert (git("log", "--all", "--format=%H"), git("tag"), git("status", "--porcelain")) == before
    return str(refused.value)


@pytest.mark.parametrize("version", ["1.4.3", "1.5.0", "2.0.0"])
def test_release_is_a_commit_and_a_tag(
    repository: Path, git: Callable[..., str], version: str
) -> None:
    """The version is set, the entries have its heading and the day, and the tag names the commit."""
    release(repository, version, day=DAY)

    assert git("log", "-1", "--format=%s") == f"release: {version}"
    assert git("diff", "--name-only", "HEAD~", "HEAD").split() == ["CHANGELOG.md", "setup.cfg"]
    assert git("status", "--porcelain") == ""
    assert git("rev-parse", f"v{version}^{{commit}}") == git("rev-parse", "HEAD")
    assert git("cat-file", "-t", f"v{version}") == "tag"
    assert (repository / "setup.cfg").read_text() == SETUP_CFG.replace("1.4.2", version)
    assert (repository / "CHANGELOG.md").read_text() == CHANGELOG.replace(
        "## Unreleased\n", f"## Unreleased\n\n## {version} - 2030-02-28\n"
    )


def test_second_release_follows_the_first(repository: Path, git: Callable[..., str]) -> None:
    """What a release leaves is what the next one needs, as soon as there is something to tell."""
    release(repository, "1.4.3", day=DAY)
    assert refusal(repository, git, "1.4.4") == "CHANGELOG.md has no entry under `## Unreleased`."

    text = (repository / "CHANGELOG.md").read_text()
    entry = "## Unreleased\n\n- One more.\n"
    (repository / "CHANGELOG.md").write_text(text.replace("## Unreleased\n", entry, 1))
    git("commit", "--quiet", "--all", "--message=docs: add an entry")
    release(repository, "1.4.4", day=DAY)

    assert git("tag").split() == ["v1.4.2", "v1.4.3", "v1.4.4"]


def test_first_release_is_the_version_that_stands_there(
    repository: Path, git: Callable[..., str]
) -> None:
    """A version that has no tag was never released, so it is not skipped."""
    git("tag", "--delete", "v1.4.2")
    text = CHANGELOG.replace("## 1.4.2 - 2029-11-30\n", "")
    (repository / "CHANGELOG.md").write_text(text)
    git("commit", "--quiet", "--all", "--message=docs: forget a release")

    assert refusal(repository, git, "1.4.3") == (
        "1.4.2 is not released: there is no tag v1.4.2. Choose 1.4.2."
    )
    release(repository, "1.4.2", day=DAY)

    assert git("tag") == "v1.4.2"


@pytest.mark.parametrize(
    "version", ["1.4.2", "1.4.4", "1.6.0", "3.0.0", "1.5", "v1.5.0", "1.5.0rc1", "", "0.9.0"]
)
def test_version_must_be_the_next(repository: Path, git: Callable[..., str], version: str) -> None:
    """No number is skipped, repeated or written otherwise."""
    assert refusal(repository, git, version) == (
        "1.4.2 is released. Choose 1.4.3 or 1.5.0 or 2.0.0."
    )


def test_smaller_numbers_begin_anew() -> None:
    """A minor has the patch 0, a major the minor 0; numbers are not digits."""
    assert next_versions("0.9.10", released=True) == ("0.9.11", "0.10.0", "1.0.0")


def test_a_tag_is_not_moved(repository: Path, git: Callable[..., str]) -> None:
    """A version that has a tag already was published, whatever setup.cfg says."""
    git("tag", "v1.5.0")

    assert refusal(repository, git, "1.5.0") == "There is a tag v1.5.0 already."


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("- A profile", "A profile", "has no entry under `## Unreleased`."),
        ("## Unreleased", "## Next", "has no entry under `## Unreleased`."),
        ("## 1.4.2 -", "## 1.4.3 -", "has a section for 1.4.3 already."),
    ],
)
def test_changelog_must_describe_the_release(
    repository: Path, git: Callable[..., str], old: str, new: str, why: str
) -> None:
    """There is something to read about each version, once."""
    (repository / "CHANGELOG.md").write_text(CHANGELOG.replace(old, new))
    git("commit", "--quiet", "--all", "--message=docs: change the changelog")

    assert refusal(repository, git) == f"CHANGELOG.md {why}"


@pytest.mark.parametrize("name", ["setup.cfg", "new.txt"])
def test_tree_must_be_clean(repository: Path, git: Callable[..., str], name: str) -> None:
    """What is not committed is not what is tested; new files count."""
    with (repository / name).open("a") as file:
        file.write("\n")

    reason = refusal(repository, git)

    assert re.fullmatch(rf"Commit or remove these first:\n.. {name}", reason)


@pytest.mark.parametrize(
    ("checkout", "where"),
    [(("-b", "branch"), "branch"), (("--detach", "HEAD"), "a detached HEAD")],
    ids=["branch", "detached"],
)
def test_release_is_made_on_main(
    repository: Path, git: Callable[..., str], checkout: tuple[str, ...], where: str
) -> None:
    """A tag names a commit of the branch that everybody has."""
    git("checkout", "--quiet", *checkout)

    assert refusal(repository, git) == f"A release is made on main, not on {where}."


@pytest.mark.parametrize("marker", ["lint-fails", "tests-fail"])
def test_checks_must_pass(repository: Path, git: Callable[..., str], marker: str) -> None:
    """Neither lint nor a test fails in what is released."""
    (repository.parent / marker).touch()

    assert refusal(repository, git) == "make lint test-all failed."


def test_what_was_checked_is_released(repository: Path, git: Callable[..., str]) -> None:
    """A commit that comes while the tests run is not released untested."""
    (repository.parent / "commits").touch()

    with pytest.raises(ReleaseRefused, match="main has moved"):
        release(repository, "1.4.3", day=DAY)

    assert git("tag") == "v1.4.2"


def test_failure_of_git_is_reported(repository: Path, git: Callable[..., str]) -> None:
    """A hook that refuses the commit refuses the release, and there is no tag."""
    hook = repository / ".git/hooks/commit-msg"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)

    with pytest.raises(ReleaseRefused, match=r"^git commit failed\.$"):
        release(repository, "1.4.3", day=DAY)

    assert git("tag") == "v1.4.2"


@pytest.mark.usefixtures("repository")
def test_command_says_what_to_push(
    git: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """The command releases the repository that it is called in, and leaves publishing to its caller."""
    status = main(["1.5.0"])

    printed = capsys.readouterr()
    assert (status, printed.err) == (0, "")
    assert printed.out == "Released. Publish it: git push origin main v1.5.0\n"
    assert git("tag").split() == ["v1.4.2", "v1.5.0"]


@pytest.mark.usefixtures("repository")
def test_command_says_why_it_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal is a sentence and an exit status."""
    status = main(["9.0.0"])

    assert (status, capsys.readouterr().err) == (
        1,
        "1.4.2 is released. Choose 1.4.3 or 1.5.0 or 2.0.0.\n",
    )
