"""Fixtures of the attacks: one local AWS, and a `serve` process in front of it for each module."""

from collections.abc import Iterator

import pytest

from tests_slow.attacks.target import Resources, Target, local_aws_process, serve_process


@pytest.fixture(scope="session")
def resources() -> Iterator[Resources]:
    """Start a local AWS with a table, a user pool and a client."""
    with local_aws_process() as provisioned:
        yield provisioned


@pytest.fixture(scope="module")
def target(resources: Resources, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Start `serve` with its defaults."""
    with serve_process(resources, tmp_path_factory.mktemp("serve")) as started:
        yield started
