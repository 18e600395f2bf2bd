"""The suite itself under the policy of the service's role."""

import subprocess
import sys
from pathlib import Path

from tests_slow.commands.running import unmeasured_environ

ROOT = Path(__file__).parents[2]


def test_offender_fails_though_it_takes_the_refusal_well() -> None:
    """A call beyond the policy fails the test that made it, and no other."""
    environ = {
        name: value
        for name, value in unmeasured_environ().items()
        if not name.startswith(("TEST_", "PYTEST_"))
    }
    offender = "tests/least_privilege/offender.py"
    plugins = ("-p", "no:cacheprovider", "-p", "no:xdist")
    run = subprocess.run(  # noqa: S603 -- the interpreter that runs this
        [sys.executable, "-m", "pytest", "-q", *plugins, offender],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert run.returncode == 1, run.stdout
    assert "3 failed, 1 passed" in run.stdout
    for refused in ("dynamodb:DeleteItem", "dynamodb:Scan", "table/payroll"):
        assert refused in run.stdout
