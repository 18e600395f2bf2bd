"""
Reads the locks, and lists at the end of each which package requires which.

    python -m tests.locks

The last step of `make lock`. uv writes beside each package what requires it, so a package that is removed
from a lock takes the only trace of itself along; the list at the end keeps it.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final, TypeAlias

from packaging.utils import canonicalize_name
from packaging.version import Version

Name: TypeAlias = str  # as `canonicalize_name` writes it

ROOT: Final = Path(__file__).parent.parent
LOCKS: Final = (
    *("requirements*.lock", "bench/requirements.lock", "clients/requirements.lock"),
    *("deploy/requirements-*.lock", "docs/requirements.lock"),
)
HEADING: Final = "# Which package requires which (tests/test_locks.py):\n"
# What requires a package beside which uv names nothing: it was read from standard input.
DIRECT: Final = "(direct)"

_PINNED: Final = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;]+)")
_NAME: Final = re.compile(r"[a-z0-9-]+")
_PARENT: Final = re.compile(r"^    # (?:via |  )(?!-c )(.+)$", re.MULTILINE)
_LISTED: Final = re.compile(r"^# (?P<parent>.+): (?P<names>.+)$", re.MULTILINE)


def lock_files() -> list[Path]:
    """Return all locks, sorted."""
    return sorted(file for pattern in LOCKS for file in ROOT.glob(pattern))


def read_lock(text: str) -> dict[Name, Version]:
    """Return name -> version; the lowest of them if it depends on the version of Python."""
    versions: dict[Name, Version] = {}
    for found in filter(None, map(_PINNED.match, text.splitlines())):
        name, version = canonicalize_name(found["name"]), Version(found["version"])
        versions[name] = min(version, versions.get(name, version))
    return versions


def requirements(text: str) -> dict[str, list[Name]]:
    """Return parent -> what it requires, by uv's comments; parents are packages and files."""
    found: dict[str, set[Name]] = {}
    for entry in re.split(r"\n(?=\S)", text):
        if pinned := _PINNED.match(entry):
            for parent in _PARENT.findall(entry) or [DIRECT]:
                found.setdefault(parent, set()).add(canonicalize_name(pinned["name"]))
    return {parent: sorted(names) for parent, names in sorted(found.items())}


def listed_requirements(text: str) -> dict[str, list[Name]]:
    """Return parent -> what it requires, by the list at the end; empty if there is none."""
    found = _LISTED.finditer(text.partition(HEADING)[2])
    return {line["parent"]: line["names"].split() for line in found}


def with_list(text: str) -> str:
    """Return the lock with the list at its end written anew."""
    entries = text.partition("\n" + HEADING)[0]
    lines = [f"# {parent}: {' '.join(names)}\n" for parent, names in requirements(entries).items()]
    return "".join([entries, "\n", HEADING, *lines])


def complaints(text: str, absent: Collection[Name] = ()) -> Iterator[str]:
    """Yield what is wrong with a lock, one sentence each; the packages *absent* are left out of it."""
    pinned, known = read_lock(text), listed_requirements(text)
    for parent, names in known.items():
        yield from (f"{parent} requires {name}" for name in names if name not in pinned)
    if known != requirements(text):
        yield "the list at the end is not what the comments say: make lock"
    for parent in sorted(known.keys() - pinned.keys() - {*absent}):
        if _NAME.fullmatch(parent):
            yield f"{parent} requires {' '.join(known[parent])}, and is missing itself"


def main() -> None:
    """Write the list of every lock."""
    for file in lock_files():
        file.write_text(with_list(file.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
