"""
Compares the locks and lower bounds of the packages with `deploy/minimum-versions.txt`.

    python -m tests.minimum_versions

Advisories cannot be asked for wherever this is built, so they stand in a table. That of a package which
nothing asks for any more is an error too: the table says what is watched.
"""

import configparser
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.locks import ROOT, lock_files, read_lock

TABLE: Final = "deploy/minimum-versions.txt"

_ADVISORY: Final = re.compile(r"\b(CVE-\d{4}-\d+|GHSA(-[0-9a-z]{4}){3}|PYSEC-\d{4}-\d+)\b")
_LINE: Final = re.compile(r"(?P<name>[a-z0-9-]+) >= (?P<version>\S+) +# (?P<source>.+)")
_LOWER_BOUNDS: Final = frozenset({">=", "==", "~="})


def read_table(text: str) -> dict[str, Version]:
    """Return name -> lowest version; ValueError for a line without an advisory, or not of its form."""
    minimums: dict[str, Version] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found or not _ADVISORY.search(found["source"]):
            raise ValueError(f"not `name >= version  # advisory`: {line}")
        minimums[found["name"]] = Version(found["version"])
    return minimums


def read_bounds(setup_cfg: str, pyproject: str) -> dict[str, Version | None]:
    """Return name -> lower bound of what is asked for by name; None where there is no bound."""
    settings = configparser.ConfigParser(interpolation=None)
    settings.read_string(setup_cfg)
    lists = [
        settings["options"]["install_requires"],
        *settings["options.extras_require"].values(),
        "\n".join(tomllib.loads(pyproject)["build-system"]["requires"]),
    ]
    asked = (line for text in lists for line in text.splitlines() if line)
    requirements = [Requirement(line) for line in asked]
    return {canonicalize_name(one.name): _lower_bound(one.specifier) for one in requirements}


def _lower_bound(specifiers: SpecifierSet) -> Version | None:
    bounds = [Version(one.version) for one in specifiers if one.operator in _LOWER_BOUNDS]
    return max(bounds, default=None)


def complaints(
    minimums: Mapping[str, Version],
    locks: Mapping[str, Mapping[str, Version]],
    bounds: Mapping[str, Version | None],
) -> Iterator[str]:
    """Yield what is wrong, one sentence each; *locks* by their files' names."""
    for file, pinned in locks.items():
        for name, version in pinned.items():
            if name in minimums and version < minimums[name]:
                yield f"{file}: {name} {version} is below {minimums[name]}"
    for name, bound in bounds.items():
        if name in minimums and (bound is None or bound < minimums[name]):
            yield f"{name} is asked for from {bound or 'any version'} on, not from {minimums[name]}"
    for name in minimums.keys() - {name for pinned in locks.values() for name in pinned}:
        yield f"{TABLE}: no lock has {name}"


def main() -> int:
    """Print the complaints; 1 if there are any."""
    locks = {str(file.relative_to(ROOT)): read_lock(_text(file)) for file in lock_files()}
    bounds = read_bounds(_text(ROOT / "setup.cfg"), _text(ROOT / "pyproject.toml"))
    found = [*complaints(read_table(_text(ROOT / TABLE)), locks, bounds)]
    sys.stdout.writelines(f"{complaint}\n" for complaint in found)
    return 1 if found else 0


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
