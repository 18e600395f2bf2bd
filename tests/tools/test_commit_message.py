"""Commit messages are `area: imperative summary` and, after an empty line, why."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.commit_message import complaints, main

NOT_OF_THE_FORM = "the subject is not `area: imperative summary` with an area in lower case"


@pytest.mark.parametrize(
    "message",
    [
        "aws: test that valid credentials survive a failed refresh",
        "api/handlers: return 404 for a passkey that is not there\n",
        "make, ci: run the slow tier\n\nThe fast tier does not start processes.\n",
        "release: 1.2.3",
        f"docs: {'x' * 66}",
        "Merge branch 'main' into wt/habits",
        'Revert "Aws: Added things that nobody wanted, at more length than any subject may have."',
    ],
)
def test_a_good_message_passes(message: str) -> None:
    """An area in lower case, an imperative, 72 characters; what git itself writes is left alone."""
    assert [*complaints(message)] == []


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("Add a thing", NOT_OF_THE_FORM),
        ("API: add a thing", NOT_OF_THE_FORM),
        ("api:add a thing", NOT_OF_THE_FORM),
        ("api: ", NOT_OF_THE_FORM),
        ("", NOT_OF_THE_FORM),
        (f"docs: {'x' * 67}", "the subject has 73 characters, more than 72"),
        ("api: add a thing.", "the summary ends with a full stop"),
        ("api: Added a thing", "the summary begins with 'Added', which is no imperative"),
        ("api: fixes a thing", "the summary begins with 'fixes', which is no imperative"),
        ("api: add a thing\nbecause", "the second line is not empty"),
    ],
)
def test_a_bad_message_is_refused(message: str, complaint: str) -> None:
    """One sentence says what is wrong."""
    assert [*complaints(message)] == [complaint]


def test_every_complaint_is_listed() -> None:
    """Whoever corrects a message corrects it once."""
    assert len([*complaints(f"Api {'x' * 70}\nbecause")]) == 3


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("api: add a thing\n\n# Please enter the commit message.\n", 0),
        ("# a comment first\napi: add a thing\n", 0),
        ("api: add a thing\n# ------------------------ >8 ------------------------\n+diff\n", 0),
        ("fixup! Anything", 0),
        ("Add a thing\n", 1),
    ],
    ids=["comment", "comment-first", "scissors", "fixup", "bad"],
)
def test_hook_reads_what_an_editor_left(tmp_path: Path, text: str, status: int) -> None:
    """The hook gets git's file: comments and the diff are not the message."""
    file = tmp_path / "COMMIT_EDITMSG"
    file.write_text(text, encoding="utf-8")

    assert main([str(file)]) == status


def test_a_range_is_checked_commit_by_commit(
    git: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What is wrong is reported with the commit that it is wrong in; merges and older ones are not."""
    git("commit", "--allow-empty", "--message=Older, and not looked at")
    git("tag", "begin")
    git("checkout", "--quiet", "-b", "branch")
    git("commit", "--allow-empty", "--message=api: add a thing", "--message=Because it is needed.")
    git("commit", "--allow-empty", "--message=fixup! api: add a thing")
    bad = git("rev-parse", "--short", "HEAD")
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--no-ff", "branch", "--message=A merge with another subject")

    status = main(["--range", "begin..HEAD"])

    printed = capsys.readouterr().out
    assert (status, printed) == (1, f"{bad} fixup! api: add a thing: {NOT_OF_THE_FORM}\n")


@pytest.mark.usefixtures("git")
def test_an_unknown_range_is_an_error() -> None:
    """A range that git does not know is not an empty one."""
    with pytest.raises(subprocess.CalledProcessError):
        main(["--range", "nowhere..HEAD"])
