"""The suite itself under the policy of the service's role."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.least_privilege.policy import allowed_actions

ROOT = Path(__file__).parents[2]
# Every kind of call that the service makes, once; the whole suite under the policy takes too long for
# each run of it, and is for whoever changes the calls: see the plugin.
SUITES = (
    "tests/contracts/test_profile_store.py",
    "tests/storage/test_dynamodb.py",
    "tests/storage/test_erasing.py::test_purging_in_the_midst_of_a_deletion_is_harmless",
    "tests/end_to_end/test_journey.py::test_six_steps_of_the_seed",
    "tests/end_to_end/test_journey.py::test_service_is_ready_and_describes_itself",
)
LEFT_OUT = (
    "memory",
    "tombstone",
    "value",
    "foreign",
    "racing",
    "nothing_gets_past",
)  # no calls, or no others
NOT_BY_EVERY_RUN = {"dynamodb:BatchGetItem"}  # only where many read at the same moment


def test_suite_runs_under_the_policy(tmp_path: Path) -> None:
    """The service makes do with the policy, needs its actions, and names one table."""
    granted_to = tmp_path / "granted.json"

    run = _pytest("-k", f"not ({' or '.join(LEFT_OUT)})", "--granted-to", str(granted_to), *SUITES)

    assert run.returncode == 0, run.stdout
    granted = json.loads(granted_to.read_text("utf-8"))
    actions = {action for action, _ in granted}
    assert allowed_actions() - NOT_BY_EVERY_RUN <= actions <= allowed_actions()
    assert len({resource for _, resource in granted}) == 1


def test_offender_fails_though_it_takes_the_refusal_well() -> None:
    """A call beyond the policy fails the test that made it, and no other."""
    run = _pytest("tests/least_privilege/offender.py")

    assert run.returncode == 1, run.stdout
    assert "3 failed, 1 passed" in run.stdout
    for refused in ("dynamodb:DeleteItem", "dynamodb:Scan", "table/payroll"):
        assert refused in run.stdout


def _pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest under the policy, in a process and on servers of its own."""
    plugins = ("-p", "tests.least_privilege.plugin", "-p", "no:cacheprovider", "-p", "no:xdist")
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TEST_", "PYTEST_"))
    }
    return subprocess.run(  # noqa: S603 -- the interpreter that runs this
        [sys.executable, "-m", "pytest", "-q", *plugins, *arguments],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
