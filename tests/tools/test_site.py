"""The site has every page of the documentation, and what the pages link."""

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.site import ROOT, copy, linked_files

PAGES = {file.relative_to(ROOT) for file in (ROOT / "docs").glob("*.md")}


def _listed(entries: list[object]) -> Iterator[Path]:
    """Yield the files of a navigation, nested sections included."""
    for entry in entries:
        assert isinstance(entry, dict)
        for target in entry.values():
            if isinstance(target, list):
                yield from _listed(target)
            else:
                yield Path(target)


def test_every_page_can_be_reached_from_the_readme() -> None:
    """A page that nothing links would be missing on the site."""
    assert PAGES - linked_files(ROOT) == set()


def test_every_page_is_in_the_navigation() -> None:
    """The navigation of the site lists each page of docs/, and only files that exist."""
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    listed = list(_listed(project["nav"]))

    assert PAGES - {*listed} == set()
    assert [file for file in listed if not (ROOT / file).is_file()] == []


def test_linked_files_are_copied_to_the_same_paths(tmp_path: Path) -> None:
    """Links of links are followed, and what was in the folder before is gone."""
    root, folder = tmp_path / "root", tmp_path / "site"
    (root / "docs").mkdir(parents=True)
    folder.mkdir()
    (folder / "old.md").touch()
    (root / "README.md").write_text("[guide](docs/guide.md#top) [web](https://example.com/x.md)")
    (root / "docs" / "guide.md").write_text("[here](#top) ![picture](p.png) [up](../README.md)")
    (root / "docs" / "p.png").write_bytes(b"png")

    copy(root, folder)

    found = sorted(str(file.relative_to(folder)) for file in folder.rglob("*.*"))
    assert found == ["README.md", "docs/guide.md", "docs/p.png"]


@pytest.mark.parametrize("link", ["../outside.md", "docs/nowhere.md"])
def test_link_to_no_file_of_the_repository_is_refused(link: str, tmp_path: Path) -> None:
    """A link that leaves the repository or leads nowhere stops the build."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.md").touch()
    (root / "README.md").write_text(f"[link]({link})")

    with pytest.raises((ValueError, FileNotFoundError)):
        copy(root, tmp_path / "site")
