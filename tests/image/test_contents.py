"""The comparison that `make test-compose` makes in the image, on folders of the tests."""

import json
from pathlib import Path

import pytest

from tests.image.contents import main


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Return the root of an image with two distributions, one of them outside the environment."""
    for folder, name, version in (
        ("opt/venv/lib/python3.13/site-packages/PyJWT-2.15.1.dist-info", "PyJWT", "2.15.1"),
        ("usr/lib/python3/dist-packages/typing_extensions.egg-info", "typing_extensions", "4.16"),
    ):
        metadata = tmp_path / folder / "METADATA"
        metadata.parent.mkdir(parents=True)
        metadata.write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: {version}\n", "utf-8")
    return tmp_path


def sbom(image: Path, **components: str) -> Path:
    """Return a bill of materials with these components, in the image."""
    named = [
        {"name": name.replace("_", "-"), "version": version} for name, version in components.items()
    ]
    file = image / "sbom.cdx.json"
    file.write_text(json.dumps({"bomFormat": "CycloneDX", "components": named}), "utf-8")
    return file


def test_a_complete_list_passes(image: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Names are normalized as pip does, versions are compared exactly."""
    file = sbom(image, pyjwt="2.15.1", typing_extensions="4.16")

    assert main(file, image) == 0
    assert capsys.readouterr().out == f"{file} names all 2 distributions\n"


@pytest.mark.parametrize(
    ("components", "complaints"),
    [
        ({"pyjwt": "2.15.1"}, ["not in {}: typing-extensions 4.16"]),
        (
            {"pyjwt": "2.15.0", "typing_extensions": "4.16"},
            ["not in {}: pyjwt 2.15.1", "only in {}: pyjwt 2.15.0"],
        ),
        (
            {"pyjwt": "2.15.1", "typing_extensions": "4.16", "moto": "5.2.5"},
            ["only in {}: moto 5.2.5"],
        ),
    ],
    ids=["one is missing", "another version", "one too many"],
)
def test_what_only_one_has_is_named(
    image: Path,
    capsys: pytest.CaptureFixture[str],
    components: dict[str, str],
    complaints: list[str],
) -> None:
    """Unlisted distributions and listed ones that are missing are both reported."""
    file = sbom(image, **components)

    assert main(file, image) == 1
    assert capsys.readouterr().out.splitlines() == [line.format(file) for line in complaints]
