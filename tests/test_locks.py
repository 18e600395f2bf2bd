"""A lock is complete, fits setup.cfg, and is installed as it stands."""

import importlib.metadata
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.locks import ROOT, complaints, listed_requirements, lock_files, read_lock, with_list
from tests.minimum_versions import read_bounds

# Whatever is run to install something, and what tells people what to run.
SOURCES: Final = (
    *("Makefile", "Dockerfile", "docker-compose.yml", ".ci/*", ".github/**/*"),
    *("*.md", "docs/**/*.md", "bench/*.md"),
)
PYTHONS: Final = ("3.11", "3.12", "3.13", "3.14")
PRODUCT: Final = "user-profile-service"
LOCK: Final = """\
aiohttp==3.14.5 \\
    --hash=sha256:00
    # via user-profile-service (setup.cfg)
idna==3.20 ; python_full_version >= '3.12' \\
    --hash=sha256:00
    # via
    #   -c requirements.lock
    #   yarl
yarl==1.25.1 \\
    --hash=sha256:00
    # via aiohttp
"""


def text(file: Path | str) -> str:
    """Return what a file of the product says."""
    return (ROOT / file).read_text(encoding="utf-8")


def absent(lock: str) -> set[str]:
    """Return the packages that a lock leaves out: those that `pip check` misses in the image."""
    missed = re.findall(r" requires (\S+), which is not installed\.$", text("deploy/pip-check.txt"))
    return {*missed} if lock == "requirements.lock" else set()


def wrong_installs(commands: str) -> list[str]:
    """Return each command that installs a file of requirements, but not as a lock."""
    joined = re.sub(r"\\\n\s*", " ", commands)
    installs = re.findall(r"\binstall\b[^;&|\n]*?(?:\.lock\b| -r\b| --requirement\b).*", joined)
    return [one for one in installs if not {"--no-deps", "--require-hashes"} <= {*one.split()}]


def unchecked_installs(commands: str) -> list[str]:
    """Return each command that installs a lock and that no `pip check` follows."""
    joined = re.sub(r"\\\n\s*", " ", commands)
    parts = re.split(r"^(?=RUN |define |[^\s#:]+:)", joined, flags=re.MULTILINE)
    installs = (re.search(r"\binstall\b.*--require-hashes.*", part, re.DOTALL) for part in parts)
    return [found[0] for found in installs if found and not re.search(r"\bpip.* check\b", found[0])]


@pytest.mark.parametrize(
    "file",
    sorted(str(file.relative_to(ROOT)) for pattern in SOURCES for file in ROOT.glob(pattern)),
)
def test_a_lock_is_installed_without_resolving_and_is_checked(file: str) -> None:
    """A resolver finds newer packages than a lock, which has no hash of them."""
    commands = text(file) if (ROOT / file).is_file() else ""

    assert wrong_installs(commands) == []
    assert unchecked_installs(commands) == []


@pytest.mark.parametrize(
    "command",
    [
        "pip install --require-hashes -r requirements.lock",
        "pip install --no-deps \\\n    --requirement requirements.lock",
        "$(BIN)/python -m pip install -r requirements-dev.lock && pip check",
        "uv pip install --require-hashes bench/requirements.lock",
        "$(1)/bin/python -m pip install --require-hashes $(addprefix --requirement ,$(2))",
    ],
)
def test_an_install_that_resolves_is_found(command: str) -> None:
    """Both flags are demanded of an install from a file, whatever tool makes it."""
    (found,) = wrong_installs(f"RUN echo \\\n    && {command}\n")

    assert found in command.replace("\\\n   ", "")


@pytest.mark.parametrize(
    "commands",
    [
        "RUN pip install --no-deps --require-hashes -r a.lock\n\nRUN pip check\n",
        "a: b\n\tpip install --no-deps --require-hashes -r a.lock\n\nc:\n\tpip check\n",
    ],
)
def test_an_install_that_is_not_checked_is_found(commands: str) -> None:
    """The check belongs to the same step: another step does not always run."""
    assert len(unchecked_installs(commands)) == 1


def test_every_lock_is_installed_by_the_makefile_or_the_image() -> None:
    """The rules above are about commands that exist."""
    commands = text("Makefile") + text("Dockerfile")

    assert {file.name for file in lock_files()} <= {*re.findall(r"[a-z-]+\.lock\b", commands)}
    assert len(re.findall("--no-deps --require-hashes", commands)) >= 5


@pytest.mark.parametrize("file", lock_files(), ids=lambda file: file.name)
def test_a_lock_has_all_that_its_packages_require(file: Path) -> None:
    """What each package requires is in the lock, except for what the image leaves out."""
    assert [*complaints(text(file), absent(str(file.relative_to(ROOT))))] == []


