"""No lock and no lower bound admits a version that an advisory is held against."""

import pytest
from packaging.version import Version

from tests.locks import read_lock
from tests.minimum_versions import complaints, main, read_bounds, read_table

TABLE = "# what is watched\n\naiohttp >= 3.14.3  # GHSA-cq5v-8q36-5273, 2026-07-23: over-read\n"
LOCK = """\
aiodns==1.0 \\
    --hash=sha256:00
AIOHTTP==3.14.{patch} ; python_version >= "3.11" \\
    --hash=sha256:00
    # via -r setup.cfg
"""
SETUP_CFG = """\
[options]
install_requires =
    # the server
    aiohttp[speedups] {bound}
[options.extras_require]
dev =
    pytest
"""
PYPROJECT = '[build-system]\nrequires = ["setuptools>=77"]\n'


def found(*, patch: str = "5", bound: str = ">= 3.14.3, < 4") -> list[str]:
    """Return the complaints about such a lock and such a lower bound."""
    bounds = read_bounds(SETUP_CFG.format(bound=bound), PYPROJECT)
    return [
        *complaints(
            read_table(TABLE), {"requirements.lock": read_lock(LOCK.format(patch=patch))}, bounds
        )
    ]


def test_what_is_shipped_is_above_every_advisory(capsys: pytest.CaptureFixture[str]) -> None:
    """The product's own locks and bounds pass."""
    status = main()

    assert (status, capsys.readouterr().out) == (0, "")


@pytest.mark.parametrize("patch", ["3", "5", "10"])
def test_the_minimum_and_newer_pass(patch: str) -> None:
    """Versions are compared as versions, not as text."""
    assert found(patch=patch) == []


@pytest.mark.parametrize("patch", ["2", "3rc1"])
def test_a_lower_version_in_a_lock_is_named(patch: str) -> None:
    """One line says which lock, which package and what it needs."""
    expected = f"requirements.lock: aiohttp {Version(f'3.14.{patch}')} is below 3.14.3"

    assert found(patch=patch) == [expected]


@pytest.mark.parametrize("bound", [">= 3.14", "~= 3.14.1", "== 3.14.2", "< 4", ""])
def test_a_bound_that_admits_a_lower_version_is_named(bound: str) -> None:
    """Who installs without the locks is told from which version on."""
    (complaint,) = found(bound=bound)

    assert complaint.startswith("aiohttp is asked for from ")
    assert complaint.endswith(", not from 3.14.3")


def test_a_build_backend_is_compared_too() -> None:
    """What only builds has lower bounds in pyproject.toml."""
    bounds = read_bounds(SETUP_CFG.format(bound=""), PYPROJECT)

    assert bounds == {"aiohttp": None, "pytest": None, "setuptools": Version("77")}


def test_a_package_that_no_lock_has_is_named() -> None:
    """The table doesn't outlive what it is about."""
    assert [*complaints(read_table(TABLE), {}, {})] == [
        "deploy/minimum-versions.txt: no lock has aiohttp"
    ]


@pytest.mark.parametrize(
    "line", ["aiohttp >= 3.14.3", "aiohttp >= 3.14.3  # heard of", "aiohttp==3  # CVE-2026-1"]
)
def test_a_line_without_its_advisory_is_refused(line: str) -> None:
    """A number without a source can't be checked by the next reader."""
    with pytest.raises(ValueError, match="not `name >= version"):
        read_table(line)
