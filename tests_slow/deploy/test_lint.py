"""cfn-lint finds nothing in the templates, informational rules included."""

import subprocess
import sys
from typing import Final

import pytest

from tests.deploy.templates import DATA, EVENTS, SERVICE

REGIONS: Final = ("ap-south-1", "eu-central-1", "us-east-1")


def linted(*arguments: str) -> tuple[int, str]:
    """Run cfn-lint; returns its exit status, and what it printed."""
    ended = subprocess.run(  # noqa: S603 -- a program of the development environment
        [sys.executable, "-c", "from cfnlint.runner import main; main()", *arguments],
        capture_output=True,
        check=False,
        encoding="utf-8",
        timeout=100,
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_templates_are_clean_in_three_regions() -> None:
    """Errors, warnings and hints alike: there are none."""
    assert linted(
        *("--regions", *REGIONS),
        *("--include-checks", "I"),
        "--",
        *map(str, (DATA, SERVICE, EVENTS)),
    ) == (0, "")


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [("BillingMode: PER_REQUEST", "E3030"), ("Billing: PAY_PER_REQUEST", "E3002")],
    ids=["value", "property"],
)
def test_mistake_is_found(wrong: str, rule: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The check fails on a template with a mistake."""
    broken = tmp_path_factory.mktemp("lint") / "data.yaml"
    text = DATA.read_text(encoding="utf-8").replace("BillingMode: PAY_PER_REQUEST", wrong)
    broken.write_text(text, encoding="utf-8")

    status, printed = linted("--regions", REGIONS[0], "--", str(broken))

    assert status != 0
    assert rule in printed
