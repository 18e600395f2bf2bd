"""Histories of several processes are linearizable under lost calls and killed processes."""

import os
from pathlib import Path

import pytest

from service.config.settings import Config
from tests_slow.linearizability.history import Outcome
from tests_slow.linearizability.run import Plan, run

# On DynamoDB Local it runs longer. moto serves one call at a time, some in a tenth of a second.
AT_LENGTH = Plan(duration_s=60, read_timeout_s=0.6, seed=11, callers=8)
SHORT = Plan(duration_s=5, read_timeout_s=2, seed=11, processes=2, users=2, callers=4)


@pytest.mark.timeout(300)  # it runs for a minute, and what it saw has to be gone through
async def test_history_of_every_profile_is_linearizable(config: Config, tmp_path: Path) -> None:
    """No answer contradicts another, under any fault, and the table agrees."""
    report = await run(AT_LENGTH if "TEST_DYNAMODB_URL" in os.environ else SHORT, config, tmp_path)

    assert report.wrong == [], report
    assert report.outcomes[Outcome.CREATED] >= report.users
    assert report.kills + report.pauses + report.storms > 0
    assert report.faults.total() > 0
