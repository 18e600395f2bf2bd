"""
Runs any part of the suite under the policy of the service's role.

    python -m pytest -p tests.least_privilege.plugin tests/storage

A call that the policy does not allow fails the test that made it, whatever that test makes of it.
"""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that keeps what the run was granted."""
    parser.addoption("--granted-to", metavar="FILE", help="write what the run was granted, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """Start the guard."""
    # A plugin is imported before coverage begins to measure, so the service is not yet.
    from tests.least_privilege.guarded_run import GuardedRun  # noqa: PLC0415 -- as said above

    run = GuardedRun(granted_to=config.getoption("--granted-to"))
    config.pluginmanager.register(run)
    config.add_cleanup(run.close)
