"""Stacks that py-spy sampled, summed up by module and by function with its callees."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FRAME: Final = re.compile(r"(?P<function>.+) \((?P<file>[^()]*?)(:\d+)?\)")
LOOP: Final = "the event loop, and what is written in C and called by it"
INSTALLED: Final = "site-packages/"


@dataclass(frozen=True, slots=True)
class Stack:
    """One line of py-spy's raw format: frames from the outermost in, and the number of samples."""

    frames: tuple[str, ...]
    count: int


def parsed(raw: str) -> Iterator[Stack]:
    """Yield the stacks of py-spy's raw format."""
    for line in raw.splitlines():
        frames, _, count = line.rpartition(" ")
        yield Stack(tuple(frames.split(";")), int(count))


def module(frame: str, root: Path) -> str | None:
    """Return the file of a frame below *root* or in a package; None for all others, such as json's."""
    found = FRAME.fullmatch(frame)
    if found is None:
        return None
    _, installed, file = found["file"].rpartition(INSTALLED)
    if installed:
        return file
    path = Path(found["file"])
    return str(path.relative_to(root)) if path.is_relative_to(root) else None


def by_module(stacks: Sequence[Stack], root: Path) -> Counter[str]:
    """
    Return the samples of each module; those of the standard library count for the calling module.

    The modules at the bottom of every stack are the event loop: uvloop, the HTTP parser, the transports.
    """
    chains = [
        [name for name in (module(frame, root) for frame in stack.frames) if name is not None]
        for stack in stacks
    ]
    start = set.intersection(*map(set, chains)) if chains else set()
    counts: Counter[str] = Counter()
    for stack, chain in zip(stacks, chains, strict=True):
        leaf = chain[-1] if chain else LOOP
        counts[LOOP if leaf in start else leaf] += stack.count
    return counts


def by_function(stacks: Sequence[Stack], root: Path) -> Counter[str]:
    """Return the samples of each function with its callees, without functions in every stack."""
    counts: Counter[str] = Counter()
    for stack in stacks:
        for name in {named(frame, root) for frame in stack.frames}:
            counts[name] += stack.count
    whole = sum(stack.count for stack in stacks)
    return Counter({name: count for name, count in counts.items() if count < whole})


def named(frame: str, root: Path) -> str:
    """Return a frame as `module: function`, without the line."""
    found = FRAME.fullmatch(frame)
    if found is None:
        return frame
    return f"{module(frame, root) or Path(found['file']).name}: {found['function']}"
