"""Fixtures of the command tests: a local AWS, and the restored state of the process."""

import uuid
from collections.abc import Iterator, Mapping

import pytest

from local_aws.outbox import Delivery
from local_aws.server import LocalAws, local_aws
from tests.support.process_state import restored


def _silently(_: Delivery) -> None:
    """Drop a code."""


@pytest.fixture(scope="session")
def own_local_aws() -> Iterator[LocalAws]:
    """Serve the local AWS."""
    with local_aws(announce=_silently) as local:
        yield local


@pytest.fixture(scope="module")
def name() -> str:
    """Return a unique name: a command finds what an earlier one created."""
    return f"command-{uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def placed(own_local_aws: LocalAws, name: str) -> Mapping[str, str]:
    """Return the environment of a command that uses the local AWS."""
    return {
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_COGNITO_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_ENDPOINT_URL": own_local_aws.endpoint_url,
        "AWS_DYNAMODB_USER_PROFILE_TABLE": name,
    }


@pytest.fixture
def process_restored() -> Iterator[None]:
    """Restore what a command changes in this process."""
    with restored():
        yield
