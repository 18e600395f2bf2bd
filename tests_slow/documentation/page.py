"""
A page of the documentation: its commands with the output that it shows, its files, and its changes.

A block of the language `sh` has commands. A block that follows it with nothing but space between, and has
the language `json`, `http` or `text`, is the output of those commands. A block of the language `python`
that begins with a comment of a path is that file, and a block of the language `diff` changes files.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

OUTPUTS: Final = ("json", "http", "text")

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_PATH: Final = re.compile(r"# ([\w./]+\.py)\n")


@dataclass(frozen=True, slots=True)
class Output:
    """What a page shows; *start* and *end* are where it stands in the text of the page."""

    language: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Commands:
    """Commands, and their output, None if the page does not show it."""

    line: int
    text: str
    output: Output | None


@dataclass(frozen=True, slots=True)
class File:
    """A file that the reader creates."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A change of files, as `git diff` prints it."""

    text: str


Step: TypeAlias = Commands | File | Change


def steps(page: str) -> Iterator[Step]:
    """Yield what a page lets its reader do, in order."""
    blocks = list(_BLOCK.finditer(page))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        language, text = block[1], block[2]
        if language == "diff":
            yield Change(text)
        elif language == "python" and (path := _PATH.match(text)):
            yield File(path[1], text[path.end() :])
        elif language == "sh":
            line = page.count("\n", 0, block.start()) + 2
            yield Commands(line, text, _output(page[block.end() :], following))


def _output(rest: str, block: re.Match[str] | None) -> Output | None:
    """Return the block as output, None if it is no output or does not begin *rest*."""
    if block is None or block[1] not in OUTPUTS or not rest.lstrip().startswith(block[0]):
        return None
    return Output(block[1], block[2], block.start(2), block.end(2))
