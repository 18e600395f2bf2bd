"""
Checks commit messages: `area: imperative summary`, at most 72 characters, then an empty line and why.

    python -m tools.commit_message FILE                     the message that git is about to commit
    python -m tools.commit_message --range main..HEAD       every commit of a branch
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

MAX_SUBJECT_CHARACTERS: Final = 72
# Subjects that git writes itself, or that `git rebase --autosquash` removes again.
MADE_BY_GIT: Final = ("Merge ", 'Revert "')
AUTOSQUASH: Final = ("fixup! ", "squash! ", "amend! ")

_SUBJECT: Final = re.compile(r"(?P<area>[a-z0-9][a-z0-9_./, -]*): (?P<summary>\S.*)")
_SCISSORS: Final = re.compile(r"^# -+ >8 -+\n", re.MULTILINE)
# An imperative cannot be detected; these words are the most common mistakes.
_NOT_IMPERATIVE: Final = re.compile(
    r"(add|allow|document|drop|fix|refactor|test)(s|es|ed|ing)"
    r"|(chang|improv|mov|remov|renam|replac|updat|us)(es|ed|ing)"
    r"|dropped|dropping|made|makes|making",
    re.IGNORECASE,
)


def complaints(message: str) -> Iterator[str]:
    """Yield what is wrong with *message*, one sentence each; comments are removed already."""
    subject, _, rest = message.strip().partition("\n")
    if subject.startswith(MADE_BY_GIT):
        return
    if len(subject) > MAX_SUBJECT_CHARACTERS:
        yield f"the subject has {len(subject)} characters, more than {MAX_SUBJECT_CHARACTERS}"
    found = _SUBJECT.fullmatch(subject)
    if found is None:
        yield "the subject is not `area: imperative summary` with an area in lower case"
    else:
        yield from _summary_complaints(found["summary"])
    if rest and not rest.startswith("\n"):
        yield "the second line is not empty"


def _summary_complaints(summary: str) -> Iterator[str]:
    if summary.endswith("."):
        yield "the summary ends with a full stop"
    word = summary.split(maxsplit=1)[0]
    if _NOT_IMPERATIVE.fullmatch(word):
        yield f"the summary begins with {word!r}, which is no imperative"


def without_comments(text: str) -> str:
    """Return the message of an editor's file without the lines that git removes."""
    message = _SCISSORS.split(text, maxsplit=1)[0]
    return "".join(line for line in message.splitlines(keepends=True) if not line.startswith("#"))


def _messages(commits: str) -> Iterator[tuple[str, str]]:
    """Yield the abbreviated hash and the message of each of *commits* that is not a merge."""
    log = subprocess.run(  # noqa: S603 -- git, with a range that the caller chose
        ["git", "log", "--no-merges", "-z", "--format=%h%n%B", "--end-of-options", commits, "--"],  # noqa: S607 -- the user's
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    for entry in log.stdout.split("\0"):
        if entry:
            commit, _, message = entry.partition("\n")
            yield commit, message


def main(arguments: Sequence[str]) -> int:
    """Print what is wrong with the messages; return 1 if anything."""
    parser = argparse.ArgumentParser(prog="python -m tools.commit_message", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", type=Path, nargs="?", help="file that holds one message")
    what.add_argument("--range", metavar="RANGE", help="commits, as git log takes them")
    options = parser.parse_args(arguments)
    if options.range is not None:
        found = [
            f"{commit} {message.partition(chr(10))[0]}: {complaint}"
            for commit, message in _messages(options.range)
            for complaint in complaints(message)
        ]
    else:
        message = without_comments(options.file.read_text(encoding="utf-8"))
        found = [] if message.startswith(AUTOSQUASH) else [*complaints(message)]
    sys.stdout.writelines(f"{complaint}\n" for complaint in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
