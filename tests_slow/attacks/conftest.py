"""The fixtures of the attacks: a local AWS in a separate process, and a service in front of it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests_slow.attacks.target import Place, Target, local_aws_process, provisioned, serve_process


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    """Start a local AWS with a table, a user pool and a client."""
    async with local_aws_process() as url:
        yield await provisioned(url)


@pytest.fixture
async def target(place: Place, tmp_path: Path) -> AsyncIterator[Target]:
    """Start `serve` with its defaults."""
    async with serve_process(place, tmp_path) as started:
        yield started
