"""The TypeScript client: its size, whether what is generated is current, and its tests in Node."""

import gzip
import re
from pathlib import Path
from typing import Final

import orjson

from tests_clients.conftest import ROOT, Run
from tools import clients

CLIENT: Final = ROOT / "clients/typescript/src/client.ts"


def test_generated_files_are_current() -> None:
    """The types and the script of the example are what `make clients` writes."""
    stale = [
        str(path)
        for path, text in clients.outputs()
        if (ROOT / path).read_text(encoding="utf-8") != text
    ]

    assert stale == [], "run make clients"


def test_client_is_small() -> None:
    """The wrapper has less than 250 lines, and less than 5 kB as a browser loads it."""
    script = (ROOT / clients.EXAMPLE).read_bytes()

    assert len(CLIENT.read_text(encoding="utf-8").splitlines()) < 250
    assert len(gzip.compress(script, mtime=0)) < 5_000


def test_client_works_in_node(run: Run, tmp_path: Path) -> None:
    """The client signs in, refreshes, waits and resolves conflicts with `python -m service local`."""
    (tmp_path / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    run(
        *("tsc", "--project", ROOT / "clients/typescript/tsconfig.test.json"),
        *("--outDir", tmp_path),
    )

    output = run("node", "--test", "--test-reporter=tap", tmp_path / "test/client.test.js")

    assert int(re.findall(r"^# pass (\d+)$", output, re.MULTILINE)[0]) >= 12
    assert (
        re.findall(r"^# (?:fail|skipped|todo|cancelled) (\d+)$", output, re.MULTILINE) == ["0"] * 4
    )


def test_lock_names_no_registry() -> None:
    """Packages are installed by their hashes from whatever registry npm is configured for."""
    lock = orjson.loads((ROOT / "clients/package-lock.json").read_bytes())
    packages = {name: entry for name, entry in lock["packages"].items() if name}

    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if not entry["integrity"]] == []
