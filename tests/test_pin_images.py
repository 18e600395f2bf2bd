"""`make pin-images` writes digests behind the tags of public images."""

import os
import re
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = ("Makefile", "Dockerfile", "docker-compose.yml")
DIGESTS = ("a" * 64, "b" * 64)
PUBLIC = re.compile(r"^(?:FROM|\s+image:) ((?:python|amazon/)\S+)", re.MULTILINE)


def _pin(folder: Path, digest: str) -> list[str]:
    """Run `make pin-images` with a registry of one digest; return the names of the public images."""
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\necho sha256:{digest}\n")
    docker.chmod(0o755)
    path = os.pathsep.join((str(folder), os.environ["PATH"]))
    make = shutil.which("make")
    assert make is not None
    subprocess.run([make, "pin-images"], cwd=folder, env={"PATH": path}, check=True)  # noqa: S603 -- ours
    return [name for file in FILES[1:] for name in PUBLIC.findall((folder / file).read_text())]


def test_digest_is_written_and_renewed(tmp_path: Path) -> None:
    """Every public image keeps its tag and has the registry's digest, again and again."""
    for file in FILES:
        shutil.copy(ROOT / file, tmp_path / file)

    for digest in DIGESTS:
        names = _pin(tmp_path, digest)
        assert len(names) == 3
        assert all(re.fullmatch(rf"\S+:[\w.-]+@sha256:{digest}", name) for name in names), names
