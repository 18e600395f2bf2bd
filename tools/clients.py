"""Generates the TypeScript client: its types from the OpenAPI document, and the script of the example."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.api.openapi import document as openapi
from service.api.schemas.profiles import ProfileSchema

ROOT: Final = Path(__file__).parent.parent
TYPES: Final = Path("clients/typescript/src/api.ts")
EXAMPLE: Final = Path("examples/web/client.js")
PROGRAMS: Final = ROOT / "clients/node_modules/.bin"


def document() -> bytes:
    """Return the OpenAPI document of a deployment without fields of its own, and of no version."""
    return openapi.document(ProfileSchema, version="0")


def outputs() -> Iterator[tuple[Path, str]]:
    """Yield the generated files with their texts; raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        source, types = folder / "openapi.json", folder / "typescript/src/api.ts"
        shutil.copytree(ROOT / "clients/typescript/src", types.parent)
        source.write_bytes(document())
        _run("openapi-typescript", str(source), "--output", str(types))
        yield TYPES, types.read_text(encoding="utf-8")
        for name in ("package.json", "typescript/tsconfig.json"):
            shutil.copy(ROOT / "clients" / name, folder / name)
        _run("tsc", "--project", str(folder / "typescript"), "--outDir", str(folder / "built"))
        yield EXAMPLE, (folder / "built/src/client.js").read_text(encoding="utf-8")


def _run(program: str, *arguments: str) -> None:
    command = [str(PROGRAMS / program), *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- our own arguments


if __name__ == "__main__":
    for path, text in outputs():
        (ROOT / path).write_text(text, encoding="utf-8")
