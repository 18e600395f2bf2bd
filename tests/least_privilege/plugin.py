"""
A pytest plugin that gives the service of every test exactly the rights of the policy.

Its calls to moto's DynamoDB go through a guard, and a refused call fails the test, whatever the test does
with the error. Operators, who create tables, and the TTL process, which deletes items, call moto
directly. `make run` cannot be guarded, because one process is its own operator there.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from typing import Final, TypeAlias

import pytest

from tests.least_privilege.guard import Guard
from tests.least_privilege.guarded_moto import guarded_moto
from tests.least_privilege.policy import policy_for
from tests.support.configs import configured

Guarded: TypeAlias = Callable[[str], str]

GUARDS: Final = pytest.StashKey[list[Guard]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin without guards."""
    config.stash[GUARDS] = []


@pytest.fixture(scope="session")
def guarded(pytestconfig: pytest.Config) -> Iterator[Guarded]:
    """Return a context manager that opens DynamoDB to a service with one table, and yields its URL."""
    with ExitStack() as stack:

        def opened(table: str) -> str:
            policy = policy_for(table, region=configured().aws.region)
            guard, url = stack.enter_context(guarded_moto(policy))
            pytestconfig.stash[GUARDS].append(guard)
            return url

        yield opened


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, None, None]:
    """Fail what is refused as a test begins."""
    yield
    _demand(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Fail what is refused in a test."""
    yield
    _demand(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, None, None]:
    """Fail what is refused as a test ends."""
    yield
    _demand(item)


def _demand(item: pytest.Item) -> None:
    for guard in item.config.stash[GUARDS]:
        refused = [*guard.refused]
        guard.refused.clear()
        assert refused == [], f"the policy does not allow {refused}"