@pytest.mark.parametrize("file", lock_files(), ids=lambda file: file.name)
def test_a_lock_without_one_of_its_packages_is_incomplete(file: Path) -> None:
    """The removal of any package is found, also of one that requires nothing."""
    whole = re.sub(r"^    --hash=.*\n", "", text(file), flags=re.MULTILINE)
    left_out = absent(str(file.relative_to(ROOT)))

    for name in read_lock(whole):
        rest = re.sub(rf"^{name}==.*\n(?:    #.*\n)*", "", whole, flags=re.MULTILINE)
        assert any(line.endswith(f" requires {name}") for line in complaints(rest, left_out)), name


def test_a_lock_without_its_list_is_incomplete() -> None:
    """What another tool than `make lock` wrote is not taken on trust."""
    assert [*complaints(LOCK)] == ["the list at the end is not what the comments say: make lock"]
    assert [*complaints(with_list(LOCK))] == []


def test_a_parent_that_the_lock_lacks_is_named() -> None:
    """A comment that names a package outside of the lock shows that it is missing."""
    without = LOCK.partition("yarl==")[0]

    assert [*complaints(with_list(without))] == ["yarl requires idna, and is missing itself"]


def test_the_list_names_packages_and_files() -> None:
    """Constraints require nothing, and are left out."""
    expected = {"aiohttp": ["yarl"], f"{PRODUCT} (setup.cfg)": ["aiohttp"], "yarl": ["idna"]}

    assert listed_requirements(with_list(with_list(LOCK))) == expected


def test_the_lowest_of_several_versions_is_read() -> None:
    """A lock may have a version for each Python: the lowest is the one that an advisory concerns."""
    lock = (
        "numpy==2.5 ; python_full_version >= '3.12'\nnumpy==2.4.6 ; python_full_version < '3.12'\n"
    )

    assert read_lock(lock + lock[::-1]) == {"numpy": Version("2.4.6")}


@pytest.mark.parametrize("file", lock_files(), ids=lambda file: file.name)
def test_a_lock_names_no_index_and_no_path(file: Path) -> None:
    """A lock is the same wherever it was made."""
    options_and_addresses = re.findall(r"^-.*|.*(?:://| @ |file:).*", text(file), re.MULTILINE)

    assert options_and_addresses == []


def installed_requirements(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    """Yield what an installed distribution requires on any Python, by its own metadata."""
    for requirement in map(Requirement, importlib.metadata.requires(name) or ()):
        environments = (
            {"python_version": python, "python_full_version": f"{python}.1", "extra": extra}
            for python in PYTHONS
            for extra in extras | {""}
        )
        if not requirement.marker or any(map(requirement.marker.evaluate, environments)):
            yield requirement


def unmet(pinned: dict[str, Version], extras: set[str]) -> Iterator[tuple[str, str]]:
    """Yield who requires what that a lock lacks or has in a version that does not fit.

    The product's own metadata is where it begins. A distribution that is installed in another version
    than the lock's is not followed.
    """
    todo = [(PRODUCT, frozenset(extras))]
    for name, wanted in todo:
        for requirement in installed_requirements(name, wanted):
            required = canonicalize_name(requirement.name)
            following = (required, frozenset(requirement.extras))
            if required != PRODUCT:
                version = pinned.get(required)
                if not version or not requirement.specifier.contains(version, prereleases=True):
                    yield name, str(requirement)
                    continue
                if importlib.metadata.version(required) != str(version):
                    continue
            if following not in todo:
                todo.append(following)


@pytest.mark.parametrize(
    ("lock", "extras"),
    [
        ("requirements.lock", set()),
        ("requirements-dev.lock", {"dev"}),
        ("requirements-lowest.lock", {"dev"}),
    ],
)
def test_a_lock_meets_the_metadata_of_what_is_installed(lock: str, extras: set[str]) -> None:
    """Extras count: pytest-cov requires coverage[toml], and what that requires is in the lock."""
    found = unmet(read_lock(text(lock)), extras)

    assert {Requirement(required).name.lower() for _, required in found} == absent(lock)


def test_a_lock_that_lacks_what_an_extra_requires_is_found() -> None:
    """setup.cfg asks for PyJWT[crypto]."""
    pinned = read_lock(text("requirements.lock"))
    del pinned["cryptography"]

    assert "pyjwt" in {parent for parent, _ in unmet(pinned, set())}


def test_the_lowest_versions_are_the_lower_bounds() -> None:
    """`make test-lowest` runs with exactly what setup.cfg promises to be enough."""
    lowest = read_lock(text("requirements-lowest.lock"))
    bounds = read_bounds(text("setup.cfg"), text("pyproject.toml"))

    asked = {name: bound for name, bound in bounds.items() if name in lowest}

    assert asked == {name: lowest[name] for name in asked}
