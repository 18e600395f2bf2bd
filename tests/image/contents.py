"""
Compares the bill of materials in an image with the installed distributions.

It runs in the image and uses only the standard library: python contents.py /app/sbom.cdx.json
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Final, TypeAlias

Name: TypeAlias = str  # as pip compares names
Distribution: TypeAlias = tuple[Name, str]  # name and version

_METADATA: Final = (".dist-info", ".egg-info")
_NOT_FILES: Final = frozenset({"/proc", "/sys"})


def installed(root: Path) -> Iterator[Distribution]:
    """Yield every Python distribution below *root*."""
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if os.path.join(folder, name) not in _NOT_FILES]  # noqa: PTH118 -- a Path each is slow
        for name in (*below, *files):
            if name.endswith(_METADATA):
                found = PathDistribution(Path(folder, name))
                yield _canonical(found.name), found.version


def listed(sbom: Path) -> Iterator[Distribution]:
    """Yield the components of a CycloneDX document."""
    for component in json.loads(sbom.read_text(encoding="utf-8"))["components"]:
        yield _canonical(component["name"]), component["version"]


def _canonical(name: str) -> Name:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(sbom: Path, root: Path = Path("/")) -> int:
    """Print what only one of the two contains; return 1 if anything."""
    there, named = {*installed(root)}, {*listed(sbom)}
    lines = [f"not in {sbom}: {name} {version}\n" for name, version in sorted(there - named)]
    lines += [f"only in {sbom}: {name} {version}\n" for name, version in sorted(named - there)]
    sys.stdout.writelines(lines or [f"{sbom} names all {len(there)} distributions\n"])
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
