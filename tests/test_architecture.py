"""The picture of the packages in docs/architecture.md is the contract that import-linter checks."""

import configparser
import itertools
import re
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
BASES: Final = (ROOT, ROOT / "service")  # of the paths in the page
DOCUMENT: Final = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def _layers() -> list[set[str]]:
    """Return the packages of each layer, the highest first."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    lines = setup["importlinter:contract:layers"]["layers"].split("\n")
    return [{name.strip(" _") for name in line.split("|")} for line in lines if line]


def _arrows() -> dict[str, set[str]]:
    """Return the packages at the ends of each package's arrows."""
    picture = DOCUMENT.partition("flowchart TB")[2].partition("```")[0]
    arrows = re.findall(r'^    (\w+)(?:\["[^"]*"\])? --> (.+)$', picture, re.MULTILINE)
    return {start: {*ends.split(" & ")} for start, ends in arrows}


def test_arrows_lead_from_each_layer_to_the_next() -> None:
    """Every package has arrows to all packages of the layer below its own, and to no other."""
    layers = _layers()

    assert _arrows() == {
        package: below for layer, below in itertools.pairwise(layers) for package in layer
    }


def test_paths_of_the_page_exist() -> None:
    """Each module, directory and page that the page names is in the repository."""
    links = re.findall(r"\]\(([\w./-]+)\)", DOCUMENT)
    assert links
    assert not [link for link in links if not (ROOT / "docs" / link).exists()]
    paths = {
        path
        for path in re.findall(r"`([\w./-]+/[\w./-]*)`", DOCUMENT)
        if not path.startswith(("/", "http"))
    }

    assert paths
    assert not [
        path
        for path in sorted(paths)
        if not any((base / path).exists() or (base / f"{path}.py").exists() for base in BASES)
    ]
