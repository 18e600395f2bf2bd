"""Every command and every path that a document names exists."""

import re
from typing import Final

import pytest

from tests.project.files import ROOT, called_targets, read, targets

DOCUMENTS: Final = (
    "CONTRIBUTING.md",
    "SECURITY.md",
    "VERSIONING.md",
    ".github/pull_request_template.md",
)

_QUOTED: Final = re.compile(r"`([^`\s]+)`")
_LINKED: Final = re.compile(r"\]\((?!https?:|#)([^)#]+)")
# A file at the root, or anything below one of its folders.
_PATH: Final = re.compile(
    r"\.?[A-Za-z_-]+/[\w./-]*|\.?[A-Za-z_-]+\.(?:cfg|ini|lock|md|toml|yaml|yml)"
)


def commands(name: str) -> set[str]:
    """Return the targets of make that a document calls, between backticks or in a block of code."""
    text = read(name)
    blocks = re.findall(r"```.*?```", text, re.DOTALL)
    return called_targets("\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)]))


@pytest.mark.parametrize("name", ["README.md", *DOCUMENTS])
def test_every_target_that_is_named_exists(name: str) -> None:
    """No command of a document is unknown to make."""
    assert commands(name) - targets() == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_path_that_is_named_exists(name: str) -> None:
    """No file or folder that a document names is missing."""
    text = read(name)
    named = {word for word in _QUOTED.findall(text) if _PATH.fullmatch(word)}
    linked = set(_LINKED.findall(text))

    missing = {path for path in named | linked if not (ROOT / path).exists()}

    assert missing == set()


def test_contributors_learn_every_tier_of_the_tests() -> None:
    """Each target that runs tests is in CONTRIBUTING.md."""
    tiers = {target for target in targets() if target.startswith("test")}

    assert tiers - commands("CONTRIBUTING.md") == set()


def test_every_promise_names_its_tests() -> None:
    """Each row of the table in SECURITY.md has a promise and the files that hold it."""
    table = read("SECURITY.md").partition("## Promises")[2]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| ")]
    heading, *promises = rows

    assert heading == ["promise", "held by"]
    assert len(promises) > 1
    for promise, held_by in promises:
        assert promise.endswith(".")
        assert re.fullmatch(r"`tests(_slow)?/[\w/]+\.py`(, `tests(_slow)?/[\w/]+\.py`)*", held_by)


def test_every_answer_to_a_threat_names_tests_that_exist() -> None:
    """Each row of the table in docs/security.md has a threat, an answer and files of tests."""
    table = read("docs/security.md").partition("| threat |")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]

    assert len(rows) > 1
    for threat, answer, tests in rows:
        assert threat
        assert answer
        files = re.findall(r"`(tests(?:_slow)?/[\w/]+\.py)`", tests)
        assert ", ".join(f"`{file}`" for file in files) == tests
        assert [file for file in files if not (ROOT / file).is_file()] == []
