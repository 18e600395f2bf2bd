"""The locks of JavaScript packages are complete and name no registry."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = pytest.mark.parametrize("folder", ["tests_slow/javascript", "bench/peers/node_sdk"])


def _read(folder: str, name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / folder / name).read_text(encoding="utf-8"))
    return read


@FOLDERS
def test_every_package_has_a_hash_and_no_address(folder: str) -> None:
    """Each package is pinned by its hash; where it is downloaded from is the user's setting."""
    packages = {
        name: each for name, each in _read(folder, "package-lock.json")["packages"].items() if name
    }
    assert packages
    assert [name for name, each in packages.items() if "integrity" not in each] == []
    assert [name for name, each in packages.items() if "resolved" in each] == []
    assert "omit-lockfile-registry-resolved=true" in (ROOT / folder / ".npmrc").read_text()


@FOLDERS
def test_lock_has_the_versions_of_the_package(folder: str) -> None:
    """Direct dependencies have one exact version, the locked one."""
    locked = _read(folder, "package-lock.json")["packages"]
    for name, version in _read(folder, "package.json")["dependencies"].items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert locked[f"node_modules/{name}"]["version"] == version
