"""
Copies the pages of the documentation and the files that they link: `python -m tools.site FOLDER`.

The paths stay the same, so the links between pages work in the repository and on the site.
"""

import re
import shutil
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
START: Final = "README.md"

_LINK: Final = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def linked_files(root: Path, start: str = START) -> set[Path]:
    """Return *start* and all files that it links, directly or not, relative to *root*."""
    found: set[Path] = set()
    todo = [root / start]
    while todo:
        file = todo.pop().resolve()
        relative = file.relative_to(root.resolve())
        if relative in found:
            continue
        found.add(relative)
        if file.suffix == ".md":
            links = _LINK.findall(file.read_text(encoding="utf-8"))
            todo += [file.parent / link for link in links]
    return found


def copy(root: Path, folder: Path) -> None:
    """Copy the documentation of *root* to *folder*, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    for file in sorted(linked_files(root)):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / file, folder / file)


if __name__ == "__main__":
    copy(ROOT, Path(sys.argv[1]))
