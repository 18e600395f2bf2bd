"""
A page of the documentation: its commands, and the output that it shows for them.

A block of the language `sh` has commands. A block that follows it with nothing but space between, and has
the language `json`, `http` or `text`, is the output of those commands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

COMMANDS: Final = "sh"
OUTPUTS: Final = ("json", "http", "text")

_BLOCK: Final = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Output:
    """What a page shows; *start* and *end* are where it stands in the text of the page."""

    language: str
    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Step:
    """Commands in one block, and their output, None if the page does not show it."""

    line: int
    commands: str
    output: Output | None


def steps(page: str) -> Iterator[Step]:
    """Yield the commands of a page in order."""
    blocks = list(_BLOCK.finditer(page))
    for block, following in zip(blocks, [*blocks[1:], None], strict=True):
        if block[1] != COMMANDS:
            continue
        output = None
        if (
            following
            and following[1] in OUTPUTS
            and not page[block.end() : following.start()].strip()
        ):
            output = Output(following[1], following[2], following.start(2), following.end(2))
        yield Step(page.count("\n", 0, block.start()) + 2, block[2], output)
