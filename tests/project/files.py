"""What the tests of this folder read: the files of the repository that are not the service's code."""

import configparser
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent

_TARGET: Final = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
_CALLED_TARGET: Final = re.compile(r"\bmake((?: +[a-z][a-z-]*)+)")


def read(name: str) -> str:
    """Return the text of a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def settings() -> configparser.ConfigParser:
    """Return what setup.cfg says."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(read("setup.cfg"))
    return parser


def targets() -> frozenset[str]:
    """Return the targets of the Makefile."""
    return frozenset(_TARGET.findall(read("Makefile")))


def called_targets(text: str) -> set[str]:
    """Return the targets that the calls of make in *text* name."""
    return {target for names in _CALLED_TARGET.findall(text) for target in names.split()}


def pythons() -> list[str]:
    """Return the versions of Python that setup.cfg's classifiers name."""
    return re.findall(
        r"^Programming Language :: Python :: (\d+\.\d+)$",
        settings()["metadata"]["classifiers"],
        re.MULTILINE,
    )
